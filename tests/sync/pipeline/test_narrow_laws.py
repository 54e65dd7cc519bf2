"""The laws of a run about one: never more than the plan, nobody else's news, and the night ends where it would have."""

from typing import Any, Final, NamedTuple

from hypothesis import event, given
from hypothesis import strategies as st

from sync.pipeline.gate import gate
from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.narrow import SUBJECTS, Left, Only, Part, narrow
from sync.pipeline.plan import Action, Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import PARTS, Kind
from tests.sync.conftest import by_ref
from tests.sync.pipeline.builders import NIGHT, RULES, applied, guardian, nothing_held, roster
from tests.sync.pipeline.test_plan_laws import LAWS, REFS, rosters, rules, schools

ones: Final = st.builds(
    Only,
    kind=st.sampled_from(SUBJECTS),
    row=st.sampled_from((1, 2, 3, 4, None)),
    ref=st.sampled_from((*REFS, "c1", "c2")),
).map(lambda only: only if only.row is None else Only(kind=only.kind, row=only.row))


class Scene(NamedTuple):
    """A school, what its MIS says, and whom somebody wants now."""

    held: Snapshot
    said: Roster
    rule: Rules
    only: Only


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Mostly somebody of whom the night has something to do; else one in ten would be, and the laws look at nothing."""
    held, said, rule = draw(schools()), draw(rosters()), draw(rules)
    touched = sorted(_touched(gated(held, said, rule)), key=str)
    return Scene(held, said, rule, draw(st.one_of(st.sampled_from(touched), ones) if touched else ones))


def _touched(whole: Plan) -> set[Only]:
    rows: tuple[Any, ...] = (*whole.amendments, *whole.rekeys, *whole.standings, *whole.edit_ends)
    ends = ((kind, ref) for link in whole.link_arrivals for kind, ref in zip(PARTS[link.kind], link.key, strict=True))
    refs = ((one.kind, one.ref) for one in whole.arrivals)
    return {Only(kind=one.kind, row=one.id) for one in rows} | {
        Only(kind=kind, ref=ref) for kind, ref in (*ends, *refs) if kind
    }


def gated(held: Snapshot, said: Roster, rule: Rules) -> Plan:
    return gate(plan(held, said, rule, night=NIGHT), held, said, rule)


def part(only: Only, held: Snapshot, said: Roster, rule: Rules) -> Part:
    return narrow(only, gated(held, said, rule), held, said)


@LAWS
@given(scene=scenes())
def test_the_night_after_ends_where_it_would_have_ended_alone(scene: Scene) -> None:
    held, said, rule, only = scene
    alone = applied(gated(held, said, rule), held)
    small = part(only, held, said, rule)
    event(f"takes something: {bool(small.plan.writes)}, leaves: {sorted(one.name for one in small.left)}")
    before = applied(small.plan, held)
    after = applied(gated(before, said, rule), before)
    assert by_ref(after) == by_ref(alone)
    assert _edits(after) == _edits(alone)


def _edits(held: Snapshot) -> dict[Any, Any]:
    return {(kind, row): one.edits for kind in PEOPLE for row, one in held.records[kind].items() if one.edits}


@LAWS
@given(scene=scenes())
def test_twice_is_once(scene: Scene) -> None:
    held, said, rule, only = scene
    after = applied(part(only, held, said, rule).plan, held)
    again = part(only, after, said, rule)
    assert again.plan.writes == 0


@LAWS
@given(scene=scenes())
def test_it_is_never_more_than_the_plan(scene: Scene) -> None:
    held, said, rule, only = scene
    whole, small = gated(held, said, rule), part(only, held, said, rule)
    for field in set(Plan.__struct_fields__) - {"night", "arrivals"}:
        assert set(getattr(small.plan, field)) <= set(getattr(whole, field)), field
    come = {(one.kind, one.ref): one for one in whole.arrivals}
    for one in small.plan.arrivals:
        full = come[one.kind, one.ref]
        assert one == full or (one.email == "" and Left.ADDRESS in small.left)
    assert small.plan.night == whole.night


@LAWS
@given(scene=scenes())
def test_nobody_goes_and_nobody_else_changes(scene: Scene) -> None:
    held, said, rule, only = scene
    small = part(only, held, said, rule).plan
    after = applied(small, held)
    assert {standing.action for standing in small.standings} <= {Action.REJOIN}
    linked = _linked(small, after, _row(only, after))
    for kind in SUBJECTS:
        for row, before in held.records[kind].items():
            now = after.records[kind][row]
            assert now.here or not before.here
            if (kind, row) != (only.kind, _row(only, after)):
                came_back = now.here != before.here or now.missing_since != before.missing_since
                changed = now.values != before.values or now.email != before.email or now.edits != before.edits
                assert not changed
                assert not came_back or (kind, row) in linked
    _assert_links_of_others_stay(only, held, after)
    for kind in PEOPLE:
        real = [one.email for one in after.records[kind].values() if one.email]
        assert len(real) == len(set(real)), f"two {kind} have one address"


def _row(only: Only, held: Snapshot) -> int | None:
    return held.identities[only.kind].get(only.ref) if only.row is None else only.row


def _linked(small: Plan, after: Snapshot, row: int | None) -> set[tuple[Kind, int]]:
    return {
        (kind, after.identities[kind][ref])
        for link in small.link_arrivals
        for kind, ref in zip(PARTS[link.kind], link.key, strict=True)
        if kind
    }


def _assert_links_of_others_stay(only: Only, held: Snapshot, after: Snapshot) -> None:
    mine = _row(only, after)
    for kind, parts in PARTS.items():
        for key in held.links[kind].keys() | after.links[kind].keys():
            if only.kind not in parts or key[parts.index(only.kind)] != mine:
                assert held.links[kind].get(key) == after.links[kind].get(key)


mail: Final = st.sampled_from(("", *(f"{letter}@home.example" for letter in "abcd")))
families: Final = st.tuples(mail, mail, mail, mail).filter(
    lambda mails: len({*mails} - {""}) == len([*filter(None, mails)])
)


@LAWS
@given(before=families, now=families, row=st.integers(1, 4))
def test_an_address_goes_from_one_to_another_for_both_at_once(
    before: tuple[str, ...], now: tuple[str, ...], row: int
) -> None:
    def said(mails: tuple[str, ...]) -> Roster:
        names = ("Ann Bell", "Bob Stone", "Cai Hale", "Dan Low")
        people = (
            guardian(str(ref), name, email=mail) for ref, (name, mail) in enumerate(zip(names, mails, strict=True))
        )
        return roster(*people)

    held = applied(gated(nothing_held(), said(before), RULES), nothing_held())
    small = part(Only(kind=Kind.GUARDIANS, row=row), held, said(now), RULES)
    event(f"waits: {Left.ADDRESS in small.left}, moves: {bool(small.plan.amendments)}")
    after = applied(small.plan, held)
    real = [one.email for one in after.records[Kind.GUARDIANS].values() if one.email]
    assert len(real) == len(set(real)), "two have one address"
    given_up = {change.old for change in gated(held, said(now), RULES).amendments if change.field == "email"}
    assert not given_up & {change.new for change in small.plan.amendments if change.field == "email"} - {""}
    alone = applied(gated(held, said(now), RULES), held)
    assert by_ref(applied(gated(after, said(now), RULES), after)) == by_ref(alone)


@LAWS
@given(scene=scenes())
def test_what_is_left_for_the_night_is_told(scene: Scene) -> None:
    """Of the one themselves nothing is left out silently, and an approval of others is never broken into."""
    held, said, rule, only = scene
    whole = gated(held, said, rule)
    small = narrow(only, whole, held, said)
    mine = {change for change in whole.amendments if (change.kind, change.id) == (only.kind, only.row)}
    if mine - set(small.plan.amendments):
        assert Left.ADDRESS in small.left
    locked = narrow(only, whole, held, said, approved=frozenset(Kind))
    assert not locked.plan.arrivals
    assert not locked.plan.rekeys
    assert not locked.plan.link_ends
    if small.plan.arrivals or small.plan.rekeys or small.plan.link_ends:
        assert Left.APPROVED in locked.left
    applied(locked.plan, held)


def test_an_only_is_read_as_it_is_written() -> None:
    for told in ("students:41", "classes:ref:7B/Ma:2", "staff:ref:007"):
        assert str(Only.of(told)) == told
