"""What is wrong with the school's data and what to change in the MIS (R28), and names with broken letters (R67)."""

from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portals.reception.gate import ReceptionRequest, gate
from portals.sheet import download, sheet
from sync.buckets import BUCKETS, BY_KEY, CHARACTERS, Bucket
from sync.operations import characters
from sync.queries import quality, sources
from sync.queries.quality import letters, refusals
from tenants.operations import record
from users.roles import Can


@require_safe
@gate()
def overview(request: ReceptionRequest) -> HttpResponse:
    """Show every bucket with its number, what it means and what to change."""
    fresh = sources.freshness()
    context = {
        "quality": quality.quality(request.school, mis=fresh.source),
        "characters": CHARACTERS,
        "fresh": fresh,
    }
    return render(request, "reception/quality.html", context)


@require_safe
@gate()
def bucket(request: ReceptionRequest, key: str) -> HttpResponse:
    """Show who and what lies in one bucket, page by page."""
    found = _bucket(key)
    fresh = sources.freshness()
    context = {
        "bucket": found,
        "fresh": fresh,
        "mis": fresh.source,
        "change": found.to_change(fresh.source),
        "page": quality.bucket_page(found, request.school, page=request.GET.get("page")),
        "review": letters.open_review() if found is CHARACTERS else None,
        "characters": CHARACTERS,
    }
    return render(request, "reception/quality_bucket.html", context)


@require_safe
@gate()
def fixed(request: ReceptionRequest) -> HttpResponse:
    """Show what is not wrong any more, with a tick."""
    context = {"fixed": refusals.last_fixed(with_rows=True), "fresh": sources.freshness()}
    return render(request, "reception/quality_fixed.html", context)


@require_safe
@gate()
def bucket_csv(request: ReceptionRequest, key: str) -> HttpResponse:
    """Give one bucket as a file for the data manager."""
    return _file(request, [_bucket(key)], name=key)


@require_safe
@gate()
def all_csv(request: ReceptionRequest) -> HttpResponse:
    """Give all buckets as one file."""
    return _file(request, BUCKETS, name="all")


@require_POST
@gate(Can.EDIT_PEOPLE)
def ask_for_review(request: ReceptionRequest) -> HttpResponse:
    """Ask support to look at the names with broken letters."""
    try:
        characters.ask_for_review(school=request.school, by=request.standing.account_id, at=timezone.now())
    except characters.NothingToReview as fault:
        messages.info(request, str(fault))
    else:
        messages.success(request, "Support will look at these names. Nothing changes until they have.")
    return redirect("reception:bucket", school=request.school.slug, key=CHARACTERS.key)


def _bucket(key: str) -> Bucket:
    if key not in BY_KEY:
        raise Http404("no such bucket")
    return BY_KEY[key]


def _file(request: ReceptionRequest, buckets: Iterable[Bucket], *, name: str) -> HttpResponse:
    mis = sources.source()
    rows = [quality.line(one, row, mis=mis) for one in buckets for row in quality.every_row(one, request.school)]
    record(
        action="data_quality.downloaded",
        by=request.standing.account_id,
        at=timezone.now(),
        subject=f"data_quality:{name}",
        reason=f"{len(rows)} rows",
    )
    return download(f"data-quality-{name}", sheet(quality.HEADER, rows))
