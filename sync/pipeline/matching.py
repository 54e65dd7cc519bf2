"""Who of those we hold a record may be, though its id is new (R22, R25, R43, R68).

Pure. A *strong* match is one that a careful secretary would act on; a *weak* one she would ask about. A match is
*unique* if no other row matches the record as strongly, and no other new record matches the row at all. Only a unique
strong match may ever stand for a decision; everything else is shown to a person, and nothing is guessed.
"""

import datetime
import enum
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from sync.pipeline.held import FIELDS, PEOPLE, Held, Snapshot
from sync.pipeline.roster import Roster
from sync.records import Kind, Person

Refs = Mapping[Kind, AbstractSet[str]]
NO_REFS: Final[Refs] = MappingProxyType({})

OTHER_END: Final = {Kind.STUDENTS: Kind.GUARDIANS, Kind.GUARDIANS: Kind.STUDENTS}


class Strength(enum.StrEnum):
    """How much a match is worth."""

    STRONG = "strong"
    WEAK = "weak"


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a record may be; `why` is a part of a sentence, without anybody's data."""

    row: int
    strength: Strength
    why: str


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A record and the one row it is: strong and unique."""

    ref: str
    row: int
    why: str


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A record and the rows it may be, the strongest first: for a person to decide."""

    ref: str
    candidates: tuple[Match, ...]


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one kind; every new record and every row stands in it."""

    pairs: tuple[Pair, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    held: tuple[int, ...] = ()  # our rows that no new record may be
    new: tuple[str, ...] = ()  # refs of records that may be none of our rows


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """A whole roster against what we hold: ids only, the same for every order of what it was made from."""

    students: Matched = Matched()
    guardians: Matched = Matched()
    staff: Matched = Matched()

    def of(self, kind: Kind) -> Matched:
        """Return the outcome for one kind of people."""
        found: Matched = getattr(self, kind.value)
        return found

    def digest(self) -> str:
        """Return the hash that a review is tied to: any other matching has another one."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


def matching(snapshot: Snapshot, roster: Roster, *, among: Mapping[Kind, AbstractSet[int]]) -> Matching:
    """Match everybody whose id is new with the rows in `among` (R25)."""
    return Matching(
        **{kind.value: Matcher(snapshot, roster, kind, among=among.get(kind, frozenset())).matched() for kind in PEOPLE}
    )


class Face(NamedTuple):
    """What somebody is recognised by, folded. Somebody we corrected has two names: ours and the MIS's (R66)."""

    names: frozenset[str]
    given: frozenset[str]
    family: frozenset[str]
    birthday: datetime.date | None
    upn: str
    mails: frozenset[str]

    def told(self) -> str:
        """Return all of it, always in the same order: a fact that a decision rests on."""
        return "|".join((*sorted(self.names), str(self.birthday or ""), self.upn, *sorted(self.mails)))


def folded(text: object) -> str:
    """Return letters and digits only, without case and accents; "" for what is not text."""
    if not isinstance(text, str):
        return ""
    if text.isascii() and text.isalpha():
        return text.lower()  # as most names are, and quick
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in letters if not (unicodedata.combining(c) or unicodedata.category(c)[0] in "PZ"))


def face_of(record: Person) -> Face:
    """Return what a record says of somebody."""
    born, upn, mail = (getattr(record, field, None) for field in ("date_of_birth", "upn", "email"))
    return _face([(record.given_name, record.family_name)], born, upn, [mail])


def face_held(kind: Kind, held: Held) -> Face:
    """Return what we hold of somebody: as it is shown, and as the MIS said it before a correction."""
    now = dict(zip(FIELDS[kind], held.values, strict=True))
    before = now | {field: edit.replaced for field, edit in held.edits.items()}
    names = [(one["given_name"], one["family_name"]) for one in (now, before)]
    mails = [held.email, held.mis_email, before.get("email")]
    return _face(names, now.get("date_of_birth"), now.get("upn"), mails)


def _face(names: Iterable[tuple[object, object]], born: object, upn: object, mails: Iterable[object]) -> Face:
    parts = [(folded(given), folded(family)) for given, family in names]
    return Face(
        names=frozenset(f"{given} {family}" for given, family in parts if given or family),
        given=frozenset(given for given, _ in parts if given),
        family=frozenset(family for _, family in parts if family),
        birthday=born if isinstance(born, datetime.date) else None,
        upn=folded(upn),
        mails=frozenset(mail.casefold() for mail in mails if isinstance(mail, str) and mail),
    )


