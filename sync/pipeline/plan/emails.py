"""Which address each person claims, and what changes about it (R26, R29, R30, R38, R39, R42, R58, R59).

A real address never becomes a dummy because a MIS is silent; it does where the school's own rules no longer allow it.
Who gets an address that several claim is decided in `contest`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from sync.pipeline.held import FIELDS, PEOPLE, Held, Snapshot
from sync.pipeline.plan import contest, edits
from sync.pipeline.plan.contest import Claim, Token, ref_of, token_of_row
from sync.pipeline.plan.model import Amendment, Hold
from sync.pipeline.roster import Fault, Refusal, Roster
from sync.pipeline.rules import Rules
from sync.records import NOT_SHARED, Guardian, Kind, Staff, Student

Row = tuple[Kind, int]

# From so many on it is the mailbox of an office, and whoever reads it would enter as one of the parents (R28).
MAILBOX_OF: Final = 10
_YEAR: Final = FIELDS[Kind.STUDENTS].index("year")


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: each person's address ("" a dummy), what was refused, what waits."""

    of: dict[Token, str]
    refusals: tuple[Refusal, ...]
    holds: tuple[Hold, ...]


def addresses(
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    *,
    absent: AbstractSet[Token],
    gone: AbstractSet[Row],
    decided: Mapping[str, str],
) -> Addresses:
    """Return everybody's address from tonight.

    `absent` are those whose record is not to be believed tonight: they keep what they have. `gone` have left, or leave
    tonight: they yield their address to whoever else claims it.
    """
    found, refused = _claims(snapshot, roster, rules, absent, gone)
    found, crowd = _without_mailboxes(found)
    done = contest.assign(found, decided)
    failed = [refusal(kind, ref, Fault.SHARED_ADDRESS) for kind, ref in done.failed]
    return Addresses(
        of=done.of,
        refusals=(*refused, *crowd, *failed, *_unrecognised(roster, rules)),
        holds=done.holds,
    )


def domain_recognised(rules: Rules, address: str) -> bool:
    """Whether a staff address is on one of the school's domains, exactly (R38, R39)."""
    return address.rpartition("@")[2].lower() in rules.domains


def permitted(rules: Rules, record: Student | Guardian | Staff, held: Held | None, address: str) -> bool:
    """Whether the school's rules let this person use this address."""
    if isinstance(record, Student):
        known = held.values[_YEAR] if held and record.year is NOT_SHARED else record.year
        return rules.student_may_sign_in(known if isinstance(known, str) else None)
    if isinstance(record, Guardian):
        return not (rules.block_own_domains_for_guardians and domain_recognised(rules, address))
    return True


def _claims(
    snapshot: Snapshot, roster: Roster, rules: Rules, absent: AbstractSet[Token], gone: AbstractSet[Row]
) -> tuple[list[Claim], list[Refusal]]:
    """Return everybody's claim, and a refusal for each address that cannot be used as the MIS says it."""
    found: list[Claim] = []
    refused: list[Refusal] = []
    priority = _priorities(roster)
    for kind in PEOPLE:
        seen: set[int] = set()
        for ref, record in roster.of(kind).items():
            row = snapshot.identities[kind].get(ref)
            held = snapshot.records[kind][row] if row is not None else None
            seen |= {row} if row is not None else set()
            has_left = row is not None and (kind, row) in gone
            wants, fault = (None, None) if has_left or (kind, ref) in absent else _wanted(record, held, rules)
            refused += [refusal(kind, ref, fault)] if fault else []
            rank = (contest.ORDER[kind], priority.get(ref, 99) if kind is Kind.GUARDIANS else 0, len(ref), ref)
            names = (record.given_name, record.family_name)
            found.append(_claim(kind, ref, names, held, rank, wants=wants if held else wants or "", gone=has_left))
        found += _claims_of_the_unseen(snapshot, kind, seen, gone)
    return found, refused


def _claims_of_the_unseen(snapshot: Snapshot, kind: Kind, seen: set[int], gone: AbstractSet[Row]) -> Iterator[Claim]:
    """Yield the claims of those we hold and the feed does not name: they keep what they have, unless they have left."""
    refs = snapshot.refs(kind)
    for row, held in snapshot.records[kind].items():
        if row not in seen:
            names = (str(held.values[0]), str(held.values[1]))
            ref, rank = refs.get(row, token_of_row(row)), (9, 0, 0, str(row))
            yield _claim(kind, ref, names, held, rank, gone=(kind, row) in gone)


def _claim(
    kind: Kind,
    ref: str,
    names: tuple[str, str],
    held: Held | None,
    rank: tuple[int, int, int, str],
    *,
    wants: str | None = None,
    gone: bool = False,
) -> Claim:
    given, family = names
    claim = Claim(kind=kind, ref=ref, given=given, family=family, wants=wants, rank=rank, gone=gone)
    if held is None:
        return claim
    return msgspec.structs.replace(claim, id=held.id, has=held.email, stakes=held.stakes)


def _wanted(record: Student | Guardian | Staff, held: Held | None, rules: Rules) -> tuple[str | None, Fault | None]:
    """Return the address to claim (None: keep the present one), and what is wrong with the one the MIS gives."""
    says = "" if record.email is NOT_SHARED else record.email or ""
    if says and permitted(rules, record, held, says):
        return says, Fault.DECLINED if held and held.declined and held.email == says else None
    keeps = None if held and held.email and permitted(rules, record, held, held.email) else ""
    if says:
        # A student without access is a school's decision, not a fault of the data.
        return keeps, None if isinstance(record, Student) else Fault.BLOCKED_DOMAIN
    return keeps, Fault.ADDRESS_GONE if keeps is None and held and _is_gone(record, held) else None


