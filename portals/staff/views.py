"""What members of staff see: the students of the school (R34, R35), and the attendance of their own (R16)."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from attendance.queries import absences
from portals.health import health_of
from portals.marks import mark_feed
from portals.staff.filters import StudentFilter
from portals.staff.gate import StaffRequest, gate
from sync.queries.sources import freshness
from tenants.operations import record
from tenants.queries import school_days
from users import doors, queries
from users.roles import Can

STUDENTS_PER_PAGE = 25
DAYS_SHOWN = 10  # days of school in the attendance panel


@require_safe
@gate()
def students(request: StaffRequest) -> HttpResponse:
    """List the students, found by name, year and class; htmx swaps the results alone."""
    chosen = StudentFilter(request.GET, queryset=queries.students())
    context = {
        "filter": chosen,
        "page": Paginator(chosen.qs, STUDENTS_PER_PAGE).get_page(request.GET.get("page")),
        "filtered": any(request.GET.get(name) for name in ("q", "year", "group")),
        "partial": bool(request.htmx) and not request.htmx.history_restore_request,
    }
    if context["partial"]:
        return render(request, "staff/students_found.html", context)
    return render(request, "staff/students.html", context | {"fresh": freshness()})


@require_safe
@gate(Can.SEE_CONTACTS)
def student(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a student with classes and contacts, and attendance to who may; medical information is a step away."""
    found = doors.student_for(request.standing, pk, right=Can.SEE_CONTACTS)
    context: dict[str, Any] = {"page": queries.student_page(found), "fresh": freshness(), "feed": None}
    if queries.sees_marks_of(request.standing, found):
        days = school_days(request.school, timezone.localdate(), latest=DAYS_SHOWN).latest
        context |= {"days": absences.history(found, days), "feed": mark_feed()}
    return render(request, "staff/student.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.SEE_MEDICAL)
def medical(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask first; when the button was pressed, log the reading and show what the MIS says (R35)."""
    found = doors.student_for(request.standing, pk, right=Can.SEE_MEDICAL)
    fresh = freshness()
    context: dict[str, Any] = {"student": found, "fresh": fresh, "health": None}
    if request.method == "POST":
        record(action="medical.read", by=request.standing.account_id, at=timezone.now(), subject=f"student:{found.pk}")
        context["health"] = health_of(found, school=request.school, freshness=fresh)
    return render(request, "staff/medical.html", context)
