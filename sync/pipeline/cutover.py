"""From one MIS to another (R25): what a matching leaves to ask, and what the answers make of a plan.

Pure. Ids of the old and the new MIS never meet: a snapshot of the new generation knows only ids of the new one, and
whoever is matched is known by theirs. Nobody's address changes by a cut-over, and nobody leaves by it of whom a person
has not said so.
"""

import datetime
import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from sync.pipeline.held import PEOPLE, Held, Snapshot
from sync.pipeline.matching import Doubt, Match, Matching, folded
from sync.pipeline.plan.model import OTHER, SAME, Action, Case, Hold, Plan, Rekey, Standing
from sync.pipeline.plan.people import said
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Kind

ALSO: Final = "also"  # a further id of somebody: it stands back, and what hangs on it hangs on them
STAY: Final = "stay"  # one of ours goes on without a MIS
LEFT: Final = "left"  # one of ours leaves with the cut-over

Rows = dict[Kind, dict[str, int]]  # by kind: id in the new MIS → our row
Notes = dict[Kind, dict[int, str]]  # by kind: row of a note or need of ours → its ref in the new MIS
Answers = Mapping[str, str]  # key of a question → choice
Departing = dict[tuple[Kind, int], datetime.date]

_NOTES: Final = (Kind.MEDICAL, Kind.DIETARY)


class Topic(enum.StrEnum):
    """What a question is about."""

    SAME = "same"  # a new id that may be somebody of ours
    UNMATCHED = "unmatched"  # somebody of ours whom the new MIS does not name
    LEAVING = "leaving"  # somebody of ours to whom the new MIS gives a leaving date


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a person answers before, or about, the cut-over: of a new id (`ref`) or of a `row` of ours."""

    topic: Topic
    kind: Kind
    ref: str = ""
    row: int | None = None
    candidates: tuple[Match, ...] = ()

    @property
    def key(self) -> str:
        """What an answer is kept under; an id of the MIS and a row of ours may be the same number."""
        return f"row:{self.kind}:{self.row}" if self.row is not None else f"ref:{self.kind}:{self.ref}"

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be answered."""
        if self.topic is not Topic.SAME:
            return (STAY, LEFT)
        return (*(f"{word}:{match.row}" for word in (SAME, ALSO) for match in self.candidates), OTHER)


def doubts(matching: Matching) -> Iterator[Question]:
    """Yield a question for each new id that may be somebody of ours."""
    for kind in PEOPLE:
        for doubt in matching.of(kind).doubts:
            yield Question(topic=Topic.SAME, kind=kind, ref=doubt.ref, candidates=doubt.candidates)


def unmatched(matching: Matching, answers: Answers) -> dict[Kind, set[int]]:
    """Return our rows that no new id is, once every doubt about them is answered."""
    found: dict[Kind, set[int]] = {}
    rows = taken(matching, answers)
    for kind in PEOPLE:
        matched = matching.of(kind)
        named = {match.row for doubt in matched.doubts for match in doubt.candidates}
        open_ones = {
            match.row for doubt in matched.doubts if not _answer(kind, doubt, answers) for match in doubt.candidates
        }
        found[kind] = ({*matched.held} | named) - open_ones - set(rows[kind].values())
    return found


def taken(matching: Matching, answers: Answers) -> Rows:
    """Return which row each new id is: by itself, or because a person said so.

    Of several ids of one person the leading one comes last, for the plan goes by the id given last (`plan.aliases`).
    """
    found: Rows = {}
    for kind in PEOPLE:
        found[kind] = {pair.ref: pair.row for pair in matching.of(kind).pairs}
        said = [(doubt.ref, _answer(kind, doubt, answers).partition(":")) for doubt in matching.of(kind).doubts]
        for word in (ALSO, SAME):
            found[kind] |= {ref: int(row) for ref, (choice, _, row) in said if choice == word}
    return found


def headless(matching: Matching, answers: Answers) -> list[str]:
    """Return the keys of ids that stand back where none leads."""
    led = {(kind, row) for kind, rows in taken(matching, _only(answers, SAME)).items() for row in rows.values()}
    return [
        question.key
        for question in doubts(matching)
        if (said := answers.get(question.key, "")).startswith(f"{ALSO}:")
        and (question.kind, int(said.partition(":")[2])) not in led
    ]


