"""A school's whole picture after normalising: what the plan compares with what we hold."""

import enum
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sync.records import (
    NOT_SHARED,
    Class,
    Dietary,
    Enrolment,
    Guardian,
    Kind,
    Medical,
    Staff,
    Student,
    Teaching,
    Tie,
)

Pair = tuple[str, str]
Key = str | Pair

_UNSHARED: Final = msgspec.msgpack.Ext(1, b"")  # no text can look like it


class Fault(enum.StrEnum):
    """Why something was refused; pages group by it and say what to change in the MIS (R28)."""

    UNREADABLE = "unreadable"
    NO_REFERENCE = "no reference"
    NAMELESS = "nameless"
    TWICE = "twice"
    EMAIL = "email"
    PLACEHOLDER = "placeholder"
    DATE = "date"
    CONTROL_CHARACTERS = "control characters"
    DANGLING = "dangling"
    TOO_LONG = "too long"
    SHARED_ADDRESS = "address of another person"
    ROLE_MAILBOX = "address of many people"
    DECLINED = "address declined by its owner"
    BLOCKED_DOMAIN = "blocked domain"
    UNKNOWN_DOMAIN = "domain not recognised"
    ADDRESS_GONE = "address gone"


class Refusal(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing that the MIS says and we do not take, for the data manager; holds references, never values (R28).

    `ref` and `other_ref` are the two halves of the key of a tie, an enrolment and so on; people have only `ref`.
    Of a dangling one `ref` is the half that leads nowhere, and `field` says which half that is. Otherwise `field` is ""
    where the whole record is concerned. `place` is where to look, "" if the source has no places.
    """

    kind: Kind
    ref: str
    fault: Fault
    reason: str
    field: str = ""
    other_ref: str = ""
    place: str = ""


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one pull says, each record under its key (`sync.records.key_of`).

    `complete` are the kinds proved to be read to their end; `rows` are their rows by the source's own count.
    `unreadable` are the keys that are there but unusable: whoever they name is present. For kinds with two halves a
    plain string means every record whose key begins with it. "" means that somebody is there whom nobody can name.
    """

    students: dict[str, Student] = {}
    guardians: dict[str, Guardian] = {}
    staff: dict[str, Staff] = {}
    classes: dict[str, Class] = {}
    ties: dict[Pair, Tie] = {}
    enrolments: dict[Pair, Enrolment] = {}
    teaching: dict[Pair, Teaching] = {}
    medical: dict[Pair, Medical] = {}
    dietary: dict[Pair, Dietary] = {}
    complete: frozenset[Kind] = frozenset()
    rows: dict[Kind, int] = {}
    unreadable: dict[Kind, frozenset[Key]] = {}
    refusals: tuple[Refusal, ...] = ()
    remarks: tuple[str, ...] = ()

    def of(self, kind: Kind) -> Mapping[Any, Any]:
        """Return the usable records of one kind under their keys."""
        records: Mapping[Any, Any] = getattr(self, kind.value)
        return records

    def proves_absence(self, *, kind: Kind, key: Key) -> bool:
        """Whether this picture proves that what we hold under `key` is gone from the MIS.

        False if the kind is not complete, the key is there (usable or not), or somebody is there whom nobody can name.
        """
        unclear = self.unreadable.get(kind, frozenset())
        begins = key if isinstance(key, str) else key[0]
        return (
            kind in self.complete
            and key not in self.of(kind)
            and key not in unclear
            and begins not in unclear
            and "" not in unclear
        )

    def fingerprint(self) -> str:
        """Return 64 hex digits that depend on what is said, never on its order, the process or the remarks."""
        digest = hashlib.sha256()
        encoder = msgspec.msgpack.Encoder()
        for part in self._parts():
            digest.update(encoder.encode(part))
        return digest.hexdigest()

    def _parts(self) -> Iterator[object]:
        for kind in Kind:
            yield (kind.value, kind in self.complete, self.rows.get(kind, -1))
            yield sorted(map(_whole, self.unreadable.get(kind, ())))
            records = self.of(kind)
            yield from (plain(records[key]) for key in sorted(records))


def _whole(key: Key) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else key


def plain(record: msgspec.Struct) -> list[object]:
    """Return the values of a record for a hash, in which “not shared” looks like no text."""
    return [_UNSHARED if value is NOT_SHARED else value for value in msgspec.structs.astuple(record)]
