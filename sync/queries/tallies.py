"""What a run did or would do, in numbers. No query: a run keeps its counts."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sync import sentences
from sync.records import Kind
from sync.sentences import Tense

PEOPLE: Final = ("students", "guardians", "staff")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a run would do to one kind."""

    kind: str
    rows: int
    added: int
    updated: int
    gone: int
    held: int

    @property
    def changes(self) -> int:
        """All that would happen, or wait."""
        return self.added + self.updated + self.gone + self.held


def foreseen(counts: Mapping[str, Mapping[str, int]]) -> tuple[Foreseen, ...]:
    """Return what `ends.counts` says of a preview, a row for each kind, in the order of the templates; no query."""
    return tuple(
        Foreseen(
            kind=kind,
            rows=counts[kind].get("rows", 0),
            added=_sum({kind: counts[kind]}, ("arrived", "returned")),
            updated=counts[kind].get("amended", 0),
            gone=_sum({kind: counts[kind]}, ("left", "missing", "ended")),
            held=counts[kind].get("held", 0),
        )
        for kind in Kind
        if kind in counts
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tally:
    """What one run did to people, in four numbers; seats, contacts and notes follow people and would drown them."""

    added: int = 0
    updated: int = 0
    gone: int = 0  # left, and missing for the first time
    held: int = 0

    @property
    def total(self) -> int:
        """All four together."""
        return self.added + self.updated + self.gone + self.held


_ADDED: Final = ("arrived", "returned")
_UPDATED: Final = ("amended",)
_GONE: Final = ("left", "missing")
_HELD: Final = ("held",)


def tally(counts: Mapping[str, Mapping[str, int]]) -> Tally:
    """Add up the counts of a run: people only, but everything that is held."""
    people = {kind: counts[kind] for kind in PEOPLE if kind in counts}
    return Tally(
        added=_sum(people, _ADDED), updated=_sum(people, _UPDATED), gone=_sum(people, _GONE), held=_sum(counts, _HELD)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tile:
    """One number of a run and what it is made of: “9 students, 5 guardians”."""

    key: str
    label: str
    number: int
    note: str


_TILES: Final[Mapping[str, Mapping[Tense, str]]] = {
    "add": {"done": "Added", "would": "Would be added"},
    "upd": {"done": "Updated", "would": "Would be updated"},
    "left": {"done": "Left or missing", "would": "Would leave or be missing"},
    "held": {"done": "Held for a person", "would": "Would be held for a person"},
}


def tiles(counts: Mapping[str, Mapping[str, int]], tense: Tense = "done") -> tuple[Tile, ...]:
    """Return the four numbers at the head of a report, from the counts of a run."""
    done, people = tally(counts), {kind: counts[kind] for kind in PEOPLE if kind in counts}
    rows = (
        ("add", _TILES["add"][tense], done.added, _made_of(people, _ADDED) or "nobody new"),
        ("upd", _TILES["upd"][tense], done.updated, _made_of(people, _UPDATED) or "nobody changed"),
        ("left", _TILES["left"][tense], done.gone, _made_of(people, _GONE) or "everybody is still there"),
        ("held", _TILES["held"][tense], done.held, _made_of(counts, _HELD) or "nothing waits"),
    )
    return tuple(Tile(key=key, label=label, number=number, note=note) for key, label, number, note in rows)


def _sum(counts: Mapping[str, Mapping[str, int]], keys: Iterable[str]) -> int:
    wanted = tuple(keys)
    return sum(number.get(key, 0) for number in counts.values() for key in wanted)


def _made_of(counts: Mapping[str, Mapping[str, int]], keys: Iterable[str]) -> str:
    wanted = tuple(keys)
    numbers = {kind: sum(number.get(key, 0) for key in wanted) for kind, number in counts.items()}
    most = sorted((kind for kind in numbers if numbers[kind]), key=lambda kind: (kind not in PEOPLE, -numbers[kind]))
    return ", ".join(sentences.counted(numbers[kind], kind) for kind in most[:2])


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarksTally:
    """What one run read of marks: how many of each meaning, and what became of them (R15)."""

    meanings: tuple[tuple[str, int], ...] = ()  # the most frequent first
    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    parked: int = 0
    refused: int = 0


def marks(counts: Mapping[str, Mapping[str, Any]]) -> MarksTally:
    """Return what an attendance run counted (`sync.operations.marks`)."""
    told = counts.get("attendance", {})
    meanings = sorted(told.get("meanings", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    numbers = {word: told.get(word, 0) for word in ("rows", "new", "changed", "same", "parked", "refused")}
    return MarksTally(meanings=tuple(meanings), **numbers)
