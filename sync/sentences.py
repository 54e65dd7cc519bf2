"""What runs did or would do, said in plain sentences. Pure: no database, no clock, no markup."""

import calendar
import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

Tone = Literal["text", "old", "new"]
Tense = Literal["done", "would"]  # of a run that is over, or of a plan that nobody has carried out


class ChangeLike(Protocol):
    """What a sentence needs to know of a change; it only reads."""

    @property
    def kind(self) -> str:
        """A word of `sync.records.Kind`."""

    @property
    def label(self) -> str:
        """The name as it was then."""

    @property
    def action(self) -> str:
        """A word of `Change.Action`."""

    @property
    def field(self) -> str:
        """The field, where one field changed."""

    @property
    def old(self) -> str:
        """The value before, or the other side of a link that ended."""

    @property
    def new(self) -> str:
        """The value after, or the other side of a link that came."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A stretch of a sentence; old and new values are marked, so that a page can show them apart."""

    text: str
    tone: Tone = "text"


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One sentence in parts; its text is the parts joined."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return "".join(part.text for part in self.parts)


# What a note says never leaves the page on which reading it is logged (R35).
PRIVATE_KINDS: Final = frozenset({"medical", "dietary"})
_PRIVATE: Final = {"medical": "medical note", "dietary": "dietary need"}
_SUBJECTS: Final[Mapping[str, str]] = {
    "students": "{}",
    "guardians": "{}",
    "staff": "{}",
    "classes": "Class {}",
}
_LINKS: Final = frozenset({"ties", "enrolments", "teaching"})
_LINKING: Final[Mapping[tuple[str, bool], tuple[str, str]]] = {  # (kind, whether it begins) → as done, as it would be
    ("ties", True): ("became a contact of", "would become a contact of"),
    ("ties", False): ("is no longer a contact of", "would no longer be a contact of"),
    ("teaching", True): ("now teaches", "would teach"),
    ("teaching", False): ("no longer teaches", "would no longer teach"),
    ("enrolments", True): ("joined", "would join"),
    ("enrolments", False): ("is no longer in", "would no longer be in"),
}
_FIELDS: Final[Mapping[str, str]] = {
    "email": "e-mail",
    "mis_email": "e-mail in the MIS",
    "given_name": "first name",
    "family_name": "surname",
    "preferred_name": "preferred name",
    "date_of_birth": "date of birth",
    "upn": "UPN",
    "left_on": "leaving date",
    "external_id": "MIS reference",
    "ref": "MIS reference",
    "student_ref": "student",
    "guardian_ref": "guardian",
    "class_ref": "class",
    "staff_ref": "member of staff",
}
_NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "students": ("student", "students"),
    "guardians": ("guardian", "guardians"),
    "staff": ("member of staff", "staff"),
    "classes": ("class", "classes"),
    "ties": ("tie", "ties"),
    "enrolments": ("class place", "class places"),
    "teaching": ("teaching", "teachings"),
    "medical": ("medical note", "medical notes"),
    "dietary": ("dietary need", "dietary needs"),
}


def say(change: ChangeLike, tense: Tense = "done") -> Sentence:
    """Return the sentence of one change; medical and dietary values are never in it."""
    if change.kind in PRIVATE_KINDS:
        return private(change, tense)
    if change.kind in _LINKS and change.action in {"arrive", "end"}:
        return linked(change, tense)
    return _BY_ACTION.get(change.action, amended)(change, tense)


def added(change: ChangeLike, tense: Tense) -> Sentence:
    """Say: Ana Reyes was added: Year 4, form 4B."""
    return _with_details(f"{_subject(change)} {_in(tense, 'was added', 'would be added')}", change.new)


def amended(change: ChangeLike, tense: Tense) -> Sentence:
    """Say: Mei Li’s e-mail changed from … to …"""
    start = f"{possessive(_subject(change))} {field_name(change.field or 'record')}"
    changed = _in(tense, "changed", "would change")
    if change.old and change.new:
        return _sentence(f"{start} {changed} from ", (change.old, "old"), " to ", (change.new, "new"), ".")
    if change.new:
        return _sentence(f"{start} {_in(tense, 'was set', 'would be set')} to ", (change.new, "new"), ".")
    if change.old:
        removed = _in(tense, "was removed; it was", "would be removed; it is")
        return _sentence(f"{start} {removed} ", (change.old, "old"), ".")
    return _sentence(f"{start} {changed}.")


