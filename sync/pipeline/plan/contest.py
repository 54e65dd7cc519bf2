"""Who gets an address that several want (R26, R33, R40, D3, D4).

The incumbent keeps it; between newcomers the order is staff, guardian, student, then contact priority, then the lowest
MIS id, so that the feed's order never decides. Staff and guardian may be one human in two modes. An address that moves
from one person to another waits for a human if either has a stake; so does one that two with unlike names would share.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from sync.pipeline.plan.model import KEEP, OTHER, SAME, Case, Hold, Option, Side
from sync.records import Kind

Token = tuple[Kind, str]  # a person, by their MIS id; those we hold without one by `token_of_row`
_NO_REF: Final = "\0"  # begins the token of somebody without a MIS id; no ref looks like it, and no database takes it

# Staff and guardian of one address are one human in two modes (R40), not a collision; a student shares with nobody.
_SHARES: Final = frozenset({(Kind.STAFF, Kind.GUARDIANS), (Kind.GUARDIANS, Kind.STAFF)})
ORDER: Final = {Kind.STAFF: 0, Kind.GUARDIANS: 1, Kind.STUDENTS: 2}
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def token_of_row(row: int) -> str:
    """Return what stands for the ref of somebody whom no MIS of this generation named."""
    return f"{_NO_REF}{row}"


def ref_of(token: str) -> str:
    """Return the MIS id to show and to keep, "" for somebody without one."""
    return "" if token.startswith(_NO_REF) else token


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # plain values, as `records.Record`
    """One person's present address and the one they want; `wants` None: keep what is."""

    kind: Kind
    ref: str
    given: str
    family: str
    id: int | None = None  # our row, None for a newcomer
    has: str = ""  # "" while a dummy stands in
    wants: str | None = None
    rank: tuple[int, int, int, str] = (0, 0, 0, "")
    stakes: tuple[str, ...] = ()
    gone: bool = False  # has left: the address is free for somebody else

    @property
    def token(self) -> Token:
        """Who this is."""
        return (self.kind, self.ref)

    @property
    def name(self) -> str:
        """The name to show."""
        return f"{self.given} {self.family}".strip()


