"""A teacher's classes, and today's list of one with what is known of who is away (R16)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from attendance.queries import absences
from portals.marks import mark_feed
from portals.staff.gate import StaffRequest, gate
from sync.queries.sources import freshness
from tenants.queries import why_no_school
from users import doors, queries
from users.roles import Can


@require_safe
@gate()
def classes(request: StaffRequest) -> HttpResponse:
    """List the classes that one teaches, or every class to who sees every student's marks."""
    every = Can.SEE_MARKS in request.standing.rights
    found = queries.sized(queries.classes() if every else queries.classes_taught(request.standing))
    return render(request, "staff/classes.html", {"classes": found, "every": every, "fresh": freshness()})


@require_safe
@gate()
def class_list(request: StaffRequest, pk: int) -> HttpResponse:
    """Show today's list of one class: each student with what the MIS and guardians say."""
    found = doors.class_for(request.standing, pk)
    today = timezone.localdate()
    students = list(queries.students_in(found))
    flags = absences.flags([student.pk for student in students], today)
    context = {
        "class": found,
        "today": today,
        "rows": [(student, flags[student.pk]) for student in students],
        "feed": mark_feed(),
        "why": why_no_school(request.school, today),
    }
    return render(request, "staff/class.html", context)
