"""Two guardians who may be one, and staff whom the MIS no longer names (R48)."""

import datetime
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Case, CharField, F, Func, Q, QuerySet, Value, When
from django.db.models.functions import Length

from sync.queries.quality.people import Row, people_of
from sync.queries.quality.refusals import judged
from users.models import Person, StaffMember, Tie

LEAST_DIGITS: Final = 7  # of a telephone number that says who somebody is


def _digits(column: str) -> Func:
    return Func(F(column), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=CharField())


def alike() -> "QuerySet[Any]":
    """Return (guardian, other guardian, why) of those who share a student and a name or a telephone, each pair once."""
    pairs = Tie.objects.filter(ended_on=None).annotate(
        other=F("student__ties__guardian_id"),
        other_ended=F("student__ties__ended_on"),
        other_status=F("student__ties__guardian__status"),
        other_folded=F("student__ties__guardian__folded"),
        digits=_digits("guardian__phone"),
        other_digits=_digits("student__ties__guardian__phone"),
    )
    name = Q(guardian__folded=F("other_folded")) & ~Q(guardian__folded="")
    phone = Q(digits=F("other_digits")) & Q(long__gte=LEAST_DIGITS)
    found: QuerySet[Any] = (
        pairs.annotate(long=Length("digits"))
        .filter(name | phone, other__gt=F("guardian_id"), other_ended=None)
        .exclude(Q(guardian__status="left") | Q(other_status="left"))
        .annotate(why=Case(When(name & phone, then=Value(_BOTH)), When(name, then=Value(_NAME)), default=Value(_PHONE)))
    )
    return found.order_by("guardian_id", "other").values_list("guardian_id", "other", "why").distinct()


_NAME: Final = "Two contacts of one student have the same name."
_PHONE: Final = "Two contacts of one student have the same telephone."
_BOTH: Final = "Two contacts of one student have the same name and the same telephone."


def rows_alike(items: Sequence[tuple[int, int, str]]) -> tuple[Row, ...]:
    """Return a row for each pair that `alike` found."""
    known = people_of(("guardians", pk) for pair in items for pk in pair[:2])
    return tuple(
        Row(
            kind="guardians",
            who=known["guardians", one],
            says=why,
            holds="two people, never merged by itself",
            others=(known["guardians", other],),
        )
        for one, other, why in items
    )


def staff_suspects() -> "QuerySet[Any]":
    """Return (id, since when) of the staff whom the feed has missed."""
    found = StaffMember.objects.here().filter(source=Person.Source.FEED).exclude(missing_since=None)
    rows: QuerySet[Any] = found.order_by("missing_since", "folded", "pk").values_list("pk", "missing_since")
    return rows


def rows_of_staff(items: Sequence[tuple[int, datetime.date]]) -> tuple[Row, ...]:
    """Return a row for each of these, with how many feeds have missed them."""
    known = people_of(("staff", pk) for pk, _since in items)
    if not items:
        return ()
    oldest = min(missing for _pk, missing in items)
    feeds = list(judged().filter(local_date__gte=oldest, kinds__has_key="staff").values_list("local_date", flat=True))
    return tuple(
        Row(
            kind="staff",
            who=known["staff", pk],
            says=_not_in(sum(night >= missing for night in feeds)),
            holds="still here, with their login",
            since=missing,
        )
        for pk, missing in items
    )


def _not_in(feeds: int) -> str:
    return f"Not in the last {feeds} feeds." if feeds > 1 else "Not in the last feed."
