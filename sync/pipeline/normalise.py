"""From records to one `Roster`: white space, Unicode and addresses put in order, single records refused with a reason.

Pure: no clock, no network, no database. The order of the records never matters, and normalising twice changes nothing.
Nothing is mended that could be meant: letters broken by a wrong encoding stay as the MIS says them (R64, R66).
"""

import collections
import datetime
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from email_validator import EmailNotValidError, validate_email

from sync.pipeline.roster import Fault, Key, Refusal, Roster
from sync.records import (
    KIND_OF,
    NOT_SHARED,
    PARTS,
    Class,
    Complete,
    Dietary,
    Guardian,
    Kind,
    Medical,
    Record,
    Remark,
    RosterRecord,
    Staff,
    Student,
    Text,
    Unreadable,
    key_of,
)

# Tab, line feed and the like are white space here; the C1 controls stay, for they are how broken UTF-8 can be told.
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_UNSEEN: Final = re.compile("[\u200b\u2060\ufeff]")
_SPACE: Final = re.compile("[\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LINE_END: Final = re.compile("\r\n|[\n-\r\u2028\u2029]")
# Joiners and marks of direction are part of Persian, Nepali or Hebrew names, but not at the ends.
_EDGE: Final = " \u200c\u200d\u200e\u200f"

_PLAIN_LOCAL: Final = re.compile(r"(?=.{1,64}@)[a-z0-9_+'-]+(?:\.[a-z0-9_+'-]+)*@")
_LONGEST_ADDRESS: Final = 254
# Names of mailboxes that nobody has, whatever stands behind the @.
_NO_MAILBOX: Final = frozenset(
    (
        *("noemail", "no-email", "no.email", "no_email", "nomail", "no-mail", "no.mail", "no_mail", "noaddress"),
        *("noemailaddress", "notknown", "notprovided", "notgiven", "notapplicable", "donthave", "doesnothave"),
    )
)
# Words that say "nobody" where they stand alone, or on both sides of the @.
_NOBODY: Final = _NO_MAILBOX | frozenset(
    (
        *("-", "--", "---", ".", "..", "/", "?", "0", "na", "n/a", "n\\a", "n.a", "n.a.", "nil", "no", "none", "null"),
        *("unknown", "tba", "tbc", "x", "xx", "xxx", "nobody", "noone", "no-one", "nowhere", "blank", "empty"),
        *("pending", "refused", "declined", "withheld"),
    )
)
_NOBODY_PHRASES: Final = frozenset(
    (
        *("no email", "no e-mail", "no email address", "no mail", "no one", "none given", "none provided"),
        *("not known", "not provided", "not given", "not applicable", "not available", "does not have", "to follow"),
    )
)
_NOBODY_DOMAINS: Final = _NOBODY | {"email"}
_LONGEST_REF: Final = 200
_LONGEST_LINE: Final = 500  # far above any name; what is longer is a slipped column, and no index could hold it
_LONGEST_TEXT: Final = 20_000
_OLDEST: Final = datetime.date(1900, 1, 1)
_REFS: Final = frozenset({"ref", "student_ref", "guardian_ref", "class_ref", "staff_ref"})
# How a link's record calls the half that names one of this kind.
_HALF: Final = {
    Kind.STUDENTS: "student_ref",
    Kind.GUARDIANS: "guardian_ref",
    Kind.CLASSES: "class_ref",
    Kind.STAFF: "staff_ref",
}
_NO_ADDRESS: Final = {
    Fault.EMAIL: "The e-mail address in the MIS is malformed; correct it, or leave the field empty.",
    Fault.PLACEHOLDER: (
        "Words such as “n/a” or “none@none.com” stand where the e-mail address should be; put a real one there, "
        "or leave the field empty."
    ),
}
_TEXTS: Final[dict[type[Record], tuple[str, ...]]] = {
    record: tuple(f.name for f in msgspec.structs.fields(record) if f.name not in _REFS and f.type in (str, Text))
    for record in KIND_OF
}
_WITH_LINES: Final = frozenset({"details"})  # care plans have paragraphs; names have not


def normalise(records: Iterable[RosterRecord], *, today: datetime.date) -> Roster:
    """Make one `Roster` of what `extract` hands on; `today` is the school's own date.

    A `Complete` is believed: `extract` has proved it. Whatever came is never counted as absent, whether refused or not.
    """
    desk = _Desk(today=today)
    for record in records:
        desk.take(record)
    desk.settle()
    return desk.roster()


class _Desk:
    """Where the records of one run are sorted; everything is kept in sets and dicts, so that order cannot matter."""

    def __init__(self, *, today: datetime.date) -> None:
        self.today = today
        self.held: dict[Kind, dict[Any, Any]] = {kind: {} for kind in Kind}
        self.unclear: dict[Kind, set[Key]] = {kind: set() for kind in Kind}
        self.twice: set[tuple[Kind, Key]] = set()
        self.claims: dict[Kind, set[int]] = collections.defaultdict(set)
        self.refusals: set[Refusal] = set()
        self.remarks: set[str] = set()

    def take(self, record: RosterRecord) -> None:
        """Put one record where it belongs."""
        match record:
            case Complete():
                self.claims[record.kind].add(record.rows)
            case Remark():
                self.remarks.add(record.text)
            case Unreadable():
                self._take_unreadable(record)
            case _:
                self._take_usable(KIND_OF[type(record)], record)

    def _take_unreadable(self, record: Unreadable) -> None:
        ref = record.ref if _is_ref(record.ref) else ""
        other_ref = record.other_ref if ref and record.kind in PARTS and _is_ref(record.other_ref) else ""
        self.unclear[record.kind].add((ref, other_ref) if other_ref else ref)
        self.refusals.add(
            Refusal(
                kind=record.kind,
                ref=ref,
                other_ref=other_ref,
                fault=Fault.UNREADABLE,
                reason=record.reason,
                place=record.place,
            )
        )

    def _take_usable(self, kind: Kind, record: RosterRecord) -> None:
        key = key_of(record)
        if not _is_key(key):
            self._refuse_nobody(kind, key)
            return
        clean = self._clean(kind, key, record)
        lack, excess = _lack(clean), _excess(clean)
        if lack or excess:
            self.unclear[kind].add(key)
            self._refuse(kind, key, Fault.NAMELESS if lack else Fault.TOO_LONG, lack or excess)
        elif self.held[kind].setdefault(key, clean) != clean:
            self.twice.add((kind, key))

    def _clean(self, kind: Kind, key: Key, record: RosterRecord) -> RosterRecord:
        changes: dict[str, object] = {}
        for field in _TEXTS[type(record)]:
            said = getattr(record, field)
            if said is not NOT_SHARED and (not _is_plain(said) or field == "email"):
                clean = self._clean_text(kind, key, field, said)
                if clean != said:
                    changes[field] = clean
        if isinstance(record, Student) and not self._is_birthday(record):
            # "Not shared" rather than empty: what we hold is better evidence of who this is than a date that cannot be.
            changes["date_of_birth"] = NOT_SHARED
            self._refuse(kind, key, Fault.DATE, "date_of_birth is before 1900 or in the future.", field="date_of_birth")
        return msgspec.structs.replace(record, **changes) if changes else record

    def _clean_text(self, kind: Kind, key: Key, field: str, said: str) -> str:
        if _CONTROL.search(said):
            reason = f"{field} held control characters, which were left out; type it anew in the MIS."
            self._refuse(kind, key, Fault.CONTROL_CHARACTERS, reason, field=field)
        if field in _WITH_LINES:
            return "\n".join(map(tidy, _LINE_END.split(said))).strip("\n")
        text = tidy(said)
        return self._clean_email(kind, key, text) if field == "email" and text else text

    def _clean_email(self, kind: Kind, key: Key, text: str) -> str:
        address = email_address(text)
        if not address:
            fault = Fault.PLACEHOLDER if is_placeholder(text) else Fault.EMAIL
            self._refuse(kind, key, fault, _NO_ADDRESS[fault], field="email")
        return address

    def _is_birthday(self, student: Student) -> bool:
        born = student.date_of_birth
        return not isinstance(born, datetime.date) or _OLDEST <= born <= self.today

    def _refuse(self, kind: Kind, key: Key, fault: Fault, reason: str, *, field: str = "") -> None:
        ref, other_ref = (key, "") if isinstance(key, str) else key
        self.refusals.add(Refusal(kind=kind, ref=ref, other_ref=other_ref, fault=fault, reason=reason, field=field))

    def _refuse_nobody(self, kind: Kind, key: Key) -> None:
        """Refuse a record whose reference is blank or cannot be stored."""
        halves = (key,) if isinstance(key, str) else key
        known = halves[0] if _is_ref(halves[0]) else ""
        self.unclear[kind].add(known)
        self._refuse(
            kind, known, Fault.NO_REFERENCE, "The reference is blank, over 200 characters, or holds control characters."
        )

    def settle(self) -> None:
        """Drop what is contested, and what names somebody who is not there; called once, after the last record."""
        for kind, key in self.twice:
            self.unclear[kind].add(key)
            self._refuse(kind, key, Fault.TWICE, "The reference appears twice with different contents.")
        for kind in Kind:
            self._drop_unclear(kind)
        # People and classes are settled now, so what hangs on them can be judged.
        for kind, parts in PARTS.items():
            self._drop_dangling(kind, tuple(part for part in parts if part))

    def _drop_unclear(self, kind: Kind) -> None:
        for key in self.unclear[kind]:
            self.held[kind].pop(key, None)

    def _drop_dangling(self, kind: Kind, targets: tuple[Kind, ...]) -> None:
        lost = {target: self._lost(target) for target in targets}
        for key in [key for key in self.held[kind] if any(lost[t](ref) for t, ref in zip(targets, key, strict=False))]:
            del self.held[kind][key]
            self.unclear[kind].add(key)  # it was said, so it is not absent
            for target, half in zip(targets, (key, key[::-1]), strict=False):  # the half that is lost comes first
                if lost[target](half[0]) and not self._may_be_unclear(target, half[0]):
                    reason = f"Take it out, or add what it names, which is not in {target}."
                    self._refuse(kind, half, Fault.DANGLING, reason, field=_HALF[target])

    def _lost(self, target: Kind) -> Callable[[str], bool]:
        """Return the question whether a reference to `target` leads nowhere, as far as this picture can tell."""
        held, unclear = self.held[target], self.unclear[target]
        if target in self.complete():
            return lambda ref: ref not in held
        return lambda ref: ref in unclear

    def _may_be_unclear(self, target: Kind, ref: str) -> bool:
        return ref in self.unclear[target] or "" in self.unclear[target]

    def complete(self) -> frozenset[Kind]:
        """Return the kinds with one claim to be complete."""
        return frozenset(kind for kind, rows in self.claims.items() if len(rows) == 1)

    def roster(self) -> Roster:
        """Return what stands on the desk."""
        held = self.held
        return Roster(
            students=held[Kind.STUDENTS],
            guardians=held[Kind.GUARDIANS],
            staff=held[Kind.STAFF],
            classes=held[Kind.CLASSES],
            ties=held[Kind.TIES],
            enrolments=held[Kind.ENROLMENTS],
            teaching=held[Kind.TEACHING],
            medical=held[Kind.MEDICAL],
            dietary=held[Kind.DIETARY],
            complete=self.complete(),
            rows={kind: next(iter(self.claims[kind])) for kind in self.complete()},
            unreadable={kind: frozenset(keys) for kind, keys in self.unclear.items() if keys},
            refusals=tuple(sorted(self.refusals)),
            remarks=tuple(sorted(self.remarks)),
        )


def _is_plain(text: str) -> bool:
    """Whether `tidy` would surely change nothing; true for most texts, and cheap."""
    return text.isascii() and text.isprintable() and "  " not in text and text == text.strip()


def tidy(text: str) -> str:
    """Return one line of text in NFC, without control characters, invisible breaks and needless white space."""
    if _is_plain(text):
        return text
    seen = _UNSEEN.sub("", _CONTROL.sub("", text))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", seen)).strip(_EDGE)


def _is_ref(ref: str) -> bool:
    """Whether a reference can be stored as it is; it is never tidied."""
    return 0 < len(ref) <= _LONGEST_REF and not ref.isspace() and not _CONTROL.search(ref)


def _is_key(key: Key) -> bool:
    return _is_ref(key) if isinstance(key, str) else all(map(_is_ref, key))


def _lack(record: RosterRecord) -> str:
    """Return what a record needs and has not, "" if it has all."""
    match record:
        case Student(preferred_name=str() as preferred) if preferred:
            return ""
        case Student() | Guardian() | Staff() if not (record.given_name or record.family_name):
            return "There is neither a given name nor a family name."
        case Class(name=""):
            return "The class has no name."
        case Medical(condition="") if not record.details or record.details is NOT_SHARED:
            return "There is neither a condition nor any details."
        case Dietary(need=""):
            return "The need is empty."
    return ""


def _excess(record: RosterRecord) -> str:
    """Return which text is too long to be what it is said to be, "" if none is; nothing is ever cut (R5)."""
    for field in _TEXTS[type(record)]:
        said = getattr(record, field)
        limit = _LONGEST_TEXT if field in _WITH_LINES else _LONGEST_LINE
        if said is not NOT_SHARED and len(said) > limit:
            return f"{field} is longer than {limit} characters; look for a slipped column."
    return ""


def email_address(text: str) -> str:
    """Return an address in lower case with a Unicode domain, "" if it is malformed or a placeholder (R26, R28)."""
    lower = unicodedata.normalize("NFC", text.lower())
    if is_placeholder(lower):
        return ""
    local, _, domain = lower.rpartition("@")
    if _PLAIN_LOCAL.fullmatch(f"{local}@") and len(lower) <= _LONGEST_ADDRESS and domain.isascii():
        known = _domain(domain)
        return f"{local}@{known}" if known else ""
    return _validated(lower)


def is_placeholder(text: str) -> bool:
    """Whether a text only says that there is no address: “n/a”, “none@none.com”, “noemail@school.example” (R28)."""
    said = text.lower()
    local, _, domain = said.rpartition("@")
    name = domain.partition(".")[0]
    return (
        said in _NOBODY
        or said in _NOBODY_PHRASES
        or local in _NO_MAILBOX
        or (local in _NOBODY and name in _NOBODY_DOMAINS)
        or (local == name == "test")
    )


@functools.lru_cache(maxsize=4096)
def _domain(domain: str) -> str:
    """Return the domain as `_validated` writes it; remembered, because a school has thousands of addresses at a few."""
    return _validated(f"a@{domain}").removeprefix("a@")


def _validated(address: str) -> str:
    try:
        # `test_environment` lets `.test` pass; `.example` always passes, `.invalid` and `.local` never.
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True).normalized
    except EmailNotValidError:
        return ""
    return unicodedata.normalize("NFC", found.lower())