def _only(answers: Answers, word: str) -> Answers:
    return {key: said for key, said in answers.items() if said.startswith(f"{word}:")}


def answered(matching: Matching, answers: Answers, question: Question, choice: str) -> dict[str, str]:
    """Return the answers with one more: if an id is said to be somebody, every other one of theirs stands back."""
    found = {**answers, question.key: choice}
    if not choice.startswith(f"{SAME}:"):
        return found
    row = int(choice.partition(":")[2])
    for other in doubts(matching):
        mine = other.kind is question.kind and other.key != question.key
        only = [match.row for match in other.candidates] == [row] and other.key not in answers
        if mine and (only or answers.get(other.key) == choice):
            found[other.key] = f"{ALSO}:{row}"
    return found


def _answer(kind: Kind, doubt: Doubt, answers: Answers) -> str:
    return answers.get(Question(topic=Topic.SAME, kind=kind, ref=doubt.ref).key, "")


def leaving(roster: Roster, snapshot: Snapshot, rows: Rows) -> dict[Kind, dict[int, datetime.date]]:
    """Return, by kind, the day on which the new MIS lets somebody go who is here."""
    found: dict[Kind, dict[int, datetime.date]] = {kind: {} for kind in PEOPLE}
    for kind in PEOPLE:
        for ref, row in rows[kind].items():
            day = getattr(roster.of(kind).get(ref), "left_on", None)
            if isinstance(day, datetime.date) and snapshot.records[kind][row].here:
                found[kind][row] = day
    return found


def classes(snapshot: Snapshot, roster: Roster) -> dict[str, int]:
    """Return which class of ours each new class is: of the same name, where there is one of it on both sides."""
    ours, theirs = (
        _named(snapshot.records[Kind.CLASSES].items()),
        Counter(folded(one.name) for one in roster.classes.values()),
    )
    found: dict[str, int] = {}
    for ref, record in roster.classes.items():
        rows = ours.get(folded(record.name), ())
        if len(rows) == 1 and theirs[folded(record.name)] == 1:
            found[ref] = rows[0]
    return found


