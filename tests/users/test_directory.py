"""“Why can’t they …?” against the rules themselves: whoever has no blocking reason comes in, and nobody else does."""

import datetime
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import Http404
from django.utils import timezone

from tenants import scope
from tenants.models import School, SchoolDomain
from tests.conftest import Person, signed_in
from tests.factories import people
from users import directory, doors, queries
from users.directory import Feed
from users.models import Account, Guardian, Membership, StaffMember, Student, Tie
from users.operations.accounts import link_people
from users.reasons import blocked, sight

DAY = datetime.date(2026, 11, 20)
NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.UTC)
MAKERS: dict[str, Any] = {
    "students": people.student,
    "guardians": people.guardian,
    "staff": people.staff_member,
}
STANDINGS: dict[str, dict[str, Any]] = {
    "active": {},
    "missing": {"status": "missing", "missing_since": DAY},
    "left": {"status": "left", "left_on": DAY},
    "deleted": {"status": "left", "left_on": DAY, "deleted_at": NOW},
}
LOGINS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "waits": {"confirmed_at": None},
    "refused": {"confirmed_at": None, "refused_at": NOW},
    "open": {"confirmed_at": NOW},
}
MODE = {"guardians": "parent", "staff": "staff", "students": "no mode of theirs"}


def comes_in(account: Account, school: School, kind: str) -> bool:
    """Whether the app itself lets this account in as this kind of person."""
    ways = {(way.school, way.mode) for way in queries.ways_of(account_id=account.pk).open}
    with scope.school(school.pk):
        standing = queries.standing(account_id=account.pk)
    inside = (school, MODE[kind]) in ways
    if school.status == School.Status.ACTIVE:  # else the middleware answers 404 before anybody asks
        assert inside == (MODE[kind] in standing.modes)
    return inside and account.is_active


@pytest.mark.parametrize("kind", list(MAKERS))
def test_no_blocking_reason_and_coming_in_are_the_same_thing(northgate: School, himal: School, kind: str):
    School.objects.filter(pk=himal.pk).update(status=School.Status.SUSPENDED)
    himal.refresh_from_db()
    came_in = []
    matrix = itertools.product((northgate, himal), STANDINGS, LOGINS, (True, False), ("real", ""))
    for number, (school, standing, login, active, address) in enumerate(matrix):
        if standing == "deleted" and kind != "staff":
            continue
        account = Account.objects.create(email=f"a{number}@mail.example", is_active=active)
        with scope.school(school.pk):
            email = account.email if address else ""
            row = MAKERS[kind](f"Ana N{number}", email=email, **STANDINGS[standing])
            if (link := LOGINS[login]) is not None:
                Membership.objects.create(account=account, school=school, **{directory.COLUMNS[kind]: row}, **link)
            reasons = directory.why_not_in(row, school)
        assert comes_in(account, school, kind) is not blocked(reasons), (school, standing, login, active, reasons)
        came_in += [standing] * (not blocked(reasons))
    assert set(came_in) == ({"active", "missing"} if kind != "students" else set())


def test_who_has_no_blocking_reason_is_shown_the_page(northgate: School):
    for active, status in itertools.product((True, False), ("active", "left")):
        account = people.account(f"{status}.{active}@mail.example".lower(), is_active=active)
        with scope.school(northgate.pk):
            row = people.guardian("Bob Reyes", email=account.email, status=status)
            people.membership(account, guardian=row)
            reasons = directory.why_not_in(row, northgate)
        shown = signed_in(account).get("/s/northgate/parent/").status_code == 200
        assert shown is not blocked(reasons)


@pytest.fixture
def school(northgate: School) -> Iterator[School]:
    """Northgate, open, with a domain, a primary year and a year whose students sign in."""
    SchoolDomain.objects.create(school=northgate, domain="northgate-school.example")
    northgate.primary_years, northgate.student_access_years = ["4"], ["12"]
    northgate.save()
    with scope.school(northgate.pk):
        yield northgate


def why(person: Any, school: School, feed: Feed = directory.NOTHING_SAID) -> str:
    """What keeps somebody out, after the logins were made as a night makes them."""
    link_people(at=timezone.now())
    return directory.why_not_in(person, school, feed)[0].text


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("guardians", {"mis_email": None}, "does not share"),
        ("guardians", {"mis_email": ""}, "has no address"),
        ("guardians", {"mis_email": "new@mail.example"}, "not here yet"),
        ("guardians", {"mis_email": "Kit@Mail.example"}, "Kit Moss’s already"),
        ("staff", {"email": "a@elsewhere.example"}, "none of the school’s domains"),
        ("staff", {"email": "a@northgate-school.example"}, "not made yet"),
        ("students", {"mis_email": "c@mail.example", "year": "7"}, "do not sign in"),
        ("students", {"mis_email": "c@mail.example", "year": "4"}, "primary year"),
        ("students", {"mis_email": "c@mail.example", "year": "12"}, "not here yet"),
        ("students", {"mis_email": None, "year": None}, "do not sign in"),
    ],
)
def test_each_cause_of_having_no_login(school: School, kind: str, fields: dict[str, Any], words: str):
    people.guardian("Kit Moss", email="kit@mail.example")
    assert words in why(MAKERS[kind]("Ana Reyes", **fields), school)


def test_what_only_the_sync_knows_is_told(school: School):
    adult = people.guardian("Ana Reyes")
    assert "malformed" in why(adult, school, Feed(malformed=True))
    adult.mis_email = "new@mail.example"
    assert "decision" in why(adult, school, Feed(held=True))


