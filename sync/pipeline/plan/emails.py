"""Who gets which address (R26, R29, R30, R33, R38, R42, R58, R59, D3, D4).

The incumbent keeps an address; between newcomers the order is staff, guardian, student, then contact priority, then the
lowest MIS id, so that the feed's order never decides. A real address never becomes a dummy by a sync. An address that
moves from one person to another in one night waits for a human if either has a stake.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from sync.pipeline.held import PEOPLE, Held, Snapshot
from sync.pipeline.plan.model import Case, Hold
from sync.pipeline.roster import Fault, Refusal, Roster
from sync.pipeline.rules import Rules
from sync.records import NOT_SHARED, Guardian, Kind, Staff, Student

Token = tuple[Kind, str]  # a person, by their MIS id; those we hold without one by `token_of_row`

# Staff and guardian of one address are one human in two modes (R40), not a collision; a student shares with nobody.
_SHARES: Final = frozenset({(Kind.STAFF, Kind.GUARDIANS), (Kind.GUARDIANS, Kind.STAFF)})
_ORDER: Final = {Kind.STAFF: 0, Kind.GUARDIANS: 1, Kind.STUDENTS: 2}


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One person's present address and the one they want; `wants` None: keep what is."""

    kind: Kind
    ref: str
    name: str
    has: str = ""  # "" while a dummy stands in
    wants: str | None = None
    rank: tuple[int, int, int, str] = (0, 0, 0, "")
    stakes: tuple[str, ...] = ()
    yields: bool = False  # has left, with nothing at stake: the address is free for a newcomer

    @property
    def token(self) -> Token:
        """Who this is."""
        return (self.kind, self.ref)


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: each person's address ("" a dummy), what was refused, what waits."""

    of: dict[Token, str]
    refusals: tuple[Refusal, ...]
    holds: tuple[Hold, ...]


def domain_recognised(rules: Rules, address: str) -> bool:
    """Whether a staff address is on one of the school's domains, exactly (R38, R39)."""
    return address.rpartition("@")[2].lower() in rules.domains


def permitted(rules: Rules, record: Student | Guardian | Staff, address: str) -> bool:
    """Whether this person may use this address at all."""
    if isinstance(record, Student):
        return rules.student_may_sign_in(None if record.year is NOT_SHARED else record.year)
    if isinstance(record, Guardian):
        return not (rules.block_own_domains_for_guardians and domain_recognised(rules, address))
    return True


def assign(claims: Iterable[Claim]) -> Addresses:
    """Decide every address at once. Pure, and the same for every order of `claims`."""
    people = {claim.token: claim for claim in claims}
    kept = {token for token, claim in people.items() if claim.wants is None}
    outdone: set[Token] = set()
    held: dict[str, tuple[Claim, Claim]] = {}
    # Whoever must keep their address may block another's move, who then must keep theirs: it ends, since `kept` grows.
    while True:
        final, lost = _outcome(people, kept)
        handovers = _handovers(people, final)
        held |= handovers
        outdone |= {token for token in lost if people[token].has}
        stay = outdone | {claim.token for pair in handovers.values() for claim in pair}
        if stay <= kept:
            break
        kept |= stay
    return Addresses(
        of=final,
        refusals=tuple(_refusal(*token, Fault.SHARED_ADDRESS) for token in sorted(lost | outdone)),
        holds=tuple(_handover(*held[address]) for address in sorted(held)),
    )


def _outcome(people: Mapping[Token, Claim], kept: set[Token]) -> tuple[dict[Token, str], set[Token]]:
    """Return everybody's address if those in `kept` stay as they are, and the newcomers who were outdone."""
    final: dict[Token, str] = {}
    lost: set[Token] = set()
    rivals: dict[str, list[Claim]] = defaultdict(list)
    for token, claim in people.items():
        target = claim.has if token in kept else str(claim.wants)
        rivals[target].append(claim)
    final |= {claim.token: "" for claim in rivals.pop("", [])}
    for address, claimants in rivals.items():
        winners: list[Claim] = []
        for claim in sorted(claimants, key=lambda c: (c.yields, c.has != address, c.rank)):
            if all((claim.kind, winner.kind) in _SHARES for winner in winners) or _stays(claim, address):
                winners.append(claim)
                final[claim.token] = address
            else:
                final[claim.token] = "" if claim.yields else claim.has
                lost |= set() if claim.yields else {claim.token}
    return final, lost


def _stays(claim: Claim, address: str) -> bool:
    return claim.has == address and not claim.yields


