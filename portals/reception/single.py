"""Asking that one person be read from the MIS now: a wish with a reason, which support grants (R18, R19)."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portals.reception import forms
from portals.reception.gate import ReceptionRequest, gate
from portals.reception.hands import Act
from sync.models import Run
from sync.operations import requests
from sync.pipeline.narrow import Only
from sync.queries import sources
from sync.records import Kind
from users import doors
from users.models import Person

_SAYS: Final = (
    "Nothing starts by this: our support reads what you write, and starts it or says why not.",
    "Then your MIS is read as at night, by the same rules, and what is about this person is done at once.",
    "With them come their classes, and whoever a new link of theirs leads to.",
    "Everybody else stays as they are until the night, and nobody leaves by it.",
)


@require_http_methods(["GET", "HEAD", "POST"])
@gate()
def read_now(request: ReceptionRequest, kind: str, pk: int) -> HttpResponse:
    """Put it before support that this person be read from the MIS now."""
    person = doors.person_for(request.standing, kind, pk)
    form = forms.ReadNowForm(forms.given(request))
    if form.is_valid() and _asked(request, form, Only(kind=Kind(kind), row=pk)):
        messages.success(request, "Asked. Support answers under “Sync runs”; what it changes stands in the history.")
        return redirect("reception:person", school=request.school.slug, kind=kind, pk=pk)
    act = Act(person=person, title="Read from the MIS now", says=_says(person), button="Ask support")
    return render(request, "reception/act.html", {"act": act, "form": form})


def _says(person: Person) -> tuple[str, ...]:
    by_hand = () if person.source == Person.Source.FEED else ("No MIS has named this person so far.",)
    return (*by_hand, f"It is read from {sources.source()}.", *_SAYS)


def _asked(request: ReceptionRequest, form: forms.ReadNowForm, only: Only) -> bool:
    try:
        requests.ask(
            school=request.school,
            kind=Run.Kind.ROSTER,
            only=str(only),
            reason=form.cleaned_data["reason"],
            by=request.standing.account_id,
            at=timezone.now(),
        )
    except (requests.UnableToAsk, requests.AlreadyAsked, requests.NoReason) as fault:
        form.add_error(None, str(fault))
        return False
    return True
