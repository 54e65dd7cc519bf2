"""People, as those who run the school see them: the list, one person whole, and why they cannot come in (R21, R48)."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portals.reception.gate import ReceptionRequest, gate
from portals.reception.person import KIND_NAMES, person_page
from sync.queries import histories
from sync.queries.sources import freshness
from tenants.models import School
from users import directory, doors
from users.directory import GONE
from users.models import Guardian, Person, StaffMember
from users.reasons import blocked

TABS: Final = {"students": "Students", "guardians": "Guardians", "staff": "Staff", GONE: "Left or deleted"}


@require_safe
@gate()
def people(request: ReceptionRequest) -> HttpResponse:
    """List the people of a tab, found by name, fifty a page."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "students"
    words = request.GET.get("q", "")[:80]
    context = {
        "tabs": TABS,
        "tab": tab,
        "words": words,
        "page": directory.people(tab, words=words, page=request.GET.get("page")),
        "fresh": freshness(),
    }
    return render(request, "reception/people.html", context)


@require_safe
@gate()
def person(request: ReceptionRequest, kind: str, pk: int) -> HttpResponse:
    """Show one person: fields, ids, ties, login, and all that ever happened to them."""
    found = doors.person_for(request.standing, kind, pk)
    page = person_page(found, school=request.school, page=request.GET.get("page"))
    return render(request, "reception/person.html", {"page": page, "fresh": freshness()})


@require_safe
@gate()
def why(request: ReceptionRequest, kind: str, pk: int) -> HttpResponse:
    """Say why this person cannot come in, and which students a guardian cannot see and why."""
    found = doors.person_for(request.standing, kind, pk)
    words = request.GET.get("q", "")[:80]
    context = {"words": words, "fresh": freshness(), **whys(found, request.school, words)}
    return render(request, "reception/why.html", context)


def whys(found: Person, school: School, words: str = "") -> dict[str, object]:
    """Return what the page says of a person; of staff also why there is no parent mode."""
    known = histories.identities(found)
    reasons = directory.why_not_in(found, school, histories.feed_about(found, known))
    as_parent = directory.as_parent(found, school) if isinstance(found, StaffMember) else None
    return {
        "whose": found,  # `person` is who looks, on every page
        "kind": directory.kind_of(found),
        "kind_name": KIND_NAMES[directory.kind_of(found)],
        "reasons": reasons,
        "comes_in": not blocked(reasons),
        "children": directory.children_seen(found, words=words) if isinstance(found, Guardian) else (),
        "as_parent": as_parent,
        "is_parent": as_parent is not None and not blocked(as_parent.reasons),
    }