def _named(rows: Iterable[tuple[int, Held]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, held in rows:
        if held.here:
            found.setdefault(folded(held.values[0]), []).append(row)
    return found


def notes(snapshot: Snapshot, roster: Roster, students: Mapping[str, int]) -> Notes:
    """Return, by kind and row, the new MIS's own ref of each note and need of ours that it has as well.

    Both MISs number a student's notes by themselves, and a note is the same if it says the same of the same student.
    """
    return {kind: _same_notes(snapshot, roster, kind, students) for kind in _NOTES}


def _same_notes(snapshot: Snapshot, roster: Roster, kind: Kind, students: Mapping[str, int]) -> dict[int, str]:
    theirs: dict[tuple[int, str], list[str]] = {}
    for (student, ref), record in roster.of(kind).items():
        if student in students:
            theirs.setdefault((students[student], folded(said(kind, record)[0])), []).append(ref)
    found: dict[int, str] = {}
    free = {what: sorted(refs, reverse=True) for what, refs in theirs.items()}
    for (student, _), link in sorted(snapshot.links[kind].items(), key=lambda one: str(one[0][1])):
        if refs := free.get((int(student), folded(link.values[0]))):
            found[link.id] = refs.pop()
    return _without_rivals(snapshot, kind, found)


def _without_rivals(snapshot: Snapshot, kind: Kind, found: dict[int, str]) -> dict[int, str]:
    """Leave out a note whose new ref is that of another note which keeps it: the plan compares with that one."""
    students = {link.id: key[0] for key, link in snapshot.links[kind].items()}
    while True:
        kept = {key for key, link in snapshot.links[kind].items() if link.id not in found}
        fits = {row: ref for row, ref in found.items() if (students[row], ref) not in kept}
        if len(fits) == len(found):
            return fits
        found = fits


def known(snapshot: Snapshot, rows: Rows, renumbered: Notes) -> Snapshot:
    """Return the snapshot in which whoever is matched is known by their new id, and notes by their new ref."""
    identities = {kind: refs | rows.get(kind, {}) for kind, refs in snapshot.identities.items()}
    links = {
        kind: {(key[0], renumbered.get(kind, {}).get(link.id, key[1])): link for key, link in of.items()}
        for kind, of in snapshot.links.items()
    }
    return msgspec.structs.replace(snapshot, identities=identities, links=links)


def believed(roster: Roster, rows: Rows) -> Roster:
    """Return what the new MIS says, but for the addresses of those we hold: the first night after brings those."""
    people = {
        kind.value: {
            ref: msgspec.structs.replace(record, email=NOT_SHARED) if ref in rows[kind] else record
            for ref, record in roster.of(kind).items()
        }
        for kind in PEOPLE
    }
    return msgspec.structs.replace(roster, **people)


def settled(holds: Iterable[Hold], rows: Rows, answers: Answers) -> dict[str, str]:
    """Return, by digest, what was answered already about what a plan would hold: nobody is asked twice."""
    found: dict[str, str] = {}
    for hold in holds:
        if hold.case is Case.ID_REUSED and all(ref in rows.get(hold.kind, {}) for ref in hold.refs):
            found[hold.digest] = SAME
        if hold.case is Case.NEW_ID and answers.get(f"ref:{hold.kind}:{hold.refs[0]}") == OTHER:
            found[hold.digest] = OTHER
    return found


def rekeyed(gated: Plan, snapshot: Snapshot, rows: Rows, old: Snapshot) -> Plan:
    """Return the plan with the new id of everybody and every class that was matched; `old` knows their ids so far."""
    was = {kind: old.refs(kind) for kind in rows}
    rekeys = [
        Rekey(
            kind=kind,
            id=row,
            ref=ref,
            was=was[kind].get(row, ""),
            label=snapshot.name(kind, row),
            why="Matched at the change of MIS.",
        )
        for kind, refs in rows.items()
        for ref, row in refs.items()
    ]
    both = (*gated.rekeys, *rekeys)
    return msgspec.structs.replace(gated, rekeys=tuple(sorted(both, key=lambda one: (one.kind, one.id))))


def staying(wish: Plan) -> Plan:
    """Return a plan by which nobody goes: who does by a cut-over was reviewed, and is not for the gate to count."""
    return msgspec.structs.replace(
        wish,
        standings=tuple(one for one in wish.standings if one.kind not in PEOPLE or one.action is Action.REJOIN),
    )


def departing(
    matching: Matching, answers: Answers, days: Mapping[Kind, Mapping[int, datetime.date]], *, night: datetime.date
) -> Departing:
    """Return who goes with the cut-over and as of which day: nobody of whom a person has not said so.

    `days` are those of `leaving`; whoever goes later goes by the sync of that night.
    """
    found: Departing = {}
    for kind, rows in unmatched(matching, answers).items():
        gone = dict.fromkeys(rows, night) | {row: day for row, day in days.get(kind, {}).items() if day <= night}
        found |= {(kind, row): day for row, day in gone.items() if answers.get(f"row:{kind}:{row}") == LEFT}
    return found


def agreed(gated: Plan, snapshot: Snapshot, roster: Roster, gone: Departing) -> Plan:
    """Return the plan with those who leave because a person said so, and the classes that the new MIS has not."""
    people = {(kind, row): day for (kind, row), day in gone.items() if snapshot.records[kind][row].here}
    ended = dict.fromkeys(_old_classes(snapshot, roster), gated.night)
    both = {(one.kind, one.id): one for one in staying(gated).standings}
    both |= {(kind, row): _gone(snapshot, kind, row, day) for (kind, row), day in (people | ended).items()}
    return msgspec.structs.replace(gated, standings=tuple(both[key] for key in sorted(both)))


def _old_classes(snapshot: Snapshot, roster: Roster) -> Iterator[tuple[Kind, int]]:
    """Yield the classes that only the old MIS had; a list that is not proven whole ends none."""
    named = set(snapshot.identities[Kind.CLASSES].values())
    if Kind.CLASSES in roster.complete and roster.classes:
        rows = snapshot.records[Kind.CLASSES].items()
        yield from ((Kind.CLASSES, row) for row, held in rows if held.here and row not in named)


def _gone(snapshot: Snapshot, kind: Kind, row: int, day: datetime.date) -> Standing:
    return Standing(
        action=Action.LEAVE,
        kind=kind,
        id=row,
        ref=snapshot.refs(kind).get(row, ""),
        label=snapshot.name(kind, row),
        left_on=day,
        why="Ended with the change of MIS." if kind is Kind.CLASSES else "Left with the change of MIS.",
    )
