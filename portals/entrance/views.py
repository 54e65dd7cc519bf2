"""The way in: the choice of school and mode, the theme, the gallery of components, and whether we are up."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from portals import gates
from portals.entrance import health
from portals.entrance.context import THEME, THEMES, mode_icon, mode_url
from portals.entrance.showcase import sample_data
from portals.gates import MODE_NAMES, REMEMBERED
from users import queries
from users.operations import memberships
from users.queries import Way, Ways

YEAR = 365 * 24 * 3600


@require_safe
@gates.public
def home(request: HttpRequest) -> HttpResponse:
    """Greet a visitor; send whoever has one way in, or took one before, along it; else let them choose (R32, R40)."""
    if not request.user.is_authenticated:
        return render(request, "entrance/welcome.html")
    ways = queries.ways_of(account_id=request.user.pk)
    way = None if "choose" in request.GET else _obvious(request, ways)
    if way:
        return redirect(mode_url(way.school.slug, way.mode))
    return render(request, "entrance/choose.html", {"ways": ways, "cards": [_card(way) for way in ways.open]})


def _obvious(request: HttpRequest, ways: Ways) -> Way | None:
    """Return the one way there is, or the one taken last; a school that waits for an answer is asked about first."""
    if ways.waiting:
        return None
    if len(ways.open) == 1:
        return ways.open[0]
    remembered = request.COOKIES.get(REMEMBERED)
    return next((way for way in ways.open if way.key == remembered), None)


def _card(way: Way) -> dict[str, str]:
    texts = {
        "staff": "Students, their classes and contacts",
        "parent": "Your children at this school",
        "reception": "What the sync did, and what waits",
    }
    return {
        "school": way.school.name,
        "mode": MODE_NAMES[way.mode],
        "text": texts[way.mode],
        "icon": mode_icon(way.mode),
        "url": mode_url(way.school.slug, way.mode),
    }


@require_POST
@gates.account
def joining(request: Any) -> HttpResponse:
    """Take the answer to "do you belong to this school?" (R32).

    Raises:
        Http404: nothing waits for an answer of this account here.
    """
    answer = memberships.confirm if request.POST.get("answer") == "yes" else memberships.refuse
    try:
        answer(account_id=request.user.pk, at=timezone.now())
    except memberships.NothingToAnswer as nothing:
        raise Http404("nothing to answer") from nothing
    if answer is memberships.confirm:
        messages.success(request, f"{request.school.name} is now among your schools.")
    else:
        messages.info(request, f"Thank you. {request.school.name} will see that this address is not theirs to use.")
    return redirect("entrance:home")


@require_safe
@gates.account
def account(request: HttpRequest) -> HttpResponse:
    """Show what belongs to the login: address, password, second factor, sessions, theme."""
    return render(request, "entrance/account.html")


@require_safe
@gates.account
def address(request: HttpRequest) -> HttpResponse:
    """Say why an address is changed at the school, not here; stands in for allauth's own page (R26)."""
    return render(request, "entrance/address.html")


@require_safe
@gates.public
@cache_control(public=True, max_age=YEAR, immutable=True)
def hue(_request: HttpRequest, hue: int) -> HttpResponse:
    """Give a school's colour: one line of CSS, because inline styles are forbidden.

    Raises:
        Http404: not an angle.
    """
    if hue >= 360:
        raise Http404("not an angle")
    return HttpResponse(f"@layer tokens{{:root{{--h:{hue}}}}}\n", content_type="text/css; charset=utf-8")


@require_POST
@gates.public
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice between light, dark and automatic in a cookie, and go back."""
    chosen = request.POST.get("theme", "auto")
    back = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    response = redirect(back if safe else "/")
    response.set_cookie(
        THEME, chosen if chosen in THEMES else "auto", max_age=YEAR, samesite="Lax", secure=request.is_secure()
    )
    return response


@require_safe
@gates.public
def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component with its declared properties."""
    return render(request, "entrance/gallery.html", sample_data())


@require_safe
@gates.public
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the process lives."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@gates.public
def readyz(_request: HttpRequest) -> HttpResponse:
    """Say whether a page could be served; 503 with what does not answer."""
    faults = health.faults()
    return HttpResponse(
        "; ".join(faults) or "ok", status=503 if faults else 200, content_type="text/plain; charset=utf-8"
    )
