"""Undoing a run: what would be put back and what stays, then a reason and a confirmation (sync.md, promise 12)."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portals.reception.forms import UndoForm
from portals.reception.gate import ReceptionRequest, gate
from sync import sentences
from sync.models import Run
from sync.operations import undo as operations
from sync.operations.runs import AnotherRunIsOn
from sync.pipeline.undoing import LeftAlone, Undoing
from sync.queries import reports
from sync.sentences import Sentence
from users.roles import Can

SHOWN: Final = 50  # of what is put back, on each page
STAYING: Final = 200  # of what stays; the number of all is told


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.DECIDE)
def undo(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Show what undoing a run would do; when it was confirmed with a reason, do it.

    Raises:
        Http404: no such run at this school.
    """
    run = reports.run(pk)
    if run is None:
        raise Http404("no such run")
    form = UndoForm(request.POST or None)
    context: dict[str, Any] = {"run": run}
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("reception:run", school=request.school.slug, pk=_undone(request, run, form).pk)
        except (operations.CannotUndo, AnotherRunIsOn) as fault:
            context["error"] = str(fault)
    try:
        found = operations.preview(school=request.school, run=run, at=timezone.now())
    except operations.CannotUndo as fault:
        context["refused"] = str(fault)
    else:
        context |= shown(found.undoing, request.GET.get("page")) | {"later": found.later}
    return render(request, "reception/undo.html", context | {"form": form})


def _undone(request: ReceptionRequest, run: Run, form: UndoForm) -> Run:
    return operations.undo(
        school=request.school,
        run=run.pk,
        by=request.standing.account_id,
        at=timezone.now(),
        **form.cleaned_data,
    )


def shown(found: Undoing, page: str | None) -> dict[str, Any]:
    """Return what a page shows of an undo: sentences, a page at a time."""
    rows = Paginator(found.restores, SHOWN).get_page(page)
    return {
        "page": rows,
        "restores": [sentences.put_back(one) for one in rows],
        "left_alone": tuple(dict.fromkeys(map(_staying, found.left_alone[:STAYING]))),
        "staying": len(found.left_alone),
        "unlisted": max(0, len(found.left_alone) - STAYING),
        "opens": found.opens,
        "digest": found.digest(),
    }


def _staying(one: LeftAlone) -> tuple[Sentence, str]:
    return sentences.say(one.done), one.why
