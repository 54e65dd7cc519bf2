"""The buckets of what is wrong with a school's data, over real rows (R28, R48, R67)."""

import datetime
from typing import Any

import pytest

from sync.buckets import BUCKETS, BY_FAULT, BY_KEY, is_role_mailbox
from sync.models import Run
from sync.pipeline.roster import Fault
from sync.queries import quality
from sync.queries.quality import refusals
from sync.queries.quality.people import Row
from tenants import scope
from tenants.models import School
from tests.factories import people, runs


@pytest.fixture(autouse=True)
def inside(northgate: School) -> Any:
    """Northgate is open."""
    with scope.school(northgate.pk):
        yield


def rows(key: str, school: School) -> list[Row]:
    return list(quality.bucket_page(BY_KEY[key], school, page=1).object_list)


def numbers(school: School) -> dict[str, int]:
    return {filled.bucket.key: filled.number for filled in quality.quality(school, mis="SIMS").filled}


def guardian(name: str, ref: str, **fields: Any) -> Any:
    made = people.guardian(name, **fields)
    runs.identity(made, ref)
    return made


def test_every_fault_lies_in_one_bucket():
    assert set(BY_FAULT) == set(Fault)
    assert sum(len(bucket.faults) for bucket in BUCKETS) == len(Fault)
    assert len(BY_KEY) == len(BUCKETS)
    assert all("SIMS" in bucket.to_change("SIMS") for bucket in BUCKETS if bucket.key != "none")


def test_before_the_first_run_only_people_can_lack_something(northgate: School):
    guardian("No Address", "g1")
    assert numbers(northgate) == {"no-email": 1}
    assert refusals.last_fixed() is None


def test_who_has_no_address_and_why(northgate: School):
    northgate.student_access_years = ["11"]
    guardian("Ana Empty", "g1", mis_email="")
    guardian("Bo Silent", "g2", mis_email=None)
    guardian("Cy Mistaken", "g3", mis_email="")
    guardian("Di Gone", "g4", status="left")
    guardian("Ed Fine", "g5", email="ed@mail.example")
    people.guardian("Fay Byhand", source="manual")
    people.student("Gus Old", year="11")
    people.student("Hal Young", year="3")  # no access: a dummy is the school's own decision
    runs.judged(("guardians", "g3", Fault.EMAIL))
    assert [(row.who.name, row.who.ref, row.says) for row in rows("no-email", northgate)] == [
        ("Ana Empty", "g1", "The e-mail field is empty."),
        ("Gus Old", "", "The e-mail field is empty."),
        ("Bo Silent", "g2", "The MIS does not share an address."),
    ]
    assert numbers(northgate) == {"no-email": 3, "malformed": 1}
    (mistaken,) = rows("malformed", northgate)
    assert (mistaken.who.name, mistaken.who.ref, mistaken.holds) == ("Cy Mistaken", "g3", "no address")


def test_two_people_of_one_address_name_each_other(northgate: School):
    guardian("Ines Reyes", "g1", email="reyes@mail.example")
    guardian("Tom Reyes", "g2", mis_email="Reyes@mail.example")
    people.student("Ana Reyes")
    runs.judged(("guardians", "g2", Fault.SHARED_ADDRESS))
    found = rows("shared", northgate)
    assert [(r.who.name, r.holds, [o.name for o in r.others], [o.ref for o in r.others]) for r in found] == [
        ("Ines Reyes", "reyes@mail.example: in use", ["Tom Reyes"], ["g2"]),
        ("Tom Reyes", "no address of their own", ["Ines Reyes"], ["g1"]),
    ]
    assert numbers(northgate) == {"shared": 2}


def test_an_offices_mailbox_is_one_line(northgate: School):
    refused = []
    guardian("First Holder", "g0", email="office@mail.example")
    for number in range(1, 40):
        guardian(f"Parent {number:02}", f"g{number}", mis_email="office@mail.example")
        refused.append(("guardians", f"g{number}", Fault.SHARED_ADDRESS))
    runs.judged(*refused)
    assert numbers(northgate) == {"role-mailbox": 1}
    (row,) = rows("role-mailbox", northgate)
    assert (row.who.name, row.says, len(row.others)) == ("office@mail.example", "40 affected.", 40)
    # A file has a line for each: each has to be put right.
    assert len(quality.every_row(BY_KEY["role-mailbox"], northgate)) == 40


