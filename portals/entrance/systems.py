"""Public pages: the systems we read, and a guide to each (R4, R6)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portals import gates
from sync.queries import joining


@require_safe
@gates.public
def systems(request: HttpRequest) -> HttpResponse:
    """List every system, the partner through whom we read it, and what it shares."""
    return render(request, "entrance/systems.html", {"groups": joining.catalogue()})


@require_safe
@gates.public
def system(request: HttpRequest, system: str) -> HttpResponse:
    """Tell how one system is connected.

    Raises:
        Http404: it is not in the catalogue.
    """
    found = joining.system(system)
    if found is None:
        raise Http404("no such system")
    guide = [f"entrance/guides/{found.key}.html", "entrance/guides/other.html"]
    return render(request, "entrance/system.html", {"system": found, "guide": guide})
