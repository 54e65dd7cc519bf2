"""The monitors' pages: who is away today from all sources, what was found out, and calls that come in (R16, R81)."""

import dataclasses
import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from attendance import doors as reports_doors
from attendance.operations import reports, resolutions
from attendance.queries import absences
from attendance.queries.reports import callers
from attendance.sources import Verdict
from portals.absence import today_first
from portals.chart import absences as chart_of
from portals.marks import mark_feed
from portals.sheet import download, sheet
from portals.staff import forms
from portals.staff.gate import StaffRequest, gate
from tenants.operations import record
from tenants.queries import school_days
from users import directory, doors
from users.models import Student
from users.roles import Can

ROWS_PER_PAGE: Final = 50
WEEKS: Final = 14  # bars of the chart: as many days of school
BACK: Final = 366  # days a page looks back
FOUND: Final = 20
LISTS: Final = {
    absences.LOOK: "To look into",
    **{verdict.value: verdict.label.capitalize() for verdict in Verdict if verdict not in {"clear", "nothing"}},
    absences.SETTLED: "Settled",
    absences.ALL: "All",
}
HEADER: Final = ("Day", "Student", "Year", "Form", "State", "Marks of the MIS", "Reported", "Settled", "What was found")
form_page: Final = require_http_methods(["GET", "HEAD", "POST"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Act:
    """One thing a monitor does about a student: its title, what it will do, its button, and where a “no” leads."""

    student: Student
    title: str
    says: tuple[str, ...]
    button: str
    back: str
    hurts: bool = False


@require_safe
@gate(Can.SEE_ABSENCES)
def absence(request: StaffRequest) -> HttpResponse:
    """List who is away on a day, with what each source says; what changed of earlier days; the last weeks."""
    day, today = _day(request), timezone.localdate()
    around = school_days(request.school, day, latest=WEEKS)
    found = absences.rows(day)
    tally = absences.tally(found)
    which = _which(request)
    midnight = timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
    weeks = absences.counts(around.latest)
    context = {
        "day": day,
        "today": today,
        "around": around,
        "after": around.after if around.after and around.after <= today else None,
        "which": which,
        "which_name": LISTS[which],
        "chips": [
            (key, label, tally[key])
            for key, label in LISTS.items()
            if tally[key] or key in {which, absences.LOOK, absences.ALL}
        ],
        "tally": {key.replace("-", "_"): number for key, number in tally.items()},
        "page": Paginator([row for row in found if row.is_on(which)], ROWS_PER_PAGE).get_page(request.GET.get("page")),
        "corrections": absences.corrections(day, since=midnight, until=midnight + datetime.timedelta(days=1)),
        "weeks": weeks,
        "chart": chart_of(weeks),
        "feed": mark_feed(),
        "may_settle": Can.SETTLE_ABSENCES in request.standing.rights,
    }
    return render(request, "staff/absence.html", context)


@require_safe
@gate(Can.SEE_ABSENCES)
def absence_csv(request: StaffRequest) -> HttpResponse:
    """Give the list of a day as a file; that it was taken is noted."""
    day, which = _day(request), _which(request)
    found = [row for row in absences.rows(day) if row.is_on(which)]
    lines = [_line(day, row) for row in found]
    record(
        action="absence.downloaded",
        by=request.standing.account_id,
        at=timezone.now(),
        subject=f"absences:{day}",
        reason=f"{len(lines)} rows",
    )
    return download(f"absences-{day}", sheet(HEADER, lines))


def _line(day: datetime.date, row: absences.Row) -> tuple[str, ...]:
    marks = "; ".join(f"{mark.words} ({mark.source})" for mark in row.day.marks)
    told = "; ".join(
        f"{report.get_part_display()}, {report.get_reason_display()}, by {report.guardian or 'the school'}"
        for report in row.reports
    )
    student, word = row.student, row.resolution
    return (
        *(day.isoformat(), student.name, student.year or "", student.form or "", row.day.verdict.label, marks, told),
        *("yes" if word else "no", word.reason if word else ""),
    )


@form_page
@gate(Can.SETTLE_ABSENCES)
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """Note what was found out about one student's day: of exactly what the page showed."""
    student = doors.student_for(request.standing, pk, right=Can.SETTLE_ABSENCES)
    day = _day(request)
    row = absences.row(student, day)
    form = forms.SettleForm(forms.given(request))
    if form.is_valid():
        try:
            resolutions.settle(
                student=student, date=day, by=request.standing.account_id, at=timezone.now(), **form.cleaned_data
            )
        except resolutions.UnableToSettle as fault:
            form.add_error("reason", str(fault))
        else:
            return _back(request, day, f"{student.name}: settled.")
    act = Act(
        student=student,
        title="Settle this absence",
        says=(
            "It is taken off the list of what is to be looked into.",
            "No mark and no report is changed: correct a mark in your MIS.",
            "If the MIS or a guardian says something else later, it comes back.",
        ),
        button="Settle it",
        back=_list_url(request, day),
    )
    return _ask(request, act, form, row=row, day=day)


@form_page
@gate(Can.SETTLE_ABSENCES)
def reopen(request: StaffRequest, pk: int) -> HttpResponse:
    """Take back what was found out about one student's day."""
    student = doors.student_for(request.standing, pk, right=Can.SETTLE_ABSENCES)
    day = _day(request)
    form = forms.Plain(forms.given(request))
    if form.is_valid():
        was = resolutions.reopen(student=student, date=day, by=request.standing.account_id, at=timezone.now())
        return _back(request, day, f"{student.name}: open again." if was else f"{student.name} was not settled.")
    row = absences.row(student, day)
    word = row.resolution
    says = (f"“{word.reason}” is taken back; the audit trail keeps it.",) if word else ("Nothing is settled here.",)
    act = Act(student=student, title="Open it again", says=says, button="Open again", back=_list_url(request, day))
    return _ask(request, act, form, row=row, day=day)


@require_safe
@gate(Can.SETTLE_ABSENCES)
def call(request: StaffRequest) -> HttpResponse:
    """Find the student about whom a call came in."""
    words = request.GET.get("q", "")[:80].strip()
    found = list(directory.students_named(words)[: FOUND + 1])
    return render(request, "staff/call.html", {"words": words, "found": found[:FOUND], "more": len(found) > FOUND})


@form_page
@gate(Can.SETTLE_ABSENCES)
def call_about(request: StaffRequest, pk: int) -> HttpResponse:
    """Note what the school was told about one student."""
    student = doors.student_for(request.standing, pk, right=Can.SETTLE_ABSENCES)
    form = forms.CallForm(
        forms.given(request), callers=callers(student), initial=today_first(timezone.localdate()) | {"guardian": ""}
    )
    if form.is_valid():
        try:
            made = reports.report(
                school=request.school,
                student=student,
                guardian=form.caller,
                by=request.standing.account_id,
                at=timezone.now(),
                **form.told,
            )
        except reports.UnableToReport as fault:
            form.add_error(None, str(fault))
        else:
            return _back(request, made.first, f"{student.name}: reported absent.")
    act = Act(
        student=student,
        title="A call came in",
        says=(
            "Teachers see at once on their class lists that the student is reported away, without the reason.",
            "Contacts who may see the student read the days, the part and the reason, and not the note.",
            "Nothing is written to your MIS: enter the absence there as you always do.",
        ),
        button="Report the absence",
        back=reverse("staff:call", kwargs={"school": request.school.slug}),
    )
    return _ask(request, act, form)


@form_page
@gate(Can.SETTLE_ABSENCES)
def take_back(request: StaffRequest, pk: int) -> HttpResponse:
    """Withdraw a report for whoever made it."""
    found = reports_doors.report_for(request.standing, pk)
    form = forms.Plain(forms.given(request))
    if form.is_valid():
        try:
            reports.withdraw(report=found, school=request.school, by=request.standing.account_id, at=timezone.now())
        except reports.UnableToWithdraw as fault:
            messages.warning(request, str(fault))
            return redirect(_list_url(request, found.first))
        return _back(request, found.first, f"{found.student.name}: the report was withdrawn.")
    act = Act(
        student=found.student,
        title="Withdraw the report",
        says=(
            f"{found.guardian or 'The school'}: {found.get_part_display()}, {found.get_reason_display()}.",
            "It stays to be read, marked as withdrawn; teachers no longer see it.",
        ),
        button="Withdraw it",
        back=_list_url(request, found.first),
        hurts=True,
    )
    return _ask(request, act, form)


def _ask(request: StaffRequest, act: Act, form: Any, **more: Any) -> HttpResponse:
    return render(request, "staff/act.html", {"act": act, "form": form, **more})


def _back(request: StaffRequest, day: datetime.date, said: str) -> HttpResponseRedirect:
    messages.success(request, said)
    response: HttpResponseRedirect = redirect(_list_url(request, day))
    return response


def _list_url(request: StaffRequest, day: datetime.date) -> str:
    url = reverse("staff:absence", kwargs={"school": request.school.slug})
    return url if day == timezone.localdate() else f"{url}?day={day}"


def _day(request: StaffRequest) -> datetime.date:
    """Return the day that is asked for, today for anything else."""
    today = timezone.localdate()
    try:
        asked = datetime.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    within = today - datetime.timedelta(days=BACK) <= asked <= today + datetime.timedelta(days=reports.FURTHEST)
    return asked if within else today


def _which(request: StaffRequest) -> str:
    which = request.GET.get("show", absences.LOOK)
    return which if which in LISTS else absences.LOOK