def missed(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that somebody is missing, and that nothing was taken away yet (R68)."""
    since = f" since {day(change.new)}" if change.new else ""
    missing, taken = _in(tense, "is", "would be"), _in(tense, "was", "would be")
    return _sentence(f"{_subject(change)} {missing} missing from the MIS{since}. Nothing {taken} taken away yet.")


def left(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that somebody left, or that a class ended."""
    verb = _in(tense, "ended", "would end") if change.kind == "classes" else _in(tense, "left", "would leave")
    return _sentence(f"{_subject(change)} {verb}{f' on {day(change.new)}' if change.new else ''}.")


def rejoined(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that somebody is back, with everything kept (R68)."""
    return _sentence(f"{_subject(change)} {_in(tense, 'came', 'would come')} back; {_all_kept(tense)}.")


def rekeyed(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that somebody has a new id, or was added by hand and is now in the MIS too (R22, R43)."""
    who = _subject(change)
    if not change.old:
        known = _in(
            tense,
            "was known here before the MIS, which now has them as",
            "is known here already, and would stay the same person as the MIS’s",
        )
        return _sentence(f"{who} {known} ", (change.new, "new"), ".")
    start = f"{possessive(who)} {field_name('external_id')} {_in(tense, 'changed', 'would change')} from "
    return _sentence(start, (change.old, "old"), " to ", (change.new, "new"), f"; {_all_kept(tense)}.")


def ended(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that something came to its end."""
    return _with_details(f"{_subject(change)} {_in(tense, 'ended', 'would end')}", change.old)


def released(change: ChangeLike, tense: Tense) -> Sentence:
    """Say what became of a correction that somebody at the school made (R66)."""
    field = f"{possessive(_subject(change))} {field_name(change.field)}"
    start = f"Your correction of {field}"
    if change.old == change.new:
        agreed = f"Your MIS now says what you corrected: {field}."
        return _sentence(_in(tense, agreed, f"{start} would end, as your MIS now says the same."))
    if not change.new:
        return _sentence(f"{start} {_in(tense, 'ended; it was', 'would end; it is')} ", (change.old, "old"), ".")
    replaced = _in(tense, "was replaced", "would be replaced")
    return _sentence(f"{start} {replaced} by your MIS: ", (change.old, "old"), " → ", (change.new, "new"), ".")


def linked(change: ChangeLike, tense: Tense) -> Sentence:
    """Say who became, or no longer is, a contact, a member or a teacher of what."""
    begins = change.action == "arrive"
    other: Part = Part(change.new, "new") if begins else Part(change.old, "old")
    verb = _in(tense, *_LINKING[change.kind, begins])
    if change.kind == "enrolments":
        return Sentence((Part(f"{change.label} {verb} "), other, Part(".")))
    return Sentence((other, Part(f" {verb} {change.label}.")))


def private(change: ChangeLike, tense: Tense) -> Sentence:
    """Say that a medical note or dietary need changed, never what it says (R35)."""
    removed = ("was removed", "would be removed")
    verbs = {"arrive": ("was added", "would be added"), "end": removed, "leave": removed}
    verb = _in(tense, *verbs.get(change.action, ("changed", "would change")))
    noun = _PRIVATE[change.kind]
    return _sentence(f"{'An' if noun[0] in 'aeiou' else 'A'} {noun} of {change.label} {verb}.")


def corrected(field: str, old: str | None, new: str) -> Sentence:
    """Say what a person at the school corrected: Surname corrected from … to … (R65)."""
    start = f"{field_name(field).capitalize()} corrected "
    return _sentence(start, *(("from ", (old, "old"), " ") if old else ()), "to ", (new or "nothing", "new"), ".")


def plain(text: str) -> Sentence:
    """Return words as a sentence in which nothing is marked."""
    return _sentence(text)


_BY_ACTION: Final[Mapping[str, Callable[[ChangeLike, Tense], Sentence]]] = {
    "arrive": added,
    "amend": amended,
    "miss": missed,
    "leave": left,
    "rejoin": rejoined,
    "rekey": rekeyed,
    "end": ended,
    "release": released,
}


def put_back(change: ChangeLike) -> Sentence:
    """Say what an undo would do with one record: Mei Li’s phone goes back from … to …"""
    if change.kind in _LINKS and change.action in {"arrive", "end"}:
        return _linked_again(change)
    subject = _subject(change)
    match change.action:
        case "leave":
            return _sentence(f"{subject} {'ends' if change.kind == 'classes' else 'leaves'} again; nothing is deleted.")
        case "miss":
            return _sentence(f"{subject} counts as missing again{f', since {day(change.new)}' if change.new else ''}.")
        case "rejoin":
            return _sentence(f"{subject} is here again, with everything kept.")
    start = f"{possessive(subject)} {field_name(change.field or 'record')}"
    if change.old and change.new:
        return _sentence(f"{start} goes back from ", (change.old, "old"), " to ", (change.new, "new"), ".")
    if change.new:
        return _sentence(f"{start} is set to ", (change.new, "new"), " again.")
    if change.old:
        return _sentence(f"{start} is empty again; it is ", (change.old, "old"), " now.")
    return _sentence(f"{start} goes back to what it was.")


def _linked_again(change: ChangeLike) -> Sentence:
    back = change.action == "arrive"
    other: Part = Part(change.new, "new") if back else Part(change.old, "old")
    match change.kind:
        case "ties":
            what = f" is a contact of {change.label} again." if back else f" is no longer a contact of {change.label}."
            return Sentence((other, Part(what)))
        case "teaching":
            what = f" teaches {change.label} again." if back else f" no longer teaches {change.label}."
            return Sentence((other, Part(what)))
        case _:
            start = f"{change.label} is in " if back else f"{change.label} is no longer in "
            return Sentence((Part(start), other, Part(" again." if back else ".")))


def night(*, status: str, when: str, added: int, updated: int, gone: int, held: int, error: str) -> tuple[str, str]:
    """Say in two sentences how the newest run went: what became of it, and what that means."""
    match status:
        case "queued":
            return ("A sync waits for its turn.", "It starts as soon as a worker is free.")
        case "running":
            return (f"A sync has been running since {when}.", "What you see here is from before it.")
        case "failed":
            return (f"The sync of {when} failed.", error or "Nothing was changed.")
        case "held":
            return (f"The sync of {when} waits for a person.", "Nothing was changed until somebody has looked at it.")
    if not (added or updated or gone or held):
        return (f"The sync finished at {when}.", "Nothing had changed in your MIS.")
    numbers = [(added, "added"), (updated, "updated"), (gone, "left or missing")]
    did = listed([f"{number:,} {word}" for number, word in numbers if number]) or "nothing changed"
    waits = f"; {held:,} held for a person to decide" if held else ""
    return (f"The sync finished at {when}.", f"{did[0].upper()}{did[1:]}{waits}.")


def field_name(field: str) -> str:
    """Return a field as a reader says it."""
    return _FIELDS.get(field, field.replace("_", " "))


def possessive(name: str) -> str:
    """Return “Mei Li’s”."""
    return f"{name}’s"


def day(iso: str) -> str:
    """Return an ISO date for a reader: “20 November 2026”."""
    try:
        date = datetime.date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{date.day} {date:%B %Y}"


def counted(number: int, kind: str) -> str:
    """Return “1 student”, “1,204 students”."""
    one, many = _NOUNS.get(kind, (kind, kind))
    return f"{number:,} {one if number == 1 else many}"


def plural(kind: str) -> str:
    """Return a kind as a reader says it: “Class places”."""
    return counted(2, kind).removeprefix("2 ").capitalize()


def listed(words: list[str]) -> str:
    """Return “a, b and c”."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def moment(at: datetime.datetime, now: datetime.datetime) -> str:
    """Return “02:14 today”, “02:14 yesterday” or “02:14 on 20 November”; both in the school's own time."""
    days = (now.date() - at.date()).days
    if days == 0:
        return f"{at:%H:%M} today"
    if days == 1:
        return f"{at:%H:%M} yesterday"
    year = f" {at.year}" if at.year != now.year else ""
    return f"{at:%H:%M} on {at.day} {at:%B}{year}"


def freshness(
    *,
    source: str,
    at: datetime.datetime | None,
    now: datetime.datetime,
    then: datetime.datetime | None = None,
    halted: str = "",
    overdue: str = "",
) -> str:
    """Return “From SIMS via Wonde, 02:14 today; next about 01:40” or “Never synced yet” (R21).

    Where nothing is read by itself, `halted` says why instead of a time; `overdue` why it is older than it should be.
    """
    parts = [f"From {source}, {moment(at, now)}" if at else "Never synced yet"]
    if overdue:
        parts.append(f"older than it should be: {overdue}")
    elif halted:
        parts.append(halted)
    if then:
        parts.append(f"next {about(then, now)}")
    return "; ".join(parts)


def about(then: datetime.datetime, now: datetime.datetime) -> str:
    """Return about when something comes: “about 01:40”, and on which day if that is not within one."""
    rounded = then - datetime.timedelta(minutes=then.minute % 5)
    if then - now < datetime.timedelta(days=1):
        return f"about {rounded:%H:%M}"
    near = then - now < datetime.timedelta(days=6)
    return f"about {rounded:%H:%M} on {f'{then:%A}' if near else f'{then.day} {then:%B}'}"


def ago(length: datetime.timedelta) -> str:
    """Return “just now”, “12 min ago”, “3 h ago” or “2 days ago”."""
    minutes = length // datetime.timedelta(minutes=1)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    hours, days = minutes // 60, minutes // (24 * 60)
    return f"{hours} h ago" if hours < 24 else f"{days} day{'' if days == 1 else 's'} ago"


def upcoming(then: datetime.datetime, now: datetime.datetime, *, night: bool) -> str:
    """Return “tonight about 01:40”, “today at 14:30”, “on Monday at 09:30”; both in the school's own time."""
    if night and then - now < datetime.timedelta(days=1):
        return f"tonight {about(then, now)}"
    if night:
        return about(then, now)
    return f"{day_ahead(then.date(), now.date())} at {then:%H:%M}"


def day_ahead(day: datetime.date, today: datetime.date) -> str:
    """Return “today”, “tomorrow”, “on Monday” or “on 4 January 2027”."""
    days = (day - today).days
    if days in {0, 1}:
        return ("today", "tomorrow")[days]
    if 1 < days < 7:
        return f"on {day:%A}"
    year = f" {day.year}" if day.year != today.year else ""
    return f"on {day.day} {day:%B}{year}"


def slot(*, name: str, due: datetime.datetime, began: datetime.datetime | None, late: bool) -> str:
    """Return “The night was due at 01:34.”, with when a late one began; both in the school's own time (R10)."""
    start = f"The {name} was due at {due:%H:%M}"
    if not late:
        return f"{start}."
    if began is None:
        return f"{start} and is caught up."
    behind = duration(datetime.timedelta(minutes=(began - due) // datetime.timedelta(minutes=1)))
    return f"{start} and was caught up at {began:%H:%M}, {behind.removesuffix(' 0 s')} late."


def progress(told: Mapping[str, Any]) -> str:
    """Return “Reading: 12 pages, 340 rows so far.” of what a run tells while it goes on, “Running.” of nothing."""
    numbers = [
        f"{told[word]:,} {word if told[word] != 1 else word[:-1]}" for word in ("pages", "rows") if told.get(word)
    ]
    stage = str(told.get("stage") or "running")
    return f"{stage[0].upper()}{stage[1:]}{f': {listed(numbers)} so far' if numbers else ''}."


def span(first: datetime.date, last: datetime.date) -> str:
    """Return “4 January 2027” or “21 December 2026 – 4 January 2027”."""
    return " – ".join(dict.fromkeys([day(first.isoformat()), day(last.isoformat())]))


def weekday(number: int) -> str:
    """Return the name of an ISO weekday: “Monday” of 1."""
    return calendar.day_name[number - 1]


def duration(length: datetime.timedelta) -> str:
    """Return “53 s” or “2 min 5 s”."""
    seconds = round(length.total_seconds())
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds} s" if seconds else "under 1 s"


def _in(tense: Tense, done: str, would: str) -> str:
    return done if tense == "done" else would


def _all_kept(tense: Tense) -> str:
    return f"everything {_in(tense, 'was', 'would be')} kept"


def _subject(change: ChangeLike) -> str:
    return _SUBJECTS.get(change.kind, "{}").replace("{}", change.label)


def _with_details(start: str, details: str) -> Sentence:
    return _sentence(f"{start}: ", (details, "new"), ".") if details else _sentence(f"{start}.")


def _sentence(*pieces: str | tuple[str, Tone]) -> Sentence:
    return Sentence(tuple(Part(piece) if isinstance(piece, str) else Part(*piece) for piece in pieces))
