"""When a school is open: the morning's time, the days of the week, closures; effects are said first (R14, D6)."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portals.reception import forms
from portals.reception.gate import ReceptionRequest, gate
from portals.reception.next import in_a_line, what_is_next
from sync import sentences
from sync.models import Slot
from sync.queries import sources
from sync.queries.coming import morning_moved
from tenants import operations, queries
from tenants.models import Closure, School
from users.roles import Can

form_page = require_http_methods(["GET", "HEAD", "POST"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """A time of the morning's marks, and what choosing it does."""

    key: str
    label: str
    effect: str


@require_safe
@gate()
def hours(request: ReceptionRequest) -> HttpResponse:
    """Show when the school is open, and what is read next because of that."""
    now = timezone.now()
    context = {
        "weekdays": sentences.listed([sentences.weekday(day) for day in request.school.weekdays]),
        "closures": queries.closures(since=request.school.local(now).date()),
        "next": what_is_next(request.school, sources.freshness(), now=now),
    }
    return render(request, "reception/hours.html", context)


@form_page
@gate(Can.SET_RULES)
def morning(request: ReceptionRequest) -> HttpResponse:
    """Choose when the morning's marks are read; each time says first what choosing it does today."""
    form = forms.MorningForm(forms.given(request))
    if form.is_valid():
        operations.set_morning_slot(
            school=request.school, slot=form.cleaned_data["slot"], by=request.standing.account_id, at=timezone.now()
        )
        return _done(request, "Saved.")
    now = timezone.now()
    options = [
        Option(key=time, label=time, effect=morning_effect(request.school, time, now))
        for time in School.MorningSlot.values
    ]
    return render(request, "reception/morning.html", {"form": form, "options": options})


def morning_effect(school: School, to: str, now: datetime.datetime) -> str:
    """Say what reading the morning's marks at this time does today and from then on; three queries at most."""
    if to == school.morning_slot:
        return "As it is now."
    moved = morning_moved(school, to, now=now)
    local = school.local(now)
    then = sentences.day_ahead(school.local(moved.then).date(), local.date()) if moved.then else "not within a year"
    if moved.at_once:
        return f"Today’s marks are read within minutes, as {to} is past; the next ones {then} at {to}."
    if moved.read is None:
        return f"Next {then} at {to}."
    return f"{_behind(school, moved.read)} From then on at {to}, next {then}."


def _behind(school: School, read: Slot) -> str:
    if read.outcome != Slot.Outcome.RUN:
        return f"Today’s morning was passed over: {read.get_outcome_display()}."
    return f"Today’s morning marks were read at {school.local(read.claimed_at):%H:%M} already, and are not read twice."


@form_page
@gate(Can.SET_RULES)
def weekdays(request: ReceptionRequest) -> HttpResponse:
    """Choose the days of the week on which there is school."""
    form = forms.WeekdaysForm(forms.given(request), initial={"chosen": request.school.weekdays})
    if form.is_valid():
        operations.set_weekdays(
            school=request.school, days=form.days, by=request.standing.account_id, at=timezone.now()
        )
        return _done(request, "Saved.")
    says = (
        "Attendance marks are read on these days only, and none are expected on the others.",
        "People and classes are read every night, whatever the day.",
    )
    return _ask(request, {"form": form, "title": "Days of the week", "says": says})


@form_page
@gate(Can.SET_RULES)
def add_closure(request: ReceptionRequest) -> HttpResponse:
    """Note days on which the school is closed."""
    form = forms.ClosureForm(forms.given(request))
    if form.is_valid():
        try:
            operations.add_closure(by=request.standing.account_id, at=timezone.now(), **form.cleaned_data)
        except operations.UnableToSet as fault:
            form.add_error(None, str(fault))
        else:
            return _done(request, "Added.")
    says = (
        "No attendance marks are read on these days, and none are expected.",
        "People and classes are read every night all the same.",
        "Marks that were read already stay.",
    )
    return _ask(request, {"form": form, "title": "Add days without school", "says": says, "button": "Add them"})


@form_page
@gate(Can.SET_RULES)
def remove_closure(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Ask once more, then forget that the school is closed on these days.

    Raises:
        Http404: the school has noted no such days.
    """
    found = Closure.objects.filter(pk=pk).first()
    if found is None:
        raise Http404("no such closure")
    if request.method == "POST":
        operations.remove_closure(closure=pk, by=request.standing.account_id, at=timezone.now())
        return _done(request, "Removed.")
    says = (
        f"{found.name}, {sentences.span(found.first, found.last)}, is forgotten.",
        "Attendance marks are read on its days of school that are still to come.",
    )
    context = {"form": forms.Plain(), "title": f"Remove {found.name}", "says": says, "button": "Remove it"}
    return _ask(request, context | {"hurts": True})


def _ask(request: ReceptionRequest, context: Mapping[str, Any]) -> HttpResponse:
    url = reverse("reception:hours", kwargs={"school": request.school.slug})
    above = {"title": "When your school is open", "url": url}
    return render(request, "reception/rule.html", {**context, "above": above})


def _done(request: ReceptionRequest, said: str) -> HttpResponseRedirect:
    messages.success(request, f"{said} {in_a_line(request.school, now=timezone.now())}")
    response: HttpResponseRedirect = redirect("reception:hours", school=request.school.slug)
    return response
