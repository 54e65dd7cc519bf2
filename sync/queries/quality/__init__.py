"""What is wrong with the open school's data, bucket by bucket, and what has been mended (R28). Reads only.

Refusals are those of the newest run that judged a feed; the other buckets ask the people themselves. However many
people there are, a page costs the same number of queries.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet

from sync.buckets import BUCKETS, BY_FAULT, CHARACTERS, DUPLICATES, NO_EMAIL, ROLE_MAILBOX, SHARED, STAFF, Bucket
from sync.models import CharacterReview, Run
from sync.pipeline.roster import Fault
from sync.queries.quality.addresses import (
    SHARING,
    rows_of_offices,
    rows_sharing,
    rows_without_address,
    sharing,
    without_address,
)
from sync.queries.quality.letters import broken_names, open_review, rows_broken
from sync.queries.quality.people import Row
from sync.queries.quality.refusals import Fixed, fixed, judged, refused_in, rows_refused, since
from sync.queries.quality.suspects import alike, rows_alike, rows_of_staff, staff_suspects
from sync.sentences import day, field_name, listed
from tenants.models import School

ROWS_PER_PAGE: Final = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filled:
    """A bucket and how many lie in it."""

    bucket: Bucket
    number: int
    change: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality:
    """All buckets of a school, those with something in them first, and what has been mended."""

    run: Run | None
    filled: tuple[Filled, ...]
    empty: tuple[Bucket, ...]
    fixed: Fixed | None
    review: CharacterReview | None

    @property
    def broken_names(self) -> int:
        """How many names look broken."""
        return next((filled.number for filled in self.filled if filled.bucket is CHARACTERS), 0)


def quality(school: School, *, mis: str) -> Quality:
    """Return every bucket with its number."""
    run = judged().first()
    numbers = _numbers(school, run)
    found = [Filled(bucket=b, number=numbers.get(b.key, 0), change=b.to_change(mis)) for b in BUCKETS]
    return Quality(
        run=run,
        filled=tuple(filled for filled in found if filled.number),
        empty=tuple(filled.bucket for filled in found if not filled.number),
        fixed=fixed(run),
        review=open_review(),
    )


def _numbers(school: School, run: Run | None) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for fault, number in refused_in(run).values_list("fault").annotate(Count("id")).order_by():
        if fault in BY_FAULT and fault not in SHARING:
            found[BY_FAULT[Fault(fault)].key] += number
    for bucket in (NO_EMAIL, SHARED, ROLE_MAILBOX, DUPLICATES, STAFF, CHARACTERS):
        items = _items(bucket, school, run)
        found[bucket.key] = items.count() if isinstance(items, QuerySet) else len(items)
    return found


def bucket_page(bucket: Bucket, school: School, *, page: str | int | None) -> "Page[Row]":
    """Return one page of a bucket's rows."""
    found: Page[Any] = Paginator(_items(bucket, school, judged().first()), ROWS_PER_PAGE).get_page(page)
    found.object_list = _rows(bucket, list(found.object_list))
    return found


def every_row(bucket: Bucket, school: School) -> tuple[Row, ...]:
    """Return all rows of a bucket, for a file; of a mailbox of many people each person, for each has to be mended."""
    rows = _rows(bucket, list(_items(bucket, school, judged().first())))
    if bucket is not ROLE_MAILBOX:
        return rows
    return tuple(
        Row(kind=who.kind, who=who, says=row.says, holds=row.who.name, field="email")
        for row in rows
        for who in row.others
    )


def _items(bucket: Bucket, school: School, run: Run | None) -> "QuerySet[Any] | Sequence[Any]":
    """Return what lies in a bucket, each as small as can be; `_rows` makes rows of those that are shown."""
    match bucket.key:
        case NO_EMAIL.key:
            return without_address(school, run)
        case SHARED.key:
            return [(member, group) for group in sharing(run) if not group.is_role for member in group.members]
        case ROLE_MAILBOX.key:
            return [group for group in sharing(run) if group.is_role]
        case DUPLICATES.key:
            return alike()
        case STAFF.key:
            return staff_suspects()
        case CHARACTERS.key:
            return broken_names()
        case _:
            return refused_in(run).filter(fault__in=bucket.faults).order_by("kind", "ref", "id")


def _rows(bucket: Bucket, items: Sequence[Any]) -> tuple[Row, ...]:
    match bucket.key:
        case NO_EMAIL.key:
            return rows_without_address(items)
        case SHARED.key:
            return rows_sharing(items)
        case ROLE_MAILBOX.key:
            return rows_of_offices(items)
        case DUPLICATES.key:
            return rows_alike(items)
        case STAFF.key:
            return rows_of_staff(items)
        case CHARACTERS.key:
            return rows_broken(items)
        case _:
            return rows_refused(items, since(items))


HEADER: Final = (
    *("What is wrong", "Kind", "MIS id", "Name", "Together with", "Field", "What the sync says", "What we hold"),
    *("What to change", "Since", "Where to look"),
)


def line(bucket: Bucket, row: Row, *, mis: str) -> tuple[str, ...]:
    """Return a row for a file, under `HEADER`."""
    others = [f"{other.name} ({other.ref})" if other.name else other.ref for other in row.others]
    return (
        *(bucket.title, row.kind, row.who.ref, row.who.name, listed(others)),
        field_name(row.field) if row.field else "",
        *(row.says, row.holds, bucket.to_change(mis), row.since.isoformat() if row.since else "", row.place),
    )


def mended(fixed: Fixed | None) -> str:
    """Return the sentence for the front desk, "" if nothing has been mended."""
    if fixed is None or not fixed.number:
        return ""
    were = "fault of the data is" if fixed.number == 1 else "faults of the data are"
    return f"{fixed.number:,} {were} gone from your MIS since {day(fixed.since.isoformat())}."