def _handovers(people: Mapping[Token, Claim], final: Mapping[Token, str]) -> dict[str, tuple[Claim, Claim]]:
    """Return, by address, (who gave it up, who got it) where one of them has a stake."""
    gave: dict[str, list[Claim]] = defaultdict(list)
    for token, claim in people.items():
        if claim.has and final[token] != claim.has:
            gave[claim.has].append(claim)
    found: dict[str, tuple[Claim, Claim]] = {}
    for token, address in sorted(final.items()):
        taker = people[token]
        givers = gave.get(address, ()) if taker.has != address else ()
        for giver in sorted(givers, key=lambda claim: (not claim.stakes, claim.token)):
            if giver.stakes or taker.stakes:
                found.setdefault(address, (giver, taker))
    return found


def _handover(giver: Claim, taker: Claim) -> Hold:
    stakes = " and ".join(sorted({*giver.stakes, *taker.stakes}))
    return Hold(
        kind=taker.kind,
        case=Case.ADDRESS_MOVES,
        reason=(
            f"An address would move from {giver.name} to {taker.name}, and it matters who it belongs to ({stakes}). "
            "Both keep what they have until a person has asked them."
        ),
        refs=(giver.ref, taker.ref),
        labels=(giver.name, taker.name),
    )


def claims(
    snapshot: Snapshot, roster: Roster, rules: Rules, absent: set[Token], leaving: set[tuple[Kind, int]]
) -> tuple[list[Claim], list[Refusal]]:
    """Return everybody's claim, and a refusal for each address a person may not use.

    `absent` are those whose row is not to be believed tonight: they keep what they have. `leaving` go tonight: like
    those who left before, they yield their address to a newcomer.
    """
    found: list[Claim] = []
    refused: list[Refusal] = []
    priority = _priorities(roster)
    for kind in PEOPLE:
        records = roster.of(kind)
        seen: set[int] = set()
        for ref, record in records.items():
            row = snapshot.identities[kind].get(ref)
            held = snapshot.records[kind][row] if row is not None else None
            if row is not None:
                seen.add(row)
            wants, refusal = (None, None) if (kind, ref) in absent else _wanted(kind, ref, record, held, rules)
            refused += [refusal] if refusal else []
            rank = (_ORDER[kind], priority.get(ref, 99) if kind is Kind.GUARDIANS else 0, len(ref), ref)
            found.append(_claim(kind, ref, f"{record.given_name} {record.family_name}".strip(), held, wants, rank))
        refs = snapshot.refs(kind)
        found += [
            Claim(
                kind=kind,
                ref=refs.get(row, token_of_row(row)),
                name=snapshot.name(kind, row),
                has=held.email,
                rank=(9, 0, 0, str(row)),
                stakes=held.stakes,
                yields=(not held.here or (kind, row) in leaving) and not held.stakes,
            )
            for row, held in snapshot.records[kind].items()
            if row not in seen
        ]
    return found, refused


def token_of_row(row: int) -> str:
    """Return what stands for the ref of somebody whom no MIS of this generation named; no ref looks like it."""
    return f"\0{row}"


def _claim(
    kind: Kind, ref: str, name: str, held: Held | None, wants: str | None, rank: tuple[int, int, int, str]
) -> Claim:
    if held is None:
        return Claim(kind=kind, ref=ref, name=name, wants=wants or "", rank=rank)
    return Claim(kind=kind, ref=ref, name=name, has=held.email, wants=wants, rank=rank, stakes=held.stakes)


def _wanted(
    kind: Kind, ref: str, record: Student | Guardian | Staff, held: Held | None, rules: Rules
) -> tuple[str | None, Refusal | None]:
    """Return the address the MIS gives (None: keep), and a refusal where it may not be used or is gone."""
    address = record.email
    keeps = None if held and held.email else ""
    if address is NOT_SHARED:
        return keeps, None
    if not address:
        return keeps, _refusal(kind, ref, Fault.ADDRESS_GONE) if keeps is None else None
    if permitted(rules, record, address):
        return address, None
    # A student without access is a school's decision, not a fault of the data.
    return keeps, None if kind is Kind.STUDENTS else _refusal(kind, ref, Fault.BLOCKED_DOMAIN)


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
}


def _refusal(kind: Kind, ref: str, fault: Fault) -> Refusal:
    return Refusal(kind=kind, ref=ref, fault=fault, reason=_REASONS[fault], field="email")


def unrecognised(roster: Roster, rules: Rules) -> list[Refusal]:
    """Return a refusal for each member of staff whose address is on none of the school's domains (R38)."""
    return [
        _refusal(Kind.STAFF, ref, Fault.UNKNOWN_DOMAIN)
        for ref, record in roster.staff.items()
        if isinstance(record.email, str) and record.email and not domain_recognised(rules, record.email)
    ]


def _priorities(roster: Roster) -> dict[str, int]:
    best: dict[str, int] = {}
    for tie in roster.of(Kind.TIES).values():
        if isinstance(tie.priority, int):
            best[tie.guardian_ref] = min(best.get(tie.guardian_ref, 99), tie.priority)
    return best
