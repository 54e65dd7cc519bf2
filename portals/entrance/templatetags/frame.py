"""Filters that say things the way all pages say them."""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.utils import timezone

from attendance.models import Meaning
from sync import sentences
from users import years

register = template.Library()

TONES: Final = ("rose", "blue", "violet", "green", "amber")


@register.filter
def tone(pk: int) -> str:
    """Return the tint of a person, always the same one."""
    return TONES[pk % len(TONES)]


@register.filter
def year(label: str | None) -> str:
    """Return a year label for a reader: “Year 7”, “Reception”."""
    return years.say(label)


@register.filter
def moment(at: datetime.datetime | None) -> str:
    """Return an instant in the time zone in force: “02:14 today”."""
    return sentences.moment(timezone.localtime(at), timezone.localtime()) if at else ""


@register.filter
def fetched(at: datetime.datetime) -> str:
    """Return the age of a mark in the time zone in force: “fetched 09:31”, “fetched 09:31 yesterday” (R15)."""
    return f"fetched {moment(at).removesuffix(' today')}"


@register.filter
def freshness(fresh: Any) -> str:
    """Return “From SIMS via Wonde, 02:14 today; next about 01:40” (R21)."""
    return str(fresh.say(timezone.now(), timezone.get_current_timezone()))


@register.filter
def span(days: Any) -> str:
    """Return the first and the last day of something: “21 December 2026 – 4 January 2027”."""
    return sentences.span(days.first, days.last)


@register.filter
def meaning_name(meaning: str) -> str:
    """Return what a mark means, for a reader: “Absent with leave”."""
    words = str(Meaning(meaning).label)
    return f"{words[0].upper()}{words[1:]}"


@register.filter
def progress(told: Mapping[str, Any]) -> str:
    """Return how far a run is: “Reading: 12 pages, 340 rows so far.”"""
    return sentences.progress(told)


@register.filter
def duration(length: datetime.timedelta | float) -> str:
    """Return a length of time, given as such or in seconds: “53 s”."""
    return sentences.duration(length if isinstance(length, datetime.timedelta) else datetime.timedelta(seconds=length))


@register.filter
def counted(number: int, kind: str) -> str:
    """Return “1 student”, “1,204 students”."""
    return sentences.counted(number, kind)


@register.filter
def kind_name(kind: str) -> str:
    """Return a kind as a reader says it: “class places”."""
    return sentences.plural(kind)


@register.filter
def field_name(field: str) -> str:
    """Return a field of a record as a reader says it: “first name”."""
    return sentences.field_name(field)


@register.filter
def nearby(page: Page[Any]) -> list[int | str]:
    """Return the page numbers worth a link, with an ellipsis for gaps."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
