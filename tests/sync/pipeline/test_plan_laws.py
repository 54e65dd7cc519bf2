"""The laws of the plan, for any school and any roster: few ids and few addresses, so that everything collides."""

import datetime
import itertools
import random
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sync.pipeline.gate import gate
from sync.pipeline.held import FIELDS, LINKS, PEOPLE, Held, Snapshot
from sync.pipeline.plan import Action, Amendment, Case, Plan, Standing, plan
from sync.pipeline.plan.model import APPROVE
from sync.pipeline.roster import Fault, Roster
from sync.pipeline.rules import Rules
from sync.records import (
    NOT_SHARED,
    Class,
    Dietary,
    Enrolment,
    Guardian,
    Kind,
    Medical,
    Record,
    Staff,
    Student,
    Teaching,
    Tie,
    key_of,
)
from tests.sync.pipeline.builders import (
    DOMAIN,
    NIGHT,
    RECORDED,
    applied,
    by_hand,
    night,
    nothing_held,
    roster,
    with_edit,
)
from tests.sync.pipeline.telling import feed, school

LAWS: Final = settings(
    max_examples=max(200, settings().max_examples),  # more with --hypothesis-profile=thorough
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

IN_DOUBT: Final = frozenset({Case.ID_REUSED, Case.IDS_SWAPPED, Case.NEW_ID})

REFS: Final = ("1", "2", "3", "10")
GIVEN: Final = ("Ann", "Bob", "Cai")
FAMILY: Final = ("Bell", "Stone", "")
ADDRESSES: Final = ("", "a@home.example", "b@home.example", "c@home.example", f"d@{DOMAIN}", f"e@{DOMAIN}")
DAYS: Final = (datetime.date(2010, 10, 18), datetime.date(2014, 10, 8))
YEARS: Final = ("12", "3", "")

address = st.sampled_from((*ADDRESSES, NOT_SHARED))
text = st.sampled_from(("", "x", NOT_SHARED))
flag = st.sampled_from((True, False, NOT_SHARED))
names = {"given_name": st.sampled_from(GIVEN), "family_name": st.sampled_from(FAMILY)}
leaving = st.sampled_from((NOT_SHARED, NOT_SHARED, NOT_SHARED, None, NIGHT, night(30)))


def _by_key(record: st.SearchStrategy[Any], *, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(record, max_size=most, unique_by=key_of)


students = st.builds(
    Student,
    ref=st.sampled_from(REFS),
    **names,
    date_of_birth=st.sampled_from((*DAYS, None, NOT_SHARED)),
    upn=st.sampled_from(("U1", "U2", "", NOT_SHARED, NOT_SHARED)),
    email=address,
    year=st.sampled_from((*YEARS, NOT_SHARED)),
    left_on=leaving,
)
guardians = st.builds(Guardian, ref=st.sampled_from(REFS), **names, email=address, phone=text)
staff = st.builds(Staff, ref=st.sampled_from(REFS), **names, email=address, title=text, left_on=leaving)
classes = st.builds(Class, ref=st.sampled_from(("c1", "c2")), name=st.sampled_from(("7B", "8A")))
rules = st.builds(
    Rules,
    domains=st.sampled_from((frozenset({DOMAIN}), frozenset())),
    block_own_domains_for_guardians=st.booleans(),
    primary_years=st.sampled_from((frozenset(), frozenset({"3"}))),
    student_access_years=st.sampled_from((frozenset({"12", "3"}), frozenset())),
    staff_leavers_authoritative=st.booleans(),
    medical_synced=st.booleans(),
    leaving_percent=st.sampled_from((5, 50, 100)),
    leaving_count=st.sampled_from((0, 1, 5)),
)


# Of a school of four, any two who go are too many.
strict = rules.map(lambda rule: msgspec.structs.replace(rule, leaving_percent=50, leaving_count=0))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A picture as `normalise` gives it: links name only people who are there, unless their kind was cut short."""
    people = {
        Kind.STUDENTS: draw(_by_key(students, most=4)),
        Kind.GUARDIANS: draw(_by_key(guardians, most=4)),
        Kind.STAFF: draw(_by_key(staff, most=3)),
        Kind.CLASSES: draw(_by_key(classes, most=2)),
    }
    complete = frozenset(draw(st.sets(st.sampled_from(list(Kind))))) if draw(st.booleans()) else frozenset(Kind)
    unclear = {
        kind: draw(st.frozensets(st.sampled_from((*REFS, "")), max_size=2)) - {r.ref for r in people.get(kind, [])}
        for kind in draw(st.sets(st.sampled_from(list(RECORDED)), max_size=2))
    }
    links = draw(_links())
    there = {
        kind: {record.ref for record in records}
        if kind in complete
        else {*REFS, "c1", "c2"} - unclear.get(kind, frozenset())
        for kind, records in people.items()
    }
    said = [one for one in links if all(ref in there[kind] for kind, ref in _names(one))]
    return feed(roster(*itertools.chain(*people.values(), said), complete=complete, unreadable=unclear))


def _links() -> st.SearchStrategy[list[Record]]:
    student, class_ref = st.sampled_from(REFS), st.sampled_from(("c1", "c2"))
    ties = st.builds(
        Tie,
        student_ref=student,
        guardian_ref=st.sampled_from(REFS),
        priority=st.sampled_from((1, 2, None, NOT_SHARED)),
        restricted=st.sampled_from((True, False, None, NOT_SHARED)),
        relationship=text,
    )
    notes = st.builds(Medical, student_ref=student, ref=st.just("m"), condition=st.sampled_from(("A", "B")))
    needs = st.builds(Dietary, student_ref=student, ref=st.just("n"), need=st.sampled_from(("A", "B")))
    seats = st.builds(Enrolment, class_ref=class_ref, student_ref=student)
    posts = st.builds(Teaching, class_ref=class_ref, staff_ref=st.sampled_from(REFS))
    return st.tuples(
        _by_key(ties, most=5),
        _by_key(notes, most=2),
        _by_key(needs, most=2),
        _by_key(seats, most=3),
        _by_key(posts, most=2),
    ).map(lambda lists: [one for many in lists for one in many])


def _names(link: Record) -> list[tuple[Kind, str]]:
    match link:
        case Tie():
            return [(Kind.STUDENTS, link.student_ref), (Kind.GUARDIANS, link.guardian_ref)]
        case Enrolment():
            return [(Kind.CLASSES, link.class_ref), (Kind.STUDENTS, link.student_ref)]
        case Teaching():
            return [(Kind.CLASSES, link.class_ref), (Kind.STAFF, link.staff_ref)]
        case Medical() | Dietary():
            return [(Kind.STUDENTS, link.student_ref)]
    raise AssertionError(link)


@st.composite
def schools(draw: st.DrawFn) -> Snapshot:
    """What a school holds after up to three nights of whatever its MIS said, with stakes and people made by hand."""
    held = nothing_held()
    for number in range(draw(st.integers(0, 3))):
        held = applied(plan(held, draw(rosters()), draw(rules), night=night(number - 4)), held)
    if draw(st.booleans()):
        held = by_hand(held, draw(st.sampled_from(PEOPLE)), 99, "Dana Quick")
    held = _ruled(_corrected(held, draw(corrections)), draw(st.sets(st.integers(1, 3), max_size=2)))
    return school(_staked(held, draw(st.sets(st.tuples(st.sampled_from(PEOPLE), st.integers(1, 4)), max_size=3))))


corrections = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(REFS), st.sampled_from(("given_name", "family_name", "email"))),
    max_size=2,
)


def _corrected(held: Snapshot, fields: list[tuple[Kind, str, str]]) -> Snapshot:
    """Correct a name, or an address to one that nobody else has."""
    for kind, ref, field in fields:
        if ref in held.identities[kind]:
            right = f"{kind.value}.{ref}@mended.example" if field == "email" else "Mended"
            held = with_edit(held, kind, ref, field, right)
    return held


def _ruled(held: Snapshot, staff_with_roles: set[int]) -> Snapshot:
    """Give roles to some of the staff; each of them runs the school."""
    staff = {
        number: msgspec.structs.replace(one, roles=("Super user",), runs_school=True)
        if number in staff_with_roles
        else one
        for number, one in held.records[Kind.STAFF].items()
    }
    return msgspec.structs.replace(held, records=held.records | {Kind.STAFF: staff})


def _staked(held: Snapshot, people: set[tuple[Kind, int]]) -> Snapshot:
    records = {kind: dict(rows) for kind, rows in held.records.items()}
    for kind, number in people:
        if number in records[kind]:
            records[kind][number] = msgspec.structs.replace(records[kind][number], stakes=("has signed in",))
    return msgspec.structs.replace(held, records=records)


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_applying_a_plan_reaches_what_was_said(held: Snapshot, said: Roster, rule: Rules) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    event(f"holds: {bool(wish.holds)}, departures: {bool(wish.standings)}")
    after = applied(wish, held)
    doubted = _doubted(wish)
    for kind in RECORDED:
        for ref, record in said.of(kind).items():
            if (kind, ref) not in doubted and ref in after.identities[kind]:
                _assert_says(after, kind, ref, record)
            elif (kind, ref) not in doubted:
                assert _has_left(record), f"{kind} {ref} was said and is not held"
    for kind in (kind for kind in LINKS if kind is not Kind.MEDICAL or rule.medical_synced):
        _assert_links_said(after, said, kind, doubted)


def _doubted(wish: Plan) -> set[tuple[Kind, str]]:
    """Who is not taken as said: in doubt, or under a second id beside the one that counts."""
    waiting = {(hold.kind, ref) for hold in wish.holds for ref in hold.refs if hold.case in IN_DOUBT}
    return waiting | {(refusal.kind, refusal.ref) for refusal in wish.refusals if refusal.fault is Fault.TWICE}


def _has_left(record: Any) -> bool:
    day = getattr(record, "left_on", None)
    return isinstance(day, datetime.date) and day <= NIGHT


def _assert_says(after: Snapshot, kind: Kind, ref: str, record: Any) -> None:
    now = after.records[kind][after.identities[kind][ref]]
    for field, value in zip(FIELDS[kind], now.values, strict=True):
        said = getattr(record, field)
        stands = field in now.edits and value == now.edits[field].value
        assert stands or said is NOT_SHARED or said == value, f"{kind} {ref}: {field} is {value!r}, not {said!r}"
    assert now.here is not _has_left(record) or now.roles
    if not (now.here and _has_left(record)):  # the last super user stays as they are, whatever date the MIS gives
        assert now.missing_since is None
    if kind in PEOPLE and record.email is not NOT_SHARED:
        assert now.mis_email == record.email


def _assert_links_said(after: Snapshot, said: Roster, kind: Kind, doubted: set[tuple[Kind, str]]) -> None:
    for record in said.of(kind).values():
        ends = _names(record)
        if any(end in doubted or end[1] not in after.identities[end[0]] for end in ends):
            continue
        rows = [after.identities[part][ref] for part, ref in ends]
        held = after.links[kind][(rows[0], rows[1] if len(rows) == 2 else record.ref)]
        assert held.here
        for field, value in zip(FIELDS[kind], held.values, strict=True):
            told = getattr(record, field)
            assert told is NOT_SHARED or value == (bool(told) if field == "restricted" else told)


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_addresses_are_unique_and_become_dummies_only_by_the_schools_rules(
    held: Snapshot, said: Roster, rule: Rules
) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    _assert_addresses(held, applied(wish, held), rule)
    _assert_addresses(held, applied(gate(wish, held, said, rule), held), rule)


def _assert_addresses(held: Snapshot, after: Snapshot, rule: Rules) -> None:
    for kind in PEOPLE:
        real = [person.email for person in after.records[kind].values() if person.email]
        assert len(real) == len(set(real)), f"two {kind} share one address"
    _assert_students_share_with_nobody_new(held, after)
    for kind in PEOPLE:
        for number, before in held.records[kind].items():
            now = after.records[kind][number]
            if before.email and not now.email:
                barred = _is_barred(rule, kind, now, before.email)
                assert barred or not now.here, "somebody who is here lost a real address"
                assert barred or not before.stakes
            if before.email != now.email and before.stakes:
                assert not _moved_to_another(held, after, kind, number)


def _is_barred(rule: Rules, kind: Kind, person: Held, address: str) -> bool:
    """Whether the school's rules take this address away: students without access, guardians on a blocked domain."""
    if kind is Kind.STUDENTS:
        year = person.values[FIELDS[kind].index("year")]
        return not rule.student_may_sign_in(None if year is None else str(year))
    own = address.rpartition("@")[2] in rule.domains
    return kind is Kind.GUARDIANS and rule.block_own_domains_for_guardians and own


def _assert_students_share_with_nobody_new(held: Snapshot, after: Snapshot) -> None:
    adults = {p.email for kind in (Kind.GUARDIANS, Kind.STAFF) for p in after.records[kind].values() if p.email}
    for number, person in after.records[Kind.STUDENTS].items():
        assert not (person.email and person.email in adults), f"student {number} shares an adult's address"


def _moved_to_another(held: Snapshot, after: Snapshot, kind: Kind, number: int) -> bool:
    """Whether the address this person gave up is now somebody's who did not have it before."""
    address = held.records[kind][number].email
    return bool(address) and any(
        person.email == address and (row not in held.records[other] or held.records[other][row].email != address)
        for other in PEOPLE
        for row, person in after.records[other].items()
        if (other, row) != (kind, number)
    )


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_a_correction_stands_or_its_end_is_told(held: Snapshot, said: Roster, rule: Rules) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    after = applied(wish, held)
    told = {(end.kind, end.id, end.field) for end in wish.edit_ends}
    for kind in PEOPLE:
        for number, before in held.records[kind].items():
            for field, edit in before.edits.items():
                now = after.records[kind][number]
                shown = now.email if field == "email" else now.values[FIELDS[kind].index(field)]
                assert shown == edit.value or (kind, number, field) in told


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_a_school_is_never_left_without_a_super_user(held: Snapshot, said: Roster, rule: Rules) -> None:
    def running(school: Snapshot) -> int:
        return sum(1 for one in school.records[Kind.STAFF].values() if one.here and one.runs_school)

    asked = {hold.digest: APPROVE for hold in plan(held, said, rule, night=NIGHT).holds}
    assert running(applied(plan(held, said, rule, night=NIGHT), held)) >= running(held)
    approved = plan(held, said, rule, night=NIGHT, decided=asked)
    assert running(applied(approved, held)) >= min(1, running(held))


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_planning_again_finds_nothing_to_do(held: Snapshot, said: Roster, rule: Rules) -> None:
    once = plan(held, said, rule, night=NIGHT)
    again = plan(applied(once, held), said, rule, night=NIGHT)
    assert again.writes == 0, msgspec.json.format(
        msgspec.json.encode(msgspec.structs.replace(again, refusals=()))
    ).decode()


@LAWS
@given(held=schools(), said=rosters(), rule=strict)
def test_a_gated_plan_applied_leaves_only_what_was_held_back(held: Snapshot, said: Roster, rule: Rules) -> None:
    gated = gate(plan(held, said, rule, night=NIGHT), held, said, rule)
    event(f"a list is not believed: {any(hold.case in BRAKES for hold in gated.holds)}")
    after = applied(gated, held)
    again = gate(plan(after, said, rule, night=NIGHT), after, said, rule)
    assert again.writes == 0, "a second run of the night does not let in what the first one held"


@LAWS
@given(held=schools(), said=rosters(), rule=rules, dice=st.randoms(use_true_random=False))
def test_order_never_matters(held: Snapshot, said: Roster, rule: Rules, dice: random.Random) -> None:
    expected = plan(held, said, rule, night=NIGHT)
    shuffled = plan(_shuffled_snapshot(held, dice), _shuffled_roster(said, dice), rule, night=NIGHT)
    assert shuffled == expected
    assert shuffled.digest() == expected.digest()


def _shuffled(mapping: Mapping[Any, Any], dice: random.Random) -> dict[Any, Any]:
    items = list(mapping.items())
    dice.shuffle(items)
    return dict(items)


def _shuffled_roster(said: Roster, dice: random.Random) -> Roster:
    return msgspec.structs.replace(said, **{kind.value: _shuffled(said.of(kind), dice) for kind in Kind})


def _shuffled_snapshot(held: Snapshot, dice: random.Random) -> Snapshot:
    return Snapshot(
        records={kind: _shuffled(rows, dice) for kind, rows in _shuffled(held.records, dice).items()},
        identities={kind: _shuffled_ids(refs, dice) for kind, refs in held.identities.items()},
        links={kind: _shuffled(rows, dice) for kind, rows in held.links.items()},
    )


def _shuffled_ids(refs: Mapping[str, int], dice: random.Random) -> dict[str, int]:
    """Mix the people, but leave each one's ids in the order they were given: the last one is who they are now."""
    given = defaultdict(list)
    for ref, row in refs.items():
        given[row].append(ref)
    return {given[row].pop(0): row for row in _shuffled(refs, dice).values()}


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_whoever_is_seen_tonight_is_not_ended_tonight(held: Snapshot, said: Roster, rule: Rules) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    refs = _refs(held)
    for standing in wish.standings:
        seen = [ref for ref in refs[standing.kind][standing.id] if _is_seen(said, standing.kind, ref)]
        if standing.action is Action.MISS:
            assert not seen
        if standing.action is Action.LEAVE:
            assert not seen or any(_has_left(said.of(standing.kind).get(ref)) for ref in seen)
        if standing.action in {Action.MISS, Action.LEAVE} and not seen:
            assert standing.kind in said.complete
    ended = {(end.kind, end.id) for end in wish.link_ends}
    for kind in LINKS:
        assert kind in said.complete or not any(of is kind for of, _ in ended)
        for record in said.of(kind).values():
            ends = _names(record)
            if all(ref in held.identities[part] for part, ref in ends):
                rows = [held.identities[part][ref] for part, ref in ends]
                one = held.links[kind].get((rows[0], rows[1] if len(rows) == 2 else record.ref))
                assert one is None or (kind, one.id) not in ended


def _refs(held: Snapshot) -> dict[Kind, dict[int, list[str]]]:
    found: dict[Kind, dict[int, list[str]]] = {kind: defaultdict(list) for kind in RECORDED}
    for kind in RECORDED:
        for ref, number in held.identities[kind].items():
            found[kind][number].append(ref)
    return found


def _is_seen(said: Roster, kind: Kind, ref: str) -> bool:
    unclear = said.unreadable.get(kind, frozenset())
    return ref in said.of(kind) or ref in unclear or "" in unclear


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_the_gate_adds_nothing_and_held_kinds_lose_no_one(held: Snapshot, said: Roster, rule: Rules) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    gated = gate(wish, held, said, rule)
    of = {case: {hold.kind for hold in gated.holds if hold.case is case} for case in Case}
    renumbered, unusable = of[Case.ID_SCHEME], of[Case.UNREADABLE]
    braked = of[Case.DEPARTURES] | of[Case.EMPTY] | renumbered | unusable
    event(f"renumbered: {bool(renumbered)}, unusable: {bool(unusable)}")
    assert _who_come(gated, but=set()) == _who_come(wish, but=renumbered | unusable)
    assert _unaddressed(gated, but=set()) == _unaddressed(wish, but=unusable)
    if not renumbered | unusable:
        assert gated.link_arrivals == wish.link_arrivals
        assert gated.link_amendments == wish.link_amendments
    assert set(gated.link_arrivals) <= set(wish.link_arrivals)
    assert set(gated.link_amendments) <= set(wish.link_amendments)
    assert set(gated.standings) <= set(wish.standings)
    assert set(gated.link_ends) <= set(wish.link_ends)
    assert _who_are_back(gated, but=set()) == _who_are_back(wish, but=unusable), "whoever comes back is safe"
    assert bool(braked) is (gated != wish)
    assert not [s for s in gated.standings if s.kind in braked and s.action is not Action.REJOIN]
    assert not [e for e in gated.link_ends if e.kind in braked]


def _who_come(wish: Plan, *, but: set[Kind]) -> set[tuple[Kind, str, Any]]:
    return {(a.kind, a.ref, a.values) for a in wish.arrivals if a.kind not in but}


def _who_are_back(wish: Plan, *, but: set[Kind]) -> list[Standing]:
    return [s for s in wish.standings if s.action is Action.REJOIN and s.kind not in but]


def _unaddressed(wish: Plan, *, but: set[Kind]) -> list[Amendment]:
    """The amendments that have nothing to do with who left whom an address."""
    addresses = {"email", "domain_recognised"}
    return [change for change in wish.amendments if change.field not in addresses and change.kind not in but]


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_an_approval_lets_in_exactly_what_it_was_of(held: Snapshot, said: Roster, rule: Rules) -> None:
    wish = plan(held, said, rule, night=NIGHT)
    holds = [hold for hold in gate(wish, held, said, rule).holds if hold.case in BRAKES]
    everything = {hold.digest: APPROVE for hold in holds}
    decided = gate(plan(held, said, rule, night=NIGHT, decided=everything), held, said, rule, decided=everything)
    left = {hold.case for hold in decided.holds if hold.case in BRAKES and hold.digest in everything}
    assert left <= {Case.EMPTY}, "no choice lets an empty list pass"
    assert set(decided.standings) <= set(wish.standings)
    # Any one of them withdrawn is held again, as if nobody had approved anything of it.
    for hold in holds:
        fewer = {digest: choice for digest, choice in everything.items() if digest != hold.digest}
        assert hold.digest in {one.digest for one in gate(wish, held, said, rule, decided=fewer).holds}


@LAWS
@given(held=schools(), said=rosters(), rule=strict, missing=st.sampled_from(REFS))
def test_an_approval_of_another_night_lets_nobody_else_go(
    held: Snapshot, said: Roster, rule: Rules, missing: str
) -> None:
    other, said = said, _without(said, missing)
    approved = {hold.digest: APPROVE for hold in gate(plan(held, other, rule, night=NIGHT), held, other, rule).holds}
    wish = plan(held, said, rule, night=NIGHT)
    alone, decided = gate(wish, held, said, rule), gate(wish, held, said, rule, decided=approved)
    if not approved.keys() & {hold.digest for hold in alone.holds}:
        assert decided == alone
    freed = _those_who_go(decided) - _those_who_go(alone)
    event(f"let go by it: {bool(freed)}")
    assert freed <= _those_who_go(plan(held, other, rule, night=NIGHT, decided=approved)), "nobody had approved that"


def _without(said: Roster, ref: str) -> Roster:
    """The same list, but everybody with this id, and what names them, is gone from it."""
    kept = {kind.value: {key: one for key, one in said.of(kind).items() if ref not in key} for kind in LINKS}
    people = {kind.value: {key: one for key, one in said.of(kind).items() if key != ref} for kind in PEOPLE}
    return msgspec.structs.replace(said, **kept, **people)


def _those_who_go(wish: Plan) -> set[tuple[Kind, int]]:
    return {(one.kind, one.id) for one in wish.standings if one.action in {Action.MISS, Action.LEAVE}}


BRAKES: Final = frozenset({Case.DEPARTURES, Case.EMPTY, Case.ID_SCHEME, Case.UNREADABLE})


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_people_made_by_hand_are_out_of_reach(held: Snapshot, said: Roster, rule: Rules) -> None:
    for kind in PEOPLE:
        held = by_hand(
            held, kind, 77, "Robin Quick", email=f"robin.{kind.value}@coaching.example", domain_recognised=True
        )
    after = applied(plan(held, said, rule, night=NIGHT), held)
    for kind in PEOPLE:
        assert after.records[kind][77] == held.records[kind][77]


def _chosen(wish: Plan, dice: random.Random) -> dict[str, str]:
    """A person decides about every hold, whatever comes to mind."""
    return {hold.digest: dice.choice(hold.options).key for hold in wish.holds if hold.options}


def _renumbered(held: Snapshot, said: Roster, dice: random.Random) -> Roster:
    """The same list, but one of our students comes under a new id, or under two."""
    students = held.refs(Kind.STUDENTS)
    if not students:
        return said
    row = dice.choice(sorted(students))
    values = zip(FIELDS[Kind.STUDENTS], held.records[Kind.STUDENTS][row].values, strict=True)
    shared: dict[str, Any] = {field: NOT_SHARED if value is None else value for field, value in values}
    for ref in [ref for ref, of in held.identities[Kind.STUDENTS].items() if of == row]:
        said = _without(said, ref)
    new = {ref: Student(ref=ref, **shared) for ref in ("20", "21")[: dice.choice((1, 1, 2))]}
    return msgspec.structs.replace(said, students={**said.students, **new})


@LAWS
@given(held=schools(), said=rosters(), rule=rules, dice=st.randoms(use_true_random=False))
def test_an_id_never_points_at_a_second_person(held: Snapshot, said: Roster, rule: Rules, dice: random.Random) -> None:
    said = _renumbered(held, said, dice)
    decided = _chosen(plan(held, said, rule, night=NIGHT), dice)
    wish = plan(held, said, rule, night=NIGHT, decided=decided)
    event(f"rekeys: {bool(wish.rekeys)}, decided: {bool(decided)}")
    after = applied(wish, held)
    for kind in RECORDED:
        assert held.identities[kind].items() <= after.identities[kind].items(), "an id was taken from its person"
    new = [(rekey.kind, rekey.ref) for rekey in wish.rekeys] + [(one.kind, one.ref) for one in wish.arrivals]
    assert len(new) == len(set(new)), "one new id was given to two people"
    taken = [(rekey.kind, rekey.id) for rekey in wish.rekeys]
    assert len(taken) == len(set(taken)), "one person was given two new ids in one night"


@LAWS
@given(held=schools(), said=rosters(), rule=rules, dice=st.randoms(use_true_random=False))
def test_what_was_decided_is_done_at_once_and_once(
    held: Snapshot, said: Roster, rule: Rules, dice: random.Random
) -> None:
    decided = _chosen(plan(held, said, rule, night=NIGHT), dice)
    after = applied(plan(held, said, rule, night=NIGHT, decided=decided), held)
    again = plan(after, said, rule, night=NIGHT, decided=decided)
    assert again.writes == 0


@LAWS
@given(held=schools(), said=rosters(), rule=rules)
def test_nobody_with_a_stake_becomes_another_human_without_a_decision(
    held: Snapshot, said: Roster, rule: Rules
) -> None:
    after = applied(plan(held, said, rule, night=NIGHT), held)
    for kind in PEOPLE:
        for number, before in held.records[kind].items():
            if before.stakes:
                assert not is_another(kind, before, after.records[kind][number]), f"{kind} {number} is somebody else"


def is_another(kind: Kind, before: Held, now: Held) -> bool:
    """Whether the first name and what identifies beside it are others, or all of the name where nothing does."""
    place = FIELDS[kind].index("date_of_birth") if kind is Kind.STUDENTS else None
    marks = [(one.values[place] if place is not None else one.email or one.mis_email) for one in (before, now)]
    given, family = (before.values[part] != now.values[part] for part in (0, 1))
    return given and (marks[0] != marks[1] if all(marks) else family)
