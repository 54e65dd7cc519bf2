"""The files of a school that has no MIS we read: templates, an upload, and what it would do before it is done (R8)."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portals.reception.forms import UploadForm
from portals.reception.gate import ReceptionRequest, gate
from sync.connectors.csv_files import templates
from sync.errors import SyncError
from sync.operations import connections, ends, runs, uploads
from sync.queries import reports, sources, tallies
from sync.queries.uploads import csv_sheets, recent_uploads
from sync.records import Kind
from users.doors import allow
from users.roles import Can


@require_http_methods(["GET", "HEAD", "POST"])
@gate()
def files(request: ReceptionRequest) -> HttpResponse:
    """Show which files a school may give us, with a template of each; take an upload where files are given by hand."""
    form = UploadForm() if uploads.is_welcome() else None
    if request.method == "POST" and form:
        allow(request.standing, Can.GIVE_FILES)
        form = UploadForm(request.POST, request.FILES)
        batch = _received(request, form)
        if batch:
            return redirect("reception:upload", school=request.school.slug, batch=batch)
    context = {
        "sheets": csv_sheets(),
        "fresh": sources.freshness(),
        "form": form,
        "uploads": recent_uploads() if form else (),
    }
    return render(request, "reception/files.html", context)


def _received(request: ReceptionRequest, form: UploadForm) -> str:
    """Keep the files and return the batch; "" with a word in the form if they cannot be taken."""
    if not form.is_valid():
        return ""
    try:
        return uploads.receive(
            school=request.school, streams=form.given, by=request.standing.account_id, at=timezone.now()
        )
    except uploads.NotAccepted as fault:
        form.add_error("chosen", str(fault))
        return ""


@require_http_methods(["GET", "HEAD", "POST"])
@gate(Can.GIVE_FILES)
def upload(request: ReceptionRequest, batch: str) -> HttpResponse:
    """Show what an upload would do; when the button was pressed, put it in force and ask for a run."""
    folder = uploads.folder_of(request.school, batch)
    context: dict[str, Any] = {"names": sorted(path.name for path in folder.iterdir()) if folder else ()}
    try:
        if folder is None:
            raise uploads.gone()
        if request.method == "POST":
            run = uploads.use(school=request.school, batch=batch, by=request.standing.account_id, at=timezone.now())
            return redirect("reception:run", school=request.school.slug, pk=run.pk)
        seen = runs.preview(school=request.school, folder=str(folder))
    except (SyncError, connections.Frozen, uploads.NotAccepted) as fault:
        context["error"] = str(fault)
    else:
        context["kinds"] = tallies.foreseen(ends.counts(seen.plan, seen.roster))
        context["holds"] = seen.plan.holds
        context["faults"] = reports.faults_of((r.kind, r.reason, r.ref, r.place) for r in seen.plan.refusals)
        context["remarks"] = seen.roster.remarks
    return render(request, "reception/upload.html", context)


@require_safe
@gate()
def template(request: ReceptionRequest, kind: str) -> HttpResponse:  # noqa: ARG001 the gate needs it
    """Give one template to fill in.

    Raises:
        Http404: there is no such file.
    """
    if kind not in {*Kind, "attendance"}:
        raise Http404("no such file")
    content = templates.attendance_template() if kind == "attendance" else templates.template(Kind(kind))
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return response