class Matcher:
    """Finds, for records of one kind, who of our rows in `among` they may be.

    The id of a contact or a child whom we know counts as evidence; not so if it is `doubted` tonight. One with a new id
    may be recognised by what it says, among `contacts` (rows of the other kind; None: all), unless a person has said
    that it is somebody else (`others`).
    """

    def __init__(
        self,
        snapshot: Snapshot,
        roster: Roster,
        kind: Kind,
        *,
        among: AbstractSet[int],
        contacts: AbstractSet[int] | None = None,
        doubted: Refs = NO_REFS,
        others: Refs = NO_REFS,
    ) -> None:
        self.snapshot, self.roster, self.kind, self.among = snapshot, roster, kind, among
        self.contacts, self.doubted, self.others = contacts, doubted, others
        self._held: dict[tuple[Kind, int], Face] = {}
        self._said: dict[tuple[Kind, str], Face] = {}
        self._rows: dict[tuple[str, str], set[int]] = defaultdict(set)
        for row in among:
            for mark in marks(kind, self._face_of_row(kind, row)):
                self._rows[mark].add(row)
        self._ties_held = _partners(kind, (key for key, tie in snapshot.links[Kind.TIES].items() if tie.here))
        self._ties_said = _partners(kind, roster.ties)

    def of(self, ref: str, record: Person) -> tuple[Match, ...]:
        """Return the rows this record may be, the strongest first."""
        face = self._said.setdefault((self.kind, ref), face_of(record))
        rows = {row for mark in marks(self.kind, face) for row in self._rows.get(mark, ())}
        found = (self._judged(ref, face, row) for row in rows)
        return tuple(sorted((one for one in found if one), key=lambda match: (match.strength, match.row)))

    def matched(self, refs: AbstractSet[str] | None = None) -> Matched:
        """Match all these refs with all the rows; without `refs`, everybody in the roster whose id is new."""
        records = self.roster.of(self.kind)
        new = {ref for ref in records if ref not in self.snapshot.identities[self.kind]} if refs is None else refs
        found = {ref: self.of(ref, records[ref]) for ref in sorted(new)}
        rivals: dict[int, int] = defaultdict(int)
        for matches in found.values():
            for match in matches:
                rivals[match.row] += 1
        sole = {ref: matches[0] for ref, matches in found.items() if _is_sole(matches, rivals)}
        return Matched(
            pairs=tuple(Pair(ref=ref, row=match.row, why=match.why) for ref, match in sole.items()),
            doubts=tuple(Doubt(ref=ref, candidates=all_) for ref, all_ in found.items() if all_ and ref not in sole),
            held=tuple(sorted(self.among - rivals.keys())),
            new=tuple(ref for ref, matches in found.items() if not matches),
        )

    def _judged(self, ref: str, face: Face, row: int) -> Match | None:
        verdict = _JUDGES[self.kind](self, ref, face, row, self._face_of_row(self.kind, row))
        return Match(row=row, strength=verdict[0], why=verdict[1]) if verdict else None

    def in_common(self, ref: str, row: int) -> bool:
        """Whether a contact (or, of a guardian, a child) is tied to both: one known by id, or by what it says."""
        there, here = self._ties_said.get(ref, ()), self._ties_held.get(row, ())
        other = OTHER_END[self.kind]
        return any(self._is(other, one, its) for one in there for its in here)

    def _is(self, kind: Kind, ref: str, row: int) -> bool:
        known = self.snapshot.identities[kind].get(ref)
        if known is not None and ref not in self.doubted.get(kind, ()):
            return known == row
        record = self.roster.of(kind).get(ref)
        if record is None or ref in self.others.get(kind, ()) or not (self.contacts is None or row in self.contacts):
            return False
        said = self._said.setdefault((kind, ref), face_of(record))
        held = self._face_of_row(kind, row)
        return _same_child(said, held) if kind is Kind.STUDENTS else _same_adult(said, held)

    def _face_of_row(self, kind: Kind, row: int) -> Face:
        if (kind, row) not in self._held:
            self._held[kind, row] = face_held(kind, self.snapshot.records[kind][row])
        return self._held[kind, row]


