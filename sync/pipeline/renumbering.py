"""Notices that the MIS numbers its people anew, before everybody leaves and arrives a second time (R12, R22).

Pure. One person's new id is the plan's affair (`sync.pipeline.plan`); here it is about so many in one night that the
list itself is in doubt: numbers that lost their zeros in a spreadsheet, a new export, or the list of another school.
"""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from sync.pipeline.brakes import LEAVE_IT, Departure, exactly, share, too_many, word
from sync.pipeline.held import Snapshot
from sync.pipeline.matching import Face, face_held, face_of
from sync.pipeline.plan.model import APPROVE, Case, Hold, Option, Plan
from sync.pipeline.plan.people import leavers
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import Kind, Person

Mark = tuple[str, datetime.date | None]

_PREFIX: Final = re.compile(r"^[^0-9]*0*")


def renumbered(
    kind: Kind, wish: Plan, things: list[Departure], snapshot: Snapshot, roster: Roster, base: int, rules: Rules
) -> Hold | None:
    """Hold the arrivals, new ids and departures of a kind of people who all seem to have got new ids.

    `things` are the kind's departures in `wish`, and `base` is what the brake is measured against.
    """
    newcomers = _newcomers(kind, snapshot, roster, wish)
    if len(newcomers) <= rules.leaving_count:
        return None
    gone = _gone(kind, snapshot, roster, wish)
    alike = _alike(kind, newcomers, gone, snapshot, wish)
    if not (too_many(len(alike), base, kind=kind, rules=rules) or _all_others(newcomers, gone, base, rules)):
        return None
    rekeys = [rekey for rekey in wish.rekeys if rekey.kind is kind]
    return Hold(
        kind=kind,
        case=Case.ID_SCHEME,
        reason=(
            f"{share(len(gone), base)} {word(kind)} are not in the feed under their ids, while {len(newcomers)} come "
            f"with ids we never saw; {len(alike) or 'none'} of these look like the same people. The MIS may number "
            "them anew, or have lost the zeros its ids began with. Nobody goes, and nobody arrives a second time, "
            "until a person has said so."
        ),
        refs=tuple(sorted(newcomers)),
        labels=tuple(sorted(snapshot.name(kind, row) for row in gone)),
        facts=(
            *exactly(things),
            *(f"gone:{row}" for row in sorted(gone)),
            *(f"new:{ref}" for ref in sorted(newcomers)),
            *sorted(f"same:{rekey.id}:{rekey.ref}" for rekey in rekeys),
        ),
        options=(
            Option(
                key=APPROVE,
                label="These ids are right",
                effect=(
                    f"{len(rekeys)} who are surely the same keep their record, with all that belongs to it, under the "
                    "new id; the others go and arrive as the MIS says. The approval holds for seven days."
                ),
            ),
            LEAVE_IT,
        ),
    )


def _newcomers(kind: Kind, snapshot: Snapshot, roster: Roster, wish: Plan) -> dict[str, Person]:
    """Return the records under ids we never saw, but for those who are listed as gone already."""
    records = roster.of(kind)
    refs = records.keys() - snapshot.identities[kind].keys() - leavers(snapshot, kind, records, wish.night)
    return {ref: records[ref] for ref in refs}


def _gone(kind: Kind, snapshot: Snapshot, roster: Roster, wish: Plan) -> dict[int, set[str]]:
    """Return the ids of those here last night whom the list no longer names under any of them."""
    refs_of: dict[int, set[str]] = {}
    for ref, row in snapshot.identities[kind].items():
        refs_of.setdefault(row, set()).add(ref)
    return {
        row: refs
        for row, refs in refs_of.items()
        if (held := snapshot.records[kind][row]).here
        and held.from_feed
        and held.missing_since in {None, wish.night}
        and all(roster.proves_absence(kind=kind, key=ref) for ref in refs)
    }


def _alike(
    kind: Kind, newcomers: dict[str, Person], gone: dict[int, set[str]], snapshot: Snapshot, wish: Plan
) -> set[str]:
    """Return the newcomers who look like one of those gone: by the bare number, or by name and birthday."""
    marks = {
        mark
        for row, refs in gone.items()
        for ref in refs
        for mark in _marks(kind, ref, face_held(kind, snapshot.records[kind][row]))
    }
    same = {rekey.ref for rekey in wish.rekeys if rekey.kind is kind and rekey.was}
    return same | {ref for ref, record in newcomers.items() if not marks.isdisjoint(_marks(kind, ref, face_of(record)))}


def _marks(kind: Kind, ref: str, face: Face) -> Iterator[Mark]:
    """Yield what a person is recognised by: their id without what a list may lose of it, and who they are."""
    yield bare(ref), None
    for name in face.names:
        yield f"name {name}", face.birthday if kind is Kind.STUDENTS else None


def bare(ref: str) -> str:
    """Return an id without its case, prefix and leading zeros; an id with nothing else stays whole."""
    whole = ref.casefold()
    return _PREFIX.sub("", whole) or whole


def _all_others(newcomers: dict[str, Person], gone: dict[int, set[str]], base: int, rules: Rules) -> bool:
    """Whether most are gone and about as many others came: another list altogether, perhaps of another school."""
    return len(gone) > rules.leaving_count and len(gone) > base / 2 and len(newcomers) >= len(gone) / 2
