"""Joining, step by step: the checklist, the time zone, and the first sync seen before it happens (R1, R3)."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portals.reception.gate import ReceptionRequest, gate
from sync.models import Trial
from sync.operations import connections, trials
from sync.operations import joining as operations
from sync.queries.joining import joining
from tenants.queries import zones
from users.roles import Can

# Where each step is taken; what is not here is not taken on a page of Reception.
PAGES = {
    "system": "reception:systems",
    "credentials": "reception:settings",
    "test": "reception:connection",
    "files": "reception:files",
    "preview": "reception:preview",
    "sync": "reception:preview",
}


@require_safe
@gate()
def checklist(request: ReceptionRequest) -> HttpResponse:
    """Show how far the school is; every tick is a fact of this moment."""
    context = {"joining": joining(request.school), "zones": zones(), "pages": PAGES}
    return render(request, "reception/joining.html", context)


@require_POST
@gate(Can.CONNECT_MIS)
def zone(request: ReceptionRequest) -> HttpResponse:
    """Take the school's own word on its time zone."""
    try:
        operations.confirm_timezone(
            school=request.school,
            name=request.POST.get("timezone", ""),
            by=request.standing.account_id,
            at=timezone.now(),
        )
    except ValidationError as fault:
        messages.error(request, " ".join(fault.messages))
    else:
        messages.success(request, f"From now on everything here goes by {request.school.timezone}.")
    return redirect("reception:joining", school=request.school.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.CONNECT_MIS)
def preview(request: ReceptionRequest) -> HttpResponse:
    """Show what the first sync would do, or ask for a new look; a worker carries it out."""
    if request.method == "POST":
        try:
            trials.ask(
                school=request.school, kind=Trial.Kind.PREVIEW, at=timezone.now(), by=request.standing.account_id
            )
        except connections.NotConnected:
            messages.warning(request, "Choose your system first.")
            return redirect("reception:systems", school=request.school.slug)
        return redirect("reception:preview", school=request.school.slug)
    now = joining(request.school)
    lost = bool(now.preview and now.preview.is_lost(timezone.now()))
    return render(request, "reception/preview.html", {"joining": now, "preview": now.preview, "lost": lost})


@require_POST
@gate(Can.CONNECT_MIS)
def confirm(request: ReceptionRequest) -> HttpResponse:
    """Start the first sync as it was shown."""
    seen = request.POST.get("preview", "")
    try:
        run = trials.confirm(
            school=request.school,
            trial=int(seen) if seen.isdecimal() else 0,
            at=timezone.now(),
            by=request.standing.account_id,
        )
    except (trials.NothingToConfirm, connections.NotConnected, connections.Frozen) as fault:
        messages.warning(request, str(fault))
        return redirect("reception:preview", school=request.school.slug)
    return redirect("reception:run", school=request.school.slug, pk=run.pk)
