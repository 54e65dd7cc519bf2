"""The school's connection to its MIS: which system, its settings, and whether it answers (R1, R2, R25)."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portals.reception.gate import ReceptionRequest, gate
from sync.connector import Connector
from sync.forms import SettingsForm
from sync.models import Trial
from sync.operations import connections, trials
from sync.operations import joining as operations
from sync.queries import joining, moving
from sync.queries.joining import System
from users.roles import Can


@require_safe
@gate()
def show(request: ReceptionRequest) -> HttpResponse:
    """Show which system the school uses, the last test, and what the MIS shares; look again while a test is on."""
    now = joining.joining(request.school)
    told = moving.panel(request.school, now=timezone.now())
    context = {
        "joining": now,
        "lines": joining.shares(now.system, now.test if now.tested else None) if now.system else (),
        "lost": bool(now.test and now.test.is_lost(timezone.now())),
        "moving": told,
        "may_go_on": now.connection is not None and not (told and told.is_frozen),
    }
    return render(request, "reception/connection.html", context)


@require_safe
@gate(Can.CONNECT_MIS)
def choose(request: ReceptionRequest) -> HttpResponse:
    """List the systems to choose from."""
    context = {
        "groups": joining.catalogue(),
        "joining": joining.joining(request.school),
        "a_project": operations.A_PROJECT,
    }
    return render(request, "reception/systems.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.CONNECT_MIS)
def settings(request: ReceptionRequest) -> HttpResponse:
    """Show the form of a system's settings, and save it; the system is the present one unless named.

    Raises:
        Http404: no such system, or none was chosen yet.
    """
    now = joining.joining(request.school)
    system = _system(request, now)
    connector = system.connector if system else _present(now)
    if connector is None:
        raise Http404("no such system")
    same = now.connection is not None and now.connection.connector == connector.key
    held = now.connection.settings if now.connection and same else {}
    form = SettingsForm(connector, held, request.POST or None)
    product = system.product if system else None
    barred = operations.changes_system(product=product, connector=connector.key)
    if request.method == "POST" and not barred and form.is_valid():
        return _save(request, form, system)
    context = {
        "form": form,
        "system": system,
        "name": str(product or connector.label),  # a class in a template would be called
        "joining": now,
        "changes": now.connection is not None and not now.synced and (not same or now.connection.product != product),
        "keeps": same,
        "barred": operations.A_PROJECT if barred else "",
    }
    return render(request, "reception/settings.html", context)


def _system(request: ReceptionRequest, now: joining.Joining) -> System | None:
    slug = request.GET.get("system")
    if slug is None:
        return now.system
    system = joining.system(slug)
    if system is None:
        raise Http404("no such system")
    return system


def _present(now: joining.Joining) -> type[Connector] | None:
    return joining.connector_of(now.connection.connector) if now.connection else None


def _save(request: ReceptionRequest, form: SettingsForm, system: System | None) -> HttpResponseRedirect:
    operations.save_connection(
        school=request.school,
        product=system.product if system else None,
        connector=form.connector.key,
        given=form.given(),
        by=request.standing.account_id,
        at=timezone.now(),
    )
    messages.success(request, "Saved. Nothing was sent to your MIS yet.")
    return _to(request, "reception:joining")


@require_POST
@gate(Can.CONNECT_MIS)
def test(request: ReceptionRequest) -> HttpResponse:
    """Ask for a test of the connection; a worker carries it out."""
    try:
        trials.ask(school=request.school, kind=Trial.Kind.TEST, at=timezone.now(), by=request.standing.account_id)
    except connections.NotConnected:
        messages.warning(request, "Choose your system and save its settings first.")
        return _to(request, "reception:systems")
    return _to(request, "reception:connection", "#test")


@require_POST
@gate(Can.CONNECT_MIS)
def go_on(request: ReceptionRequest) -> HttpResponse:
    """Read at night again."""
    try:
        connections.go_on(by=request.standing.account_id, at=timezone.now())
    except (connections.Paused, connections.NotConnected) as fault:
        messages.warning(request, str(fault))
    else:
        messages.success(request, "Your MIS is read again from the next night on.")
    return _to(request, "reception:connection")


def _to(request: ReceptionRequest, view: str, anchor: str = "", **kwargs: Any) -> HttpResponseRedirect:
    response: HttpResponseRedirect = redirect(reverse(view, kwargs={"school": request.school.slug, **kwargs}) + anchor)
    return response