def test_what_the_plan_calls_a_role_mailbox_is_one_however_few(northgate: School):
    for number in (1, 2):
        guardian(f"Parent {number}", f"g{number}", mis_email="front.desk@mail.example")
    runs.judged(("guardians", "g1", Fault.ROLE_MAILBOX), ("guardians", "g2", Fault.ROLE_MAILBOX))
    assert numbers(northgate) == {"role-mailbox": 1}


@pytest.mark.parametrize(
    ("address", "people", "office"),
    [
        ("office@mail.example", 2, False),
        ("office@mail.example", 3, True),
        ("ann@mail.example", 4, False),
        ("ann@mail.example", 5, True),
    ],
)
def test_when_an_address_is_an_offices(address: str, people: int, office: bool):  # noqa: FBT001
    assert is_role_mailbox(address, people) is office


def test_a_refused_address_that_the_mis_has_replaced_is_nobodys(northgate: School):
    guardian("Tom Reyes", "g2", mis_email=None)
    runs.judged(("guardians", "g2", Fault.SHARED_ADDRESS), ("guardians", "never-arrived", Fault.SHARED_ADDRESS))
    assert rows("shared", northgate) == []


def test_a_link_that_leads_nowhere_names_the_half_that_is_lost(northgate: School):
    willow, ana = people.school_class("Willow"), people.student("Ana Reyes")
    runs.identity(willow, "c1")
    runs.identity(ana, "s1")
    run = runs.judged()
    for kind, ref, other, field in (
        ("enrolments", "s404", "c1", "student_ref"),
        ("enrolments", "c404", "s1", "class_ref"),
        ("ties", "g404", "s1", "guardian_ref"),
        ("medical", "s404", "note-1", "student_ref"),
    ):
        runs.refuse(run, kind, ref, Fault.DANGLING, other_ref=other, field=field)
    runs.refuse(run, "ties", "s1", Fault.TWICE, other_ref="g1")
    found = rows("dangling", northgate)
    assert [(r.kind, r.who.kind, r.who.ref, [(o.kind, o.name or o.ref) for o in r.others]) for r in found] == [
        ("enrolments", "classes", "c404", [("students", "Ana Reyes")]),
        ("enrolments", "students", "s404", [("classes", "Willow")]),
        ("medical", "students", "s404", []),
        ("ties", "guardians", "g404", [("students", "Ana Reyes")]),
    ]
    assert not any(row.who.is_person for row in found)
    (twice,) = rows("unreadable", northgate)
    assert (twice.who.name, twice.who.is_person, twice.others[0].ref) == ("Ana Reyes", True, "g1")


def test_guardians_who_may_be_one_person(northgate: School):
    ana, ben = people.student("Ana Reyes"), people.student("Ben Reyes")
    pairs = {
        "name": (people.guardian("Zoë Reyes", phone="1"), people.guardian("zoe reyes", phone="2")),
        "telephone": (
            people.guardian("Tom Reyes", phone="+44 7700 900123"),
            people.guardian("Ida Reyes", phone="(44) 7700-900123"),
        ),
        "both": (
            people.guardian("Jo Hart", phone="07700 900456"),
            people.guardian("Jo Hart", phone="07700900456"),
        ),
    }
    for child in (ana, ben):  # two children make no two pairs
        for pair in pairs.values():
            for one in pair:
                people.tie(one, child)
    people.tie(people.guardian("Short Number", phone="999"), ana)
    people.tie(people.guardian("Other Short", phone="999"), ana)
    people.tie(people.guardian("Jo Hart", status="left"), ana)
    people.tie(people.guardian("Tom Reyes"), ana, ended_on=datetime.date(2026, 9, 1))
    people.tie(people.guardian("Zoë Reyes"), people.student("Somebody Else"))
    found = rows("duplicates", northgate)
    assert [(r.who.name, r.others[0].name, r.says.rpartition("the same ")[2]) for r in found] == [
        ("Zoë Reyes", "zoe reyes", "name."),
        ("Tom Reyes", "Ida Reyes", "telephone."),
        ("Jo Hart", "Jo Hart", "telephone."),
    ]
    assert "same name and" in found[2].says


