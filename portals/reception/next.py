"""What is read next at a school, as pages tell it: by its own clock, and which day is passed over why (R14)."""

import dataclasses
import datetime
from typing import Final

from sync import clock, sentences
from sync.queries import sources
from sync.queries.coming import Coming, coming
from sync.queries.sources import Freshness
from tenants.models import School

LABELS: Final = {
    clock.Slot.NIGHT: "People and classes",
    clock.Slot.MORNING: "The morning’s marks",
    clock.Slot.AFTERNOON: "The afternoon’s marks",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NextSlot:
    """One slot in words: “People and classes”, “tonight about 01:40”, and why a day before it has none."""

    label: str
    when: str
    passed_over: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Next:
    """What is read next by itself; `halted` says why nothing is."""

    halted: str
    slots: tuple[NextSlot, ...]
    reads_marks: bool


def what_is_next(school: School, fresh: Freshness, *, now: datetime.datetime) -> Next:
    """Return what is read next at the open school, the soonest first; two queries."""
    found = [one for one in coming(school, now=now) if fresh.reads_marks or one.slot is clock.Slot.NIGHT]
    slots = () if fresh.halted else tuple(_told(school, one, now) for one in found)
    return Next(halted=fresh.halted, slots=slots, reads_marks=fresh.reads_marks)


def _told(school: School, one: Coming, now: datetime.datetime) -> NextSlot:
    night = one.slot is clock.Slot.NIGHT
    when = sentences.upcoming(school.local(one.at), school.local(now), night=night) if one.at else "not within a year"
    passed_over = f"{one.passed_over[:1].upper()}{one.passed_over[1:]}"
    return NextSlot(label=LABELS[one.slot], when=when, passed_over=passed_over)


def in_a_line(school: School, *, now: datetime.datetime) -> str:
    """Say what is read next in one sentence, as after a change of a rule; four queries."""
    found = what_is_next(school, sources.freshness(now=lambda: now), now=now)
    if found.halted:
        return f"For now nothing is read by itself: {found.halted}."
    said = [f"{one.label[0].lower()}{one.label[1:]} {one.when}" for one in found.slots]
    return f"Next: {'; '.join(said)}."
