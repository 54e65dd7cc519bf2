"""What guardians see: the children to whom they have a tie in force, each by itself (R50, R69)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.queries import absences
from portals.health import health_of
from portals.marks import mark_feed
from portals.parent.gate import ParentRequest, gate
from sync.queries.sources import freshness
from tenants.queries import school_days
from users import doors, queries

DAYS_SHOWN = 5  # days of school in the attendance panel


@require_safe
@gate
def home(request: ParentRequest) -> HttpResponse:
    """Show a card per child, or say why there is none and whom to ask."""
    children = list(queries.children_of(request.guardian))
    restricted = not children and queries.has_restricted_tie(request.guardian)
    return render(request, "parent/home.html", {"children": children, "restricted": restricted, "fresh": freshness()})


@require_safe
@gate
def child(request: ParentRequest, pk: int) -> HttpResponse:
    """Show one child as the school's MIS knows them."""
    found = doors.child_for(request.guardian, pk)
    fresh = freshness()
    days = school_days(request.school, timezone.localdate(), latest=DAYS_SHOWN).latest
    context = {
        "child": found,
        "days": absences.history(found, days),
        "feed": mark_feed(),
        "classes": queries.classes_of(found),
        "health": health_of(found, school=request.school, freshness=fresh),
        "fresh": fresh,
    }
    return render(request, "parent/child.html", context)
