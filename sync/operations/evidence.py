"""What a change of MIS must leave as it is: who signs in as whom, and what is at stake for whom (R25)."""

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from sync.pipeline.held import PEOPLE
from sync.pipeline.snapshot import MODELS, STAKE_WORDS
from sync.records import Kind
from tenants import scope
from users import stakes
from users.models import Membership

Person = tuple[Kind, int]

_COLUMNS: Final = {Kind.STUDENTS: "student_id", Kind.GUARDIANS: "guardian_id", Kind.STAFF: "staff_member_id"}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The open school at one moment: logins that were used, stakes, and how many people are here."""

    logins: dict[Person, int]
    stakes: dict[Person, tuple[str, ...]]
    here: dict[Kind, int]

    def told(self) -> dict[str, Any]:
        """Return {logins, stakes, here} as plain numbers, without a person in them."""
        return {
            "logins": len(self.logins),
            "stakes": sum(map(len, self.stakes.values())),
            "here": {kind.value: number for kind, number in self.here.items()},
        }

    def digests(self) -> dict[str, str]:
        """Return what tells whether each person has exactly the same."""
        return {"logins": _digest(self.logins), "stakes": _digest(self.stakes)}

    def only(self, people: AbstractSet[Person]) -> "Evidence":
        """Return the same of these people; those who came since had nothing before."""
        return msgspec.structs.replace(
            self,
            logins={who: login for who, login in self.logins.items() if who in people},
            stakes={who: staked for who, staked in self.stakes.items() if who in people},
        )


def evidence() -> Evidence:
    """Return what stands now in the open school."""
    return Evidence(
        logins={(kind, row): account for kind in PEOPLE for row, account in _logins(kind)},
        stakes={(kind, row): tuple(sorted(of)) for kind in PEOPLE for row, of in stakes.of(STAKE_WORDS[kind]).items()},
        here={kind: MODELS[kind]._default_manager.exclude(status="left").count() for kind in PEOPLE},  # noqa: SLF001 the scoped one
    )


def differences(before: Evidence, after: Evidence) -> str:
    """Say how many people stand otherwise than before, "" if none does."""
    logins, staked = _changed(before.logins, after.logins), _changed(before.stakes, after.stakes)
    if not (logins or staked):
        return ""
    return f"{logins:,} logins and the stakes of {staked:,} people would not be what they were before"


def losses(before: Evidence, after: Evidence) -> str:
    """Say how many people would have lost something, "" if none would; winning it back is no harm."""
    logins = sum(after.logins.get(who) is None for who in before.logins)
    staked = sum(not set(of) <= set(after.stakes.get(who, ())) for who, of in before.stakes.items())
    if not (logins or staked):
        return ""
    return f"{logins:,} logins and the stakes of {staked:,} people would be lost"


def _changed(before: Mapping[Person, Any], after: Mapping[Person, Any]) -> int:
    return sum(before.get(who) != after.get(who) for who in before.keys() | after.keys())


def _logins(kind: Kind) -> list[tuple[int, int]]:
    column = _COLUMNS[kind]
    used = Membership.objects.filter(school_id=scope.current(), account__activated_at__isnull=False)
    return list(used.exclude(**{column: None}).values_list(column, "account_id"))


def _digest(of: Mapping[Person, Any]) -> str:
    told = sorted([kind.value, row, value] for (kind, row), value in of.items())
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()
