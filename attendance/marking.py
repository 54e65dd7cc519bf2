"""What becomes of marks as a MIS says them, beside the marks that are held. Pure: no database, no clock (R15)."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

# The words of `attendance.models.Meaning` that are more than a word here.
NOT_TAKEN: Final = "not taken"
UNKNOWN: Final = "unknown"

Key = tuple[int, datetime.date, str, str]  # student, date, session, lesson


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One mark as the MIS says it, of a student of the open school; `said` is what it says that the code means."""

    student: int
    date: datetime.date
    session: str
    code: str
    said: str
    lesson: str = ""
    label: str = ""
    minutes_late: int | None = None
    recorded_at: datetime.datetime | None = None

    @property
    def key(self) -> Key:
        """What there is one mark of."""
        return (self.student, self.date, self.session, self.lesson)


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mark as it is held: what history tells of it, and its age."""

    id: int
    code: str
    meaning: str
    minutes_late: int | None
    fetched_at: datetime.datetime
    changed_at: datetime.datetime
    run: int

    def says(self, mark: Said, meaning: str) -> bool:
        """Whether it says the same already; a label or the moment of entry is no other statement."""
        return (self.code, self.meaning, self.minutes_late) == (mark.code, meaning, mark.minutes_late)


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """Marks by what becomes of them, each with the meaning in force; `older` are less fresh than what is held."""

    new: tuple[tuple[Said, str], ...]
    changed: tuple[tuple[Held, Said, str], ...]
    same: tuple[tuple[Held, Said, str], ...]
    older: int


class ToldTwice(ValueError):
    """Two marks of one student, date, session and lesson came together; nobody can tell which of them is right."""


def by_key(marks: Iterable[Said]) -> dict[Key, Said]:
    """Return marks by what there is one of.

    Raises:
        ToldTwice: there is more than one of something.
    """
    told: dict[Key, Said] = {}
    for mark in marks:
        if told.setdefault(mark.key, mark) is not mark:
            raise ToldTwice("a student has two marks in one session")
    return told


def in_force(mark: Said, means: Mapping[str, str]) -> str:
    """Return what a mark means where the school `means` something by some codes: {code: meaning}.

    That nobody has taken the register yet is no code that a school could explain.
    """
    return mark.said if mark.said == NOT_TAKEN else means.get(mark.code) or mark.said


def sort(
    told: Mapping[Key, Said], held: Mapping[Key, Held], means: Mapping[str, str], *, at: datetime.datetime
) -> Sorted:
    """Sort marks that were fetched `at` this moment; of what is held and did not come, nothing is said."""
    pairs = [(held.get(key), mark, in_force(mark, means)) for key, mark in told.items()]
    fresh = [(one, mark, meaning) for one, mark, meaning in pairs if one and one.fetched_at <= at]
    return Sorted(
        new=tuple((mark, meaning) for one, mark, meaning in pairs if one is None),
        changed=tuple(each for each in fresh if not each[0].says(each[1], each[2])),
        same=tuple(each for each in fresh if each[0].says(each[1], each[2])),
        older=sum(one is not None and one.fetched_at > at for one, _mark, _meaning in pairs),
    )


def spoken(marks: Iterable[Said]) -> dict[str, tuple[str, str]]:
    """Return {code: (what the MIS says it means, its label)} of the codes that came.

    A MIS may explain a code on one mark and not on another: then it still waits for somebody to explain it.
    """
    said: dict[str, Counter[str]] = defaultdict(Counter)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for mark in marks:
        if mark.code:
            said[mark.code][mark.said] += 1
            labels[mark.code][mark.label] += bool(mark.label)
    return {code: (UNKNOWN if UNKNOWN in tally else _most(tally), _most(labels[code])) for code, tally in said.items()}


def _most(tally: Mapping[str, int]) -> str:
    """Return the word that came most often; of several the first by letter, so that order never matters."""
    return min(tally, key=lambda word: (-tally[word], word))
