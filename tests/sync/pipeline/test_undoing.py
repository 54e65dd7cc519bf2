"""What an undo would do, judged without a database."""

import datetime
from typing import Any

import msgspec
import pytest

from sync.pipeline.exact import Exact, Facts, decoded, encoded
from sync.pipeline.undoing import Done, Present, Undoing, Who, Why, undoing
from sync.records import Kind

DAY = datetime.date(2026, 11, 20)
ANN, JOAN, SEVEN = (Kind.STUDENTS, 1), (Kind.GUARDIANS, 2), (Kind.CLASSES, 7)
SEAT, TIE = (Kind.ENROLMENTS, 7, 1), (Kind.TIES, 1, 2)
HERE: Facts = {"status": "active", "missing_since": None, "left_on": None, "email": "", "mis_email": None}


def done(who: Who, was: Facts | None, now: Facts | None, **more: Any) -> Done:
    exact = Exact(row=who[1], was=was, now=now) if len(who) == 2 else Exact(ends=(who[1], who[2]), was=was, now=now)
    told: dict[str, Any] = {
        "id": 1,
        "label": "Ann Bell",
        "ref": "",
        "action": "amend",
        "field": "",
        "old": "",
        "new": "",
    } | more
    return Done(kind=who[0], row=who[1], exact=exact, **told)


def judged(*changes: Done, **present: Any) -> Undoing:
    return undoing(changes, Present(**({"rows": {}} | present)), day=DAY)


def whys(found: Undoing) -> list[str]:
    return [one.why for one in found.left_alone]


@pytest.mark.parametrize(
    "exact",
    [
        Exact(row=1, was={"date_of_birth": DAY, "form": None}, now={"date_of_birth": None, "form": ""}),
        Exact(ends=(1, 2), was={"priority": 1, "restricted": False}, now={"priority": None, "restricted": True}),
        Exact(ends=(1, 2), was={}, now=None),
        Exact(ends=(1, 2), was=None, now={}),
        Exact(row=1, was={"given_name": "2026-11-20"}, now={"given_name": "1"}),
    ],
)
def test_what_is_kept_is_read_as_it_was(exact: Exact) -> None:
    assert decoded(msgspec.json.decode(encoded(exact) or "")) == exact


def test_nothing_kept_is_nothing_read() -> None:
    assert encoded(None) is None
    assert decoded(None) is None


@pytest.mark.parametrize(
    ("change", "rows", "why"),
    [
        (done(ANN, {"form": "7A"}, {"form": "7B"}), {}, Why.GONE),
        (done(ANN, {"form": "7A"}, {"form": "7B"}), {ANN: {"form": "7A"}}, Why.ALREADY),
        (done(ANN, {"form": None}, {"form": "7B"}), {ANN: {"form": ""}}, Why.CHANGED),
        (done(SEAT, None, {}), {}, Why.CHANGED),
        (done(SEAT, {}, None), {SEAT: {}}, Why.ALREADY),
        (done(SEAT, {}, None), {ANN: HERE}, Why.GONE),
        (done(TIE, None, {"ended_on": None}), {TIE: {"ended_on": DAY}}, Why.ALREADY),
        (done(ANN, None, {}), {ANN: HERE | {"status": "missing"}}, Why.CHANGED),
    ],
)
def test_what_is_left_alone(change: Done, rows: dict[Who, Facts], why: str) -> None:
    found = judged(change, rows=rows)
    assert (whys(found), found.restores) == ([why], ())


def test_an_address_goes_back_while_the_mis_moves_on() -> None:
    change = done(JOAN, {"email": "a@x.example", "mis_email": "a@x.example"}, {"email": "", "mis_email": ""})
    (one,) = judged(change, rows={JOAN: HERE | {"mis_email": "b@x.example"}}, addresses={JOAN: ""}).restores
    assert one.to == {"email": "a@x.example"}


def test_a_newcomer_keeps_an_address_that_changed_since() -> None:
    (one,) = judged(done(JOAN, None, {"email": "a@x.example"}), rows={JOAN: HERE | {"email": "b@x.example"}}).restores
    assert one.to == {"status": "left", "missing_since": None, "left_on": DAY}


def test_a_recognised_domain_does_not_come_back_without_its_address() -> None:
    ruth: Who = (Kind.STAFF, 3)
    mail = done(ruth, {"email": "a@alder.example"}, {"email": "b@x.example"})
    flag = done(ruth, {"domain_recognised": True}, {"domain_recognised": False}, id=2)
    rows = {ruth: HERE | {"email": "b@x.example", "domain_recognised": False}}
    taken = {ruth: "b@x.example", (Kind.STAFF, 4): "a@alder.example"}
    domains = frozenset({"alder.example"})
    assert whys(judged(mail, flag, rows=rows, addresses=taken, domains=domains)) == [Why.TAKEN, Why.DOMAIN]
    free = {ruth: "b@x.example"}
    assert len(judged(mail, flag, rows=rows, addresses=free, domains=domains).restores) == 2


def test_a_tie_that_came_back_goes_back_in_parts() -> None:
    change = done(TIE, {"priority": 1, "ended_on": DAY}, {"priority": 2, "ended_on": None}, action="arrive")
    found = judged(change, rows={TIE: {"priority": 3, "ended_on": None}})
    assert [(one.action, one.to) for one in found.restores] == [("end", {"ended_on": DAY})]
    assert [(one.why, one.columns) for one in found.left_alone] == [(Why.CHANGED, ("priority",))]
    whole = judged(change, rows={TIE: {"priority": 2, "ended_on": None}})
    assert [(one.was, one.to) for one in whole.restores] == [
        ({"priority": 2, "ended_on": None}, {"priority": 1, "ended_on": DAY})
    ]


def test_a_confirmation_outlives_midnight_but_not_another_outcome() -> None:
    change = done(ANN, None, {})
    rows: dict[Who, Facts] = {ANN: HERE}
    tomorrow = undoing([change], Present(rows=rows), day=DAY + datetime.timedelta(days=1))
    assert tomorrow.digest() == judged(change, rows=rows).digest() != judged(change).digest()
