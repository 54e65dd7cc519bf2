"""Asking support for a sync now: a wish with a reason, never a run (R19)."""

import dataclasses
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portals.reception.forms import AskForm
from portals.reception.gate import ReceptionRequest, gate
from sync.models import Run, RunRequest
from sync.operations import requests
from sync.queries import requests as asked
from sync.queries import sources
from sync.queries.sources import Freshness


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """What can be asked for, and what it would do."""

    key: str
    label: str
    effect: str


_OPTIONS: Final = (
    Option(
        key=Run.Kind.ROSTER,
        label="People and classes",
        effect="Your MIS is read once more, as in the night. The night comes all the same.",
    ),
    Option(
        key=Run.Kind.ATTENDANCE,
        label="Attendance marks",
        effect="Today’s marks are read once more. The morning and the afternoon come all the same.",
    ),
)


@require_http_methods(["GET", "HEAD", "POST"])
@gate()
def ask(request: ReceptionRequest) -> HttpResponse:
    """Show what was asked and answered, and take a new wish."""
    fresh = sources.freshness()
    waiting = asked.waiting()
    options = _options(fresh, waiting)
    form = AskForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _asked(request, form):
        return _back(request)
    context = {
        "fresh": fresh,
        "waiting": waiting,
        "answered": asked.answered(),
        "why_not": asked.why_not(request.school, Run.Kind.ROSTER),
        "options": options,
        "chosen": form["kind"].value() or (options[0].key if len(options) == 1 else ""),
        "form": form,
    }
    return render(request, "reception/ask.html", context)


def _options(fresh: Freshness, waiting: list[RunRequest]) -> list[Option]:
    """Return what can be asked for: what the MIS shares, and does not wait for an answer already."""
    waits = {one.kind for one in waiting if not one.only}
    return [
        option
        for option in _OPTIONS
        if option.key not in waits and (fresh.reads_marks or option.key != Run.Kind.ATTENDANCE)
    ]


def _asked(request: ReceptionRequest, form: AskForm) -> bool:
    said: dict[str, Any] = form.cleaned_data
    try:
        requests.ask(
            school=request.school,
            kind=Run.Kind(said["kind"]),
            reason=said["reason"],
            by=request.standing.account_id,
            at=timezone.now(),
        )
    except (requests.UnableToAsk, requests.AlreadyAsked, requests.NoReason) as fault:
        form.add_error(None, str(fault))
        return False
    messages.success(request, "Asked. Support answers here; nothing has been started yet.")
    return True


@require_POST
@gate()
def withdraw(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Take a wish back.

    Raises:
        Http404: this school never asked that, or has withdrawn it already.
    """
    found = RunRequest.objects.filter(pk=pk).first()
    if found is None:
        raise Http404("no such request")
    try:
        requests.withdraw(request=found, by=request.standing.account_id, at=timezone.now())
    except requests.NotWaiting as fault:
        messages.warning(request, str(fault))
    else:
        messages.success(request, "Withdrawn.")
    return _back(request)


def _back(request: ReceptionRequest) -> HttpResponseRedirect:
    response: HttpResponseRedirect = redirect("reception:ask", school=request.school.slug)
    return response