def test_a_blocked_domain_is_told_to_guardians_alone(school: School):
    school.block_own_domains_for_guardians = True
    school.save()
    adult = people.guardian("Ana Reyes", mis_email="ana@northgate-school.example")
    assert "blocked for parents" in why(adult, school)
    staff = people.staff_member("Ana Reyes", email="ana@northgate-school.example", domain_recognised=True)
    link_people(at=timezone.now())
    assert not blocked(directory.why_not_in(staff, school))
    told = directory.as_parent(staff, school)
    assert told.guardian == adult
    assert "blocked for parents" in told.reasons[0].text


def test_parent_mode_of_staff_is_there_exactly_when_nothing_keeps_it(school: School):
    staff = people.staff_member("Jo Hart", email="jo@northgate-school.example", domain_recognised=True)
    link_people(at=timezone.now())
    account = Account.objects.get(email=staff.email)
    assert "No guardian" in directory.as_parent(staff, school).reasons[0].text
    assert queries.standing(account_id=account.pk).guardian is None
    adult = people.guardian("Jo Hart", email="JO@northgate-school.example")
    link_people(at=timezone.now())
    assert not blocked(directory.as_parent(staff, school).reasons)
    assert queries.standing(account_id=account.pk).guardian == adult
    Guardian.objects.update(status="left")
    assert blocked(directory.as_parent(staff, school).reasons)
    assert queries.standing(account_id=account.pk).guardian is None


def test_a_student_is_seen_exactly_when_nothing_stands_in_the_way(bob: Person, northgate: School):
    seen = 0
    with scope.school(northgate.pk):
        for number, flags in enumerate(itertools.product((False, True), repeat=5)):
            ended, restricted, shut, left, no_duty = flags
            child = people.student(f"Child {number}", status="left" if left else "active")
            tie: Tie = people.tie(
                bob.guardian,  # type: ignore[arg-type] # Bob is one
                child,
                ended_on=DAY if ended else None,
                restricted=restricted,
                blocked_at=NOW if shut else None,
                parental_responsibility=not no_duty,
            )
            shown = is_shown(bob, child)
            assert shown is not blocked(sight(directory.sight_of(tie, child))), flags
            seen += shown
        stranger = people.student("No Tie")
        assert is_shown(bob, stranger) is not blocked(sight(directory.sight_of(None, stranger)))
    assert seen == 2


def is_shown(guardian: Person, child: Student) -> bool:
    """Whether the door lets this guardian see the child."""
    try:
        return doors.child_for(guardian.guardian, child.pk) == child  # type: ignore[arg-type] # Bob is one
    except Http404:
        return False


def test_a_guardian_is_told_of_their_own_and_of_who_is_asked_for(bob: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        zoe = people.student("Zoë Muñoz")
        assert bob.guardian
        assert [child.student for child in directory.children_seen(bob.guardian)] == [ana]
        asked = directory.children_seen(bob.guardian, words="munoz")
    assert [(child.student, child.is_seen) for child in asked] == [(ana, True), (zoe, False)]


def test_the_list_folds_pages_and_says_how_they_stand(school: School):
    people.student("Zoë Muñoz", year="4", form="4B", status="missing", missing_since=DAY)
    people.guardian("Gone Girl", email="g@mail.example", status="left", left_on=DAY)
    people.staff_member("Dee Leted", status="left", left_on=DAY, deleted_at=NOW)
    people.student("Left Behind", status="left")
    people.guardian("By Hand", email="b@mail.example", source="manual")
    (row,) = directory.people("students", words="MUNOZ").object_list
    assert (row.name, row.detail) == ("Zoë Muñoz", "Year 4 · 4B")
    assert [word for word, _ in row.states] == ["Missing from the MIS", "No e-mail address"]
    (by_hand,) = directory.people("guardians").object_list
    assert [word for word, _ in by_hand.states] == ["Added by hand"]
    gone = {row.name: [word for word, _ in row.states] for row in directory.people(directory.GONE).object_list}
    assert gone == {
        "Left Behind": ["Left"],
        "Gone Girl": ["Left on 20 November 2026"],
        "Dee Leted": ["Deleted by hand"],
    }
    for number in range(51):
        people.staff_member(f"Kit {number:02}")
    assert [len(directory.people("staff", page=page).object_list) for page in (1, 2)] == [50, 1]


def test_the_rules_of_each_year_are_counted(school: School):
    people.student("Ana Reyes", year="4", mis_email="a@mail.example")
    people.student("Bo Reyes", year="4")
    people.student("Cy Reyes", year="7")
    people.student("Di Reyes", year=None)
    found = [(r.label, r.students, r.with_address, r.primary, r.open) for r in directory.year_rules(school)]
    assert found == [("4", 2, 1, True, False), ("7", 1, 0, False, False), ("12", 0, 0, False, True)]


def test_staff_have_classes_and_no_ties(school: School):
    kit = people.staff_member("Kit Moss")
    ana = people.student("Ana Reyes")
    people.school_class("Willow", ana, teacher=kit)
    adult = people.guardian("Bob Reyes")
    tie = people.tie(adult, ana)
    assert [directory.classes_with(each) for each in (kit, ana, adult)] == [("Willow",), ("Willow",), ()]
    assert [directory.ties_of(each) for each in (kit, ana, adult)] == [(), (tie,), (tie,)]
    assert [directory.kind_of(each) for each in (StaffMember(), Student(), Guardian())] == [
        "staff",
        "students",
        "guardians",
    ]