def _partners(kind: Kind, pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """Return, by one end of each tie, whom it leads to; staff have no ties."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for student, guardian in pairs:
        if kind is Kind.STUDENTS:
            found[student].append(guardian)
        if kind is Kind.GUARDIANS:
            found[guardian].append(student)
    return found


def marks(kind: Kind, face: Face) -> Iterator[tuple[str, str]]:
    """Yield what candidates are looked up by: whoever shares none of these is no candidate."""
    yield from (("name", name) for name in face.names)
    if kind is Kind.STUDENTS:
        yield from (("upn", upn) for upn in (face.upn,) if upn)
        yield from ((f"born {face.birthday}", given) for given in face.given if face.birthday)
    else:
        yield from (("mail", mail) for mail in face.mails)


def _is_sole(matches: tuple[Match, ...], rivals: Mapping[int, int]) -> bool:
    """Whether the first of these is strong, and unique on both sides."""
    strong = [match for match in matches if match.strength is Strength.STRONG]
    return len(strong) == 1 and rivals[strong[0].row] == 1


Verdict = tuple[Strength, str] | None


def _student(matcher: Matcher, ref: str, said: Face, row: int, held: Face) -> Verdict:
    """A UPN, or name, birthday and a contact; a birthday that contradicts is never overlooked."""
    born, contradicts = _birthdays(said, held)
    if said.upn and said.upn == held.upn:
        return _by_upn(said, held, contradicts=contradicts)
    name, given = bool(said.names & held.names), bool(said.given & held.given)
    if contradicts or not (name or (given and born)):
        return None
    contact = matcher.in_common(ref, row)
    if name and born and contact:
        return Strength.STRONG, "the same name and birthday, and a contact in common"
    if name and born:
        return Strength.WEAK, "the same name and birthday, but no contact in common"
    if contact:
        return Strength.WEAK, f"the same {'name' if name else 'first name and birthday'}, and a contact in common"
    return None


def _by_upn(said: Face, held: Face, *, contradicts: bool) -> Verdict:
    """A number is typed by hand too: with another birthday, or nothing of the name, it proves nothing."""
    if contradicts:
        return Strength.WEAK, "the same UPN, but another birthday"
    if said.given & held.given or said.family & held.family:
        return Strength.STRONG, "the same UPN"
    return Strength.WEAK, "the same UPN, but another name"


def _guardian(matcher: Matcher, ref: str, said: Face, row: int, held: Face) -> Verdict:
    """Name, e-mail and a child; parents who share a mailbox have different first names."""
    name, mail, child = bool(said.names & held.names), bool(said.mails & held.mails), matcher.in_common(ref, row)
    if name and mail and child:
        return Strength.STRONG, "the same name and e-mail, and a child in common"
    if name and mail:
        return Strength.WEAK, "the same name and e-mail, but no child in common"
    if name and child:
        return Strength.WEAK, "the same name, and a child in common"
    if mail and child and said.given & held.given:
        return Strength.WEAK, "the same first name and e-mail, and a child in common"
    return None


def _staff(_: Matcher, __: str, said: Face, ___: int, held: Face) -> Verdict:
    """Name and e-mail; a mailbox of the office is nobody's, so an address alone says nothing."""
    name, mail = bool(said.names & held.names), bool(said.mails & held.mails)
    if name and mail:
        return Strength.STRONG, "the same name and e-mail"
    if mail and (said.given & held.given or said.family & held.family):
        return Strength.WEAK, "the same e-mail and a part of the name"
    if name and (_domains(said) & _domains(held) or not (said.mails and held.mails)):
        return Strength.WEAK, "the same name"
    return None


_JUDGES: Final[dict[Kind, Callable[[Matcher, str, Face, int, Face], Verdict]]] = {
    Kind.STUDENTS: _student,
    Kind.GUARDIANS: _guardian,
    Kind.STAFF: _staff,
}


def _birthdays(said: Face, held: Face) -> tuple[bool, bool]:
    """Return whether both birthdays are known and the same, and whether they are known and are not."""
    known = bool(said.birthday and held.birthday)
    return known and said.birthday == held.birthday, known and said.birthday != held.birthday


def _same_child(said: Face, held: Face) -> bool:
    born, contradicts = _birthdays(said, held)
    same = bool(said.upn and said.upn == held.upn) or (born and bool(said.names & held.names))
    return same and not contradicts


def _same_adult(said: Face, held: Face) -> bool:
    return bool(said.names & held.names and said.mails & held.mails)


def _domains(face: Face) -> set[str]:
    return {mail.rpartition("@")[2] for mail in face.mails}
