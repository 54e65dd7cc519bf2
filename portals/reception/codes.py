"""Attendance for those who run the school: its codes, what they mean and whose word that is; nobody is named (R15)."""

import dataclasses

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from attendance.models import AWAY, THERE, Code, Meaning
from attendance.operations import codes
from attendance.queries import codes as known
from portals.reception.forms import MeaningForm
from portals.reception.gate import ReceptionRequest, gate
from sync.queries import fetches, sources
from users.roles import Can


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """A meaning that a code may have, and what that does to its marks."""

    key: str
    label: str
    effect: str


@require_safe
@gate()
def attendance(request: ReceptionRequest) -> HttpResponse:
    """Show every code that came, those first that nobody has explained, and how fresh the marks are."""
    found = list(known.codes())
    context = {
        "fresh": sources.marks_freshness(),
        "days": fetches.lately(request.school, now=timezone.now()),
        "parked": fetches.parked(),
        "codes": found,
        "unexplained": [code for code in found if code.holds == Meaning.UNKNOWN],
    }
    return render(request, "reception/attendance.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.SET_RULES)
def code(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Show what a code may mean and what each choice does; take the school's word on it.

    Raises:
        Http404: no such code came at this school.
    """
    found = _found(pk)
    form = MeaningForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (answer := _said(request, found, form)):
        return answer
    return render(request, "reception/code.html", {"code": found, "options": options(found), "form": form})


def options(found: Code) -> list[Option]:
    """Return the meanings that the school can say, each with what it does."""
    sayable = [meaning for meaning in Meaning if meaning not in {Meaning.UNKNOWN, Meaning.NOT_TAKEN}]
    return [
        Option(key=meaning, label=_capital(str(meaning.label)), effect=_effect(found, meaning)) for meaning in sayable
    ]


def _effect(found: Code, meaning: Meaning) -> str:
    if found.holds == meaning:
        return "As it is now."
    number = marks(found)
    if meaning in AWAY:
        return f"{number} will read “{meaning.label}”: whoever has one counts as not at school."
    if meaning in THERE:
        return f"{number} will read “{meaning.label}”: whoever has one counts as seen at school."
    return f"{number} will read “{meaning.label}”."


def marks(found: Code) -> str:
    """Return how many marks have a code: “41 marks”."""
    number: int = getattr(found, "number", 0)
    return f"{number:,} mark{'' if number == 1 else 's'}"


def _said(request: ReceptionRequest, found: Code, form: MeaningForm) -> HttpResponse | None:
    meaning = form.cleaned_data["meaning"]
    try:
        number = codes.say(code=found.code, meaning=meaning, by=request.standing.account_id, at=timezone.now())
    except codes.UnableToSay as fault:
        form.add_error("meaning", str(fault))
        return None
    turned = f"{number:,} mark{' reads' if number == 1 else 's read'}"
    messages.success(request, f"Noted: {turned} “{Meaning(meaning).label}” now, and so will all that come.")
    return _back(request)


@require_POST
@gate(Can.SET_RULES)
def take_back(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Let a code mean again what the MIS says of it.

    Raises:
        Http404: no such code came at this school.
    """
    found = _found(pk)
    codes.unsay(code=found.code, by=request.standing.account_id, at=timezone.now())
    messages.success(request, f"Taken back: “{found.code}” means again what your MIS says.")
    return _back(request)


def _found(pk: int) -> Code:
    found = known.code(pk)
    if found is None:
        raise Http404("no such code")
    return found


def _capital(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def _back(request: ReceptionRequest) -> HttpResponseRedirect:
    response: HttpResponseRedirect = redirect("reception:attendance", school=request.school.slug)
    return response