def test_staff_who_are_not_in_the_last_feeds(northgate: School):
    missing = datetime.date(2026, 11, 20)
    for night in range(19, 24):
        kinds = {"students": 1} if night == 22 else None  # a feed without staff says nothing of staff
        runs.run(local_date=datetime.date(2026, 11, night), plan_hash="judged", kinds=kinds)
    people.staff_member("Kit Moss", missing_since=missing, status="missing")
    people.staff_member("Lea Moss", missing_since=datetime.date(2026, 11, 23), status="missing")
    people.staff_member("By Hand", missing_since=missing, source="manual")
    people.staff_member("Is Here")
    found = rows("staff", northgate)
    assert [(r.who.name, r.says, r.since) for r in found] == [
        ("Kit Moss", "Not in the last 3 feeds.", missing),
        ("Lea Moss", "Not in the last feed.", datetime.date(2026, 11, 23)),
    ]


def test_names_with_broken_letters(northgate: School):
    people.student("Zoë MuÃ±oz", preferred_name="Zo?")
    people.guardian("João CONCEIÇÃO", email="j@mail.example")
    people.staff_member("Gone JosÃ©", status="left")
    found = rows("characters", northgate)
    assert [(r.holds, r.field, r.says) for r in found] == [
        ("MuÃ±oz", "family_name", "Letters were read in the wrong character set. Perhaps it was “Muñoz”."),
        ("Zo?", "preferred_name", "A question mark stands where a letter should be."),
    ]


# Since when, and what has been put right.


def test_since_when_begins_anew_after_a_gap(northgate: School):
    fault, other = ("guardians", "g1", Fault.EMAIL), ("guardians", "g2", Fault.EMAIL)
    for ago, faults in enumerate([(fault, other), (fault, other), (other,), (fault, other)]):
        runs.judged(*faults, ago=ago)
    runs.run(ago=0, status="failed")  # judged nothing
    found = {row.who.ref: row.since for row in rows("malformed", northgate)}
    nights = list(refusals.judged().values_list("local_date", flat=True))
    assert found == {"g1": nights[1], "g2": nights[3]}


def test_what_was_wrong_a_week_ago_and_is_not_any_more(northgate: School):
    guardian("Tom Reyes", "g1")
    runs.judged(("guardians", "ancient", Fault.EMAIL), ago=20)
    runs.judged(
        ("guardians", "g1", Fault.EMAIL), ("staff", "t1", Fault.NAMELESS), ("guardians", "g2", Fault.EMAIL), ago=8
    )
    runs.judged(("guardians", "yesterday", Fault.EMAIL), ago=1)
    runs.judged(("guardians", "g2", Fault.EMAIL))
    found = refusals.last_fixed(with_rows=True)
    assert found is not None
    assert found.since == refusals.judged()[2].local_date
    assert [(bucket.key, number) for bucket, number in found.buckets] == [("malformed", 1), ("nameless", 1)]
    assert {row.who.name or row.who.ref for row in found.rows} == {"Tom Reyes", "t1"}
    assert quality.mended(found).startswith("2 faults of the data are gone from your MIS since ")


def test_a_young_school_is_compared_with_its_first_run(northgate: School):
    runs.judged(("guardians", "g1", Fault.EMAIL), ago=2)
    runs.judged(ago=1)
    runs.judged()
    found = refusals.last_fixed()
    assert found is not None
    assert found.number == 1
    assert quality.mended(found).startswith("1 fault of the data is gone")


def test_silence_is_no_correction(northgate: School):
    runs.judged(("guardians", "g1", Fault.EMAIL), ago=8)
    runs.judged(kinds={"students": 3})  # guardians were not read to their end
    assert quality.mended(refusals.last_fixed()) == ""


@pytest.mark.parametrize("how", [{"generation": 2}, {"trigger": Run.Trigger.UNDO}])
def test_another_mis_and_an_undo_are_no_comparison(northgate: School, how: dict[str, Any]):
    runs.judged(("guardians", "g1", Fault.EMAIL), ago=8)
    runs.judged(("guardians", "g1", Fault.EMAIL), ago=1)
    runs.judged(**how)
    found = refusals.last_fixed()
    assert found is None or found.number == 0
