"""A guardian says that their child will not be there (R81).

A report is about the child, so whoever may see the child sees its days, part and reason; its note is read by its author
and the school only, and neither guardian reads who the other is (in the spirit of D10).
"""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from attendance import doors as reports_doors
from attendance.operations import reports
from attendance.queries.reports import beside, of_child
from portals.absence import AbsenceForm, today_first
from portals.marks import mark_feed
from portals.parent.gate import ParentRequest, gate
from tenants.queries import days_without_school
from users import doors
from users.models import Student

form_page: Final = require_http_methods(["GET", "HEAD", "POST"])


@form_page
@gate
def absence(request: ParentRequest, pk: int) -> HttpResponse:
    """Ask when and why, say what it changes, and take it once the guardian has said yes; below, what was reported."""
    child = doors.child_for(request.guardian, pk)
    posted = request.method == "POST"
    form = AbsenceForm(request.POST if posted else None, initial=today_first(timezone.localdate()))
    if posted and form.is_valid():
        answer = _take(request, child, form) if "sure" in request.POST else _preview(request, child, form)
        if answer:
            return answer
    today = timezone.localdate()
    context = {
        "child": child,
        "form": form,
        "reports": of_child(child, today=today),
        "guardian": request.guardian,
        "feed": mark_feed(),
    }
    return render(request, "parent/absence.html", context)


def _preview(request: ParentRequest, child: Student, form: AbsenceForm) -> HttpResponse | None:
    said = form.told
    try:
        reports.check(
            school=request.school,
            student=child,
            guardian=request.guardian,
            at=timezone.now(),
            first=said["first"],
            last=said["last"],
            part=said["part"],
        )
    except reports.UnableToReport as fault:
        form.add_error(None, str(fault))
        return None
    off = days_without_school(request.school, said["first"], said["last"])
    return render(request, "parent/absence_sure.html", {"child": child, "form": form, "said": said, "off": off})


def _take(request: ParentRequest, child: Student, form: AbsenceForm) -> HttpResponse | None:
    who: dict[str, Any] = {"guardian": request.guardian, "by": request.standing.account_id}
    try:
        made = reports.report(school=request.school, student=child, at=timezone.now(), **who, **form.told)
    except reports.UnableToReport as fault:
        form.add_error(None, str(fault))
        return None
    messages.success(request, "Thank you. The school knows.")
    return redirect("parent:report", school=request.school.slug, pk=made.pk)


@require_safe
@gate
def report(request: ParentRequest, pk: int) -> HttpResponse:
    """Show one report of one's own, as a receipt, with the school's marks beside it."""
    found = reports_doors.report_by(request.guardian, pk)
    today = timezone.localdate()
    context = {
        "report": found,
        "beside": beside(found, today=today),
        "can_be_withdrawn": reports.can_be_withdrawn(found, today=today),
        "feed": mark_feed(),
    }
    return render(request, "parent/report.html", context)


@form_page
@gate
def withdraw(request: ParentRequest, pk: int) -> HttpResponse:
    """Ask once, then take a report of one's own back."""
    found = reports_doors.report_by(request.guardian, pk)
    if request.method != "POST":
        return render(request, "parent/withdraw.html", {"report": found})
    try:
        reports.withdraw(report=found, school=request.school, by=request.standing.account_id, at=timezone.now())
    except reports.UnableToWithdraw as fault:
        messages.warning(request, str(fault))
    else:
        messages.success(request, "Withdrawn. The school knows that your child comes.")
    return redirect("parent:report", school=request.school.slug, pk=found.pk)