class Move(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An address that goes from one person to another."""

    address: str
    giver: Claim
    taker: Claim


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: each person's address ("" a dummy), whose claim failed, what waits."""

    of: dict[Token, str]
    failed: frozenset[Token]
    holds: tuple[Hold, ...]


class _Outcome(msgspec.Struct, kw_only=True):
    """Everybody's address, the claims that failed, and (address, winner, claimant) where only names keep them apart."""

    of: dict[Token, str]
    failed: set[Token]
    unlike: dict[Token, tuple[str, Claim, Claim]]


def assign(claims: Iterable[Claim], decided: Mapping[str, str] = _NOTHING) -> Addresses:
    """Decide every address at once. Pure, and the same for every order of `claims`."""
    people = {claim.token: claim for claim in claims}
    kept = {token for token, claim in people.items() if claim.wants is None}
    failed: set[Token] = set()
    unlike: dict[Token, tuple[str, Claim, Claim]] = {}
    holds: dict[str, Hold] = {}
    # Whoever must keep their address may block another's move, who then must keep theirs: it ends, since `kept` grows.
    while True:
        now = _outcome(people, kept, decided)
        waiting = list(_waiting(people, now.of, decided))
        holds |= {hold.digest: hold for hold, _ in waiting}
        failed |= {token for token in now.failed if people[token].has}
        unlike |= {token: pair for token, pair in now.unlike.items() if people[token].has}
        stay = failed | unlike.keys() | {token for _, tokens in waiting for token in tokens}
        if stay <= kept:
            break
        kept |= stay
    unlike |= now.unlike
    asked = {token: _shared(*pair) for token, pair in unlike.items()}
    two_people = {token for token, hold in asked.items() if decided.get(hold.digest) == OTHER}
    holds |= {hold.digest: hold for token, hold in asked.items() if token not in two_people}
    return Addresses(
        of=now.of,
        failed=frozenset(now.failed | failed | two_people),
        holds=tuple(sorted(holds.values(), key=lambda hold: (hold.case, hold.kind, hold.facts))),
    )


def _outcome(people: Mapping[Token, Claim], kept: set[Token], decided: Mapping[str, str]) -> _Outcome:
    """Return what comes of all claims if those in `kept` stay as they are."""
    found = _Outcome(of={}, failed=set(), unlike={})
    rivals: dict[str, list[Claim]] = defaultdict(list)
    for token, claim in people.items():
        rivals[claim.has if token in kept else str(claim.wants)].append(claim)
    found.of |= {claim.token: "" for claim in rivals.pop("", [])}
    for address, claimants in rivals.items():
        _contest(found, address, claimants, decided)
    return found


def _contest(found: _Outcome, address: str, claimants: list[Claim], decided: Mapping[str, str]) -> None:
    """Give one address to whoever is first, and to those who are the same human."""
    winners: list[Claim] = []
    for claim in sorted(claimants, key=lambda c: (c.gone, c.has != address, c.rank)):
        if _stays(claim, address, winners) or all(_one_human(address, claim, winner, decided) for winner in winners):
            winners.append(claim)
            found.of[claim.token] = address
            continue
        found.of[claim.token] = "" if claim.gone else claim.has
        if claim.gone:
            continue
        if all((claim.kind, winner.kind) in _SHARES for winner in winners):
            found.unlike[claim.token] = (address, winners[0], claim)
        else:
            found.failed.add(claim.token)


def _stays(claim: Claim, address: str, winners: list[Claim]) -> bool:
    """Whether an incumbent keeps it: who has left yields, but only to somebody who has not got it yet."""
    return claim.has == address and (not claim.gone or all(winner.has == address for winner in winners))


def _one_human(address: str, one: Claim, other: Claim, decided: Mapping[str, str]) -> bool:
    """Whether two people may share an address: one human in two modes, by their names or by somebody's word."""
    if (one.kind, other.kind) not in _SHARES:
        return False
    return alike(one, other) or decided.get(_shared(address, one, other).digest) == SAME


def alike(one: Claim, other: Claim) -> bool:
    """Whether two names may be one human's: a name in common, or the initial (“Jo Hart”, “J. Reed”)."""
    mine, theirs = (set(_plain(claim.name).split()) for claim in (one, other))
    initials = {_plain(claim.given)[:1] for claim in (one, other)}
    return bool(mine & theirs) or (len(initials) == 1 and initials != {""})


def _plain(name: str) -> str:
    """Return a name without case, accents, hyphens and dots."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("-", " ").replace(".", " "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()


def _waiting(
    people: Mapping[Token, Claim], final: Mapping[Token, str], decided: Mapping[str, str]
) -> Iterator[tuple[Hold, set[Token]]]:
    """Yield (hold, who stays as they are for it) for the moves that matter, those of one ring or chain together."""
    for moves in _together(_moves(people, final)):
        hold = _moving(moves)
        if decided.get(hold.digest) != SAME:
            yield hold, {claim.token for move in moves for claim in (move.giver, move.taker)}


def _moves(people: Mapping[Token, Claim], final: Mapping[Token, str]) -> list[Move]:
    """Return the moves of an address from one person to another where either has a stake."""
    gave: dict[str, list[Claim]] = defaultdict(list)
    for token, claim in people.items():
        if claim.has and final[token] != claim.has:
            gave[claim.has].append(claim)
    found: list[Move] = []
    for token, address in sorted(final.items()):
        taker = people[token]
        givers = gave.get(address, []) if taker.has != address else []
        # Of staff and guardian who shared it, one is enough to ask about.
        for giver in sorted(givers, key=lambda claim: (not claim.stakes, claim.token))[:1]:
            found += [Move(address=address, giver=giver, taker=taker)] if giver.stakes or taker.stakes else []
    return found


def _together(moves: list[Move]) -> list[list[Move]]:
    """Group the moves that have a person in common."""
    groups: list[tuple[set[Token], list[Move]]] = []
    for move in moves:
        tokens, joined = {move.giver.token, move.taker.token}, [move]
        apart = []
        for theirs, others in groups:
            if theirs & tokens:
                tokens, joined = tokens | theirs, [*others, *joined]
            else:
                apart.append((theirs, others))
        groups = [*apart, (tokens, joined)]
    return [sorted(group, key=lambda move: (move.address, move.taker.token)) for _, group in groups]


_KEEP: Final = Option(
    key=KEEP,
    label="Leave it as it is",
    effect="Everybody keeps the address they have here. Correct it in your MIS; we ask again if it says something new.",
)


def _moving(moves: list[Move]) -> Hold:
    claims = {claim.token: claim for move in moves for claim in (move.giver, move.taker)}
    people = [claims[token] for token in sorted(claims)]
    stakes = " and ".join(sorted({stake for claim in people for stake in claim.stakes}))
    steps = ", one ".join(f"from {move.giver.name} to {move.taker.name}" for move in moves)
    return Hold(
        kind=moves[0].taker.kind,
        case=Case.ADDRESS_MOVES,
        reason=(
            f"An address would move {steps}, and it matters who it belongs to ({stakes}). "
            "They keep what they have until a person has asked them."
        ),
        refs=tuple(filter(None, (ref_of(claim.ref) for claim in people))),
        labels=tuple(claim.name for claim in people),
        facts=tuple(fact for move in moves for fact in (move.address, *_who(move.giver), *_who(move.taker))),
        sides=tuple(_side(claim) for claim in people),
        options=(
            Option(
                key=SAME,
                label="It is theirs now",
                effect="; ".join(f"{move.address} becomes {move.taker.name}’s" for move in moves)
                + ". Whoever signs in with it sees what is its new owner’s, and nothing of the other’s.",
            ),
            _KEEP,
        ),
    )


def _shared(address: str, one: Claim, other: Claim) -> Hold:
    """Ask whether a member of staff and a guardian of one address are one human, though their names say no (R33)."""
    staff, guardian = sorted((one, other), key=lambda claim: claim.kind is Kind.GUARDIANS)
    return Hold(
        kind=Kind.GUARDIANS,
        case=Case.ADDRESS_SHARED,
        reason=(
            f"The member of staff {staff.name} and the guardian {guardian.name} have one address in the MIS, and their "
            "names have nothing in common. Only one of them uses it until somebody says who they are."
        ),
        refs=tuple(filter(None, (ref_of(staff.ref), ref_of(guardian.ref)))),
        labels=(staff.name, guardian.name),
        facts=(address, *_who(staff), *_who(guardian)),
        sides=(_side(staff), _side(guardian)),
        options=(
            Option(
                key=SAME,
                label="They are one person",
                effect="One login with two modes, staff and parent; each mode sees only its own.",
            ),
            Option(
                key=OTHER,
                label="They are two people",
                effect="The second one gets no login with this address, and we stop asking. Correct it in your MIS.",
            ),
            _KEEP,
        ),
    )


def _who(claim: Claim) -> tuple[str, str, str]:
    return (claim.kind.value, claim.ref, claim.name)


def _side(claim: Claim) -> Side:
    facts = (
        ("given_name", claim.given),
        ("family_name", claim.family),
        ("email", claim.has or "none"),
        ("mis_email", claim.has if claim.wants is None else claim.wants or "none"),
        *(("stake", stake) for stake in claim.stakes),
    )
    return Side(title=claim.name, kind=claim.kind, ref=ref_of(claim.ref), id=claim.id, facts=facts)