def _is_gone(record: Student | Guardian | Staff, held: Held) -> bool:
    """Whether the MIS gave an address once and now says there is none; ours alone is no fault of the MIS's."""
    edit = held.edits.get("email")
    return record.email is not NOT_SHARED and (edit is None or bool(edit.replaced))


def _without_mailboxes(claims: list[Claim]) -> tuple[list[Claim], list[Refusal]]:
    """Take out the claims to an address that many people claim: nobody gets it who has not got it (R28)."""
    wanted = Counter(claim.wants for claim in claims if claim.wants and claim.wants != claim.has)
    crowded = {address for address, number in wanted.items() if number >= MAILBOX_OF}
    found, refused = [], []
    for claim in claims:
        if claim.wants in crowded and claim.wants != claim.has:
            found.append(msgspec.structs.replace(claim, wants=None if claim.has else ""))
            refused.append(refusal(claim.kind, claim.ref, Fault.ROLE_MAILBOX))
        else:
            found.append(claim)
    return found, refused


def of_rows(snapshot: Snapshot, roster: Roster, found: Addresses) -> dict[Row, tuple[str, str]]:
    """Return, for each person we hold, the ref they are claimed by and their address from tonight."""
    done: dict[Row, tuple[str, str]] = {}
    for kind in PEOPLE:
        refs = snapshot.refs(kind)
        for row in snapshot.records[kind]:
            ref = _ref_in_feed(snapshot, roster, kind, row, refs)
            done[kind, row] = (ref, found.of[kind, ref])
    return done


def _ref_in_feed(snapshot: Snapshot, roster: Roster, kind: Kind, row: int, refs: dict[int, str]) -> str:
    """Return the ref by which a row is claimed: the one in the feed if any, else its last, else its number."""
    ref = refs.get(row)
    if ref is None:
        return token_of_row(row)
    if ref in roster.of(kind):
        return ref
    named = [other for other, its in snapshot.identities[kind].items() if its == row and other in roster.of(kind)]
    return min(named, default=ref)


def amendments(
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    doubted: Mapping[Kind, AbstractSet[str]],
    rows: Mapping[Row, tuple[str, str]],
    gone: AbstractSet[Row],
) -> Iterator[Amendment]:
    """Yield what changes about addresses: the one in use, the one the MIS says, and whether its domain is ours."""
    for (kind, row), (ref, new) in rows.items():
        held = snapshot.records[kind][row]
        record = roster.of(kind).get(ref)
        pairs: list[tuple[str, str | bool | None, str | bool | None]] = [("email", held.email, new)]
        if record is not None and ref not in doubted.get(kind, set()) and record.email is not NOT_SHARED:
            pairs.append(("mis_email", held.mis_email, record.email))
        if kind is Kind.STAFF and held.from_feed:
            pairs.append(("domain_recognised", held.domain_recognised, bool(new) and domain_recognised(rules, new)))
        label = snapshot.name(kind, row)
        for field, old, now in pairs:
            if old != now:
                why = _why(held, new, gone=(kind, row) in gone) if field == "email" else ""
                yield Amendment(kind=kind, id=row, ref=ref_of(ref), label=label, field=field, old=old, new=now, why=why)


def _why(held: Held, new: str, *, gone: bool) -> str:
    """Return what to say of a new address, "" where nothing needs saying."""
    if new:
        return edits.why(held, "email")
    return "Somebody else has this address now." if gone else "Your school’s rules allow no such address here."


_REASONS: Final = {
    Fault.ADDRESS_GONE: "The MIS no longer gives an address; the one we know stays. Put it back, or tell us.",
    Fault.BLOCKED_DOMAIN: (
        "This guardian's address is on the school's own domain, which the school has blocked for parents. "
        "Give a personal address in the MIS."
    ),
    Fault.UNKNOWN_DOMAIN: (
        "This address is not on one of the school's domains, so no staff account is made. "
        "Correct it in the MIS, or ask us to add the domain."
    ),
    Fault.SHARED_ADDRESS: (
        "This address is already another person's; whoever had it first keeps it. "
        "Give each person their own address in the MIS."
    ),
    Fault.ROLE_MAILBOX: (
        "Many people have this one address, so it is an office’s and not theirs; nobody is given it as a way in. "
        "Give each person their own address in the MIS."
    ),
    Fault.DECLINED: (
        "The owner of this address says that it is not this person’s, so it is no way in. Ask the family for theirs, "
        "and correct it in the MIS."
    ),
}


def refusal(kind: Kind, ref: str, fault: Fault) -> Refusal:
    """Return the refusal of a person's address."""
    return Refusal(kind=kind, ref=ref_of(ref), fault=fault, reason=_REASONS[fault], field="email")


def _unrecognised(roster: Roster, rules: Rules) -> list[Refusal]:
    """Return a refusal for each member of staff whose address is on none of the school's domains (R38)."""
    return [
        refusal(Kind.STAFF, ref, Fault.UNKNOWN_DOMAIN)
        for ref, record in roster.staff.items()
        if isinstance(record.email, str) and record.email and not domain_recognised(rules, record.email)
    ]


def _priorities(roster: Roster) -> dict[str, int]:
    best: dict[str, int] = {}
    for tie in roster.of(Kind.TIES).values():
        if isinstance(tie.priority, int):
            best[tie.guardian_ref] = min(best.get(tie.guardian_ref, 99), tie.priority)
    return best
