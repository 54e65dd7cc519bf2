"""Conflicts: what the sync would not do by itself, and what a super user decides about it (R12, R22–R24, R33)."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portals.reception.gate import ReceptionRequest, gate
from sync.forms import DecisionForm
from sync.operations import connections, decisions
from sync.pipeline.plan.model import KEEP
from sync.queries import dossiers, inbox, reports, sources
from sync.queries.dossiers import Dossier
from users.roles import Can


@require_safe
@gate(Can.DECIDE)
def conflicts(request: ReceptionRequest) -> HttpResponse:
    """List what waits, by kind of case, and what is decided already."""
    context = {
        "inbox": inbox.inbox(at=timezone.now()),
        "going": reports.under_way(),
        "fresh": sources.freshness(),
    }
    return render(request, "reception/conflicts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.DECIDE)
def conflict(request: ReceptionRequest, digest: str) -> HttpResponse:
    """Show one case with what can be chosen, and take the choice; what does harm is asked twice.

    Raises:
        Http404: the school never had such a case.
    """
    dossier = _dossier(digest)
    form = DecisionForm(dossier, request.POST or None)
    if request.method == "POST" and dossier.open and form.is_valid():
        if form.asks_again:
            return render(request, "reception/confirm.html", {"dossier": dossier, "form": form})
        return _decide(request, dossier, form)
    context = {
        "dossier": dossier,
        "form": form,
        "named": dossiers.named(dossier.item.hold, search=request.GET.get("q", "")[:80], page=request.GET.get("page")),
        "going": reports.under_way(),
    }
    return render(request, "reception/conflict.html", context)


def _dossier(digest: str) -> Dossier:
    found = dossiers.dossier(digest, at=timezone.now())
    if found is None:
        raise Http404("no such case")
    return found


def _decide(request: ReceptionRequest, dossier: Dossier, form: DecisionForm) -> HttpResponseRedirect:
    said = form.cleaned_data
    try:
        decisions.decide(
            dossier.item.hold,
            choice=said["choice"],
            by=request.standing.account_id,
            at=timezone.now(),
            reason=said["reason"],
        )
    except (decisions.NoSuchChoice, decisions.WorldMoved, decisions.AlreadyDecided) as fault:
        messages.warning(request, str(fault))
    else:
        kept = said["choice"] == KEEP
        messages.success(request, "Noted. Nothing changes." if kept else "Decided. The next sync carries it out.")
    return _to(request, "reception:conflict", digest=dossier.item.hold.digest)


@require_POST
@gate(Can.DECIDE)
def take_back(request: ReceptionRequest, digest: str) -> HttpResponse:
    """Take back what was decided about a case, as long as no sync has done it.

    Raises:
        Http404: the school never had such a case.
    """
    decision = _dossier(digest).item.decision
    if decision is not None:
        try:
            decisions.withdraw(decision, by=request.standing.account_id, at=timezone.now())
        except decisions.CarriedOut as fault:
            messages.warning(request, str(fault))
        else:
            messages.success(request, "Withdrawn. It waits for a decision again.")
    return _to(request, "reception:conflict", digest=digest)


@require_POST
@gate(Can.DECIDE)
def carry_out(request: ReceptionRequest) -> HttpResponse:
    """Ask for a sync that carries out what was decided, instead of waiting for the night."""
    try:
        run = decisions.carry_out_now(school=request.school, by=request.standing.account_id, at=timezone.now())
    except (connections.NotConnected, connections.Frozen) as fault:
        messages.warning(request, str(fault))
        return _to(request, "reception:conflicts")
    return _to(request, "reception:run", pk=run.pk)


def _to(request: ReceptionRequest, view: str, **kwargs: Any) -> HttpResponseRedirect:
    response: HttpResponseRedirect = redirect(view, school=request.school.slug, **kwargs)
    return response
