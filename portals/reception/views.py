"""What super users see: how the school's sync went, and what it did (R13)."""

import dataclasses
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portals.chart import chart
from portals.reception.gate import ReceptionRequest, gate
from portals.reception.next import what_is_next
from sync import sentences
from sync.models import Change, Run, Trouble
from sync.operations import undo
from sync.queries import fetches, inbox, moving, quality, reports, requests, sources, tallies, troubles
from sync.queries.quality import refusals
from tenants.models import School
from users.queries import heads


@require_safe
@gate()
def home(request: ReceptionRequest) -> HttpResponse:
    """Show the front desk: last night in two sentences, and how many people there are."""
    now = timezone.now()
    last, going, nights = reports.last_ended(), reports.under_way(), reports.nights()
    fresh = sources.freshness()
    context = {
        "last": last,
        "last_words": night(last, request.school) if last else None,
        "going": going,
        "going_words": night(going, request.school) if going else None,
        "heads": heads(),
        "chart": chart(nights),
        "nights": nights,
        "mended": quality.mended(refusals.last_fixed()),
        "fresh": fresh,
        "next": what_is_next(request.school, fresh, now=now),
        "fetches": fetches.today(request.school, now=now),
        "asked": requests.waiting(),
        "troubles": trouble_notes(request.school),
        "inbox": inbox.inbox(at=now),
        "moving": moving.panel(request.school, now=now),
    }
    return render(request, "reception/home.html", context)


@require_safe
@gate()
def runs(request: ReceptionRequest) -> HttpResponse:
    """List the runs, newest first, all or of one kind."""
    kind = known(request.GET.get("kind", ""), set(Run.Kind.values))
    page = reports.runs(page=request.GET.get("page"), kind=kind)
    return render(request, "reception/runs.html", {"page": page, "kind": kind, "fresh": sources.freshness()})


@require_safe
@gate()
def run(request: ReceptionRequest, pk: int) -> HttpResponse:
    """Show the report of a run; while it has not ended, the page looks again by itself.

    Raises:
        Http404: no such run at this school.
    """
    found = reports.run(pk)
    if found is None:
        raise Http404("no such run")
    about = marks_of(found) if found.kind == Run.Kind.ATTENDANCE else roster_of(request, found)
    context = {"run": found, "source": sources.source(), "slot": slot_line(found, request.school), **about}
    return render(request, "reception/run.html", context)


def roster_of(request: ReceptionRequest, found: Run) -> dict[str, Any]:
    """Return what the page of a roster run shows."""
    report = reports.run_report(
        found,
        action=known(request.GET.get("action", ""), set(Change.Action.values)),
        kind=request.GET.get("kind", "")[:40],
        page=request.GET.get("page"),
    )
    return {
        "report": report,
        "chart": chart(report.nights),
        "nights": report.nights,
        "undone_by": undo.undone_by(found),
        "carried_out": inbox.carried_out(found),
    }


def marks_of(found: Run) -> dict[str, Any]:
    """Return what the page of an attendance run shows."""
    return {"marks": reports.marks_report(found)}


def slot_line(found: Run, school: School) -> str:
    """Say when the slot of a run was due and how late it was caught up, "" of a one-off."""
    claim = reports.slot_of(found)
    if claim is None:
        return ""
    began = school.local(found.started_at) if found.started_at else None
    return sentences.slot(name=claim.slot, due=school.local(claim.due_at), began=began, late=claim.late)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TroubleNote:
    """One thing that keeps syncs from ending well: what, since when and how often, and whose turn it is."""

    trouble: Trouble
    words: troubles.Words
    read: str
    turn: str
    href: str


def trouble_notes(school: School) -> list[TroubleNote]:
    """Return what keeps the open school's syncs from ending well, the oldest first; one query."""
    return [
        TroubleNote(
            trouble=one,
            words=troubles.words(one),
            read=troubles.read(one),
            turn=troubles.whose_turn(one),
            href=troubles.path(one, school),
        )
        for one in troubles.open_here()
    ]


def known(value: str, values: set[str]) -> str:
    """Return the value if it is one of these, else nothing."""
    return value if value in values else ""


def night(run: Run, school: School) -> tuple[str, str]:
    """Say in two sentences how a run went, in the school's own time."""
    at = run.finished_at or run.started_at or run.queued_at
    return sentences.night(
        status=run.status,
        when=sentences.moment(school.local(at), school.local(timezone.now())),
        error=run.error,
        **dataclasses.asdict(tallies.tally(run.counts)),
    )
