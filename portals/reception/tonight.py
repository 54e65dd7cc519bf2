"""What changes tonight: the plan of this moment, made and not carried out (R13, mission §5.2)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portals.reception.gate import ReceptionRequest, gate
from sync.models import Trial
from sync.operations import connections, trials
from sync.queries.tonight import newest_look
from users.roles import Can


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.DECIDE)
def tonight(request: ReceptionRequest) -> HttpResponse:
    """Show the newest look at what tonight would do, or ask for a new one; a worker carries it out."""
    if request.method != "POST":
        return render(request, "reception/tonight.html", {"tonight": newest_look(at=timezone.now())})
    try:
        trials.ask(school=request.school, kind=Trial.Kind.TONIGHT, at=timezone.now(), by=request.standing.account_id)
    except connections.NotConnected as fault:
        messages.warning(request, str(fault))
    return redirect("reception:tonight", school=request.school.slug)
