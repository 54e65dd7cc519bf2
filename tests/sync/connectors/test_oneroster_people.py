"""Whom and what a OneRoster feed describes: unreadable rows, ties, roles, several schools, forms, seats (R4, R12)."""

import dataclasses
import datetime
from typing import Any

import pytest

from local.renderings.oneroster import TERMS, Row, Rows
from local.simulators.server import Reply, Request
from local.world.build import world
from sync.errors import Refused
from sync.pipeline.roster import Fault
from sync.records import NOT_SHARED, Kind, Staff, Unreadable
from tests.sync.connectors.oneroster_feed import (
    ALL,
    NOW,
    Altered,
    assert_true,
    guardians,
    pairs_unreadable,
    picture,
    pull,
    remarks,
    row,
    simulator,
    students,
    unreadable,
)

NEVER_BEFORE = ("ST-nobody", "CT-nobody")


def seat(rows: Rows) -> Row:
    return row(rows["enrollments"], role="student", status="active", endDate="2027-07-20")


# Rows that cannot be read


def test_demographics_that_cannot_be_read_leave_notes_and_birth_dates_alone() -> None:
    refs: list[str] = []

    def change(rows: Rows) -> None:
        one, two, three, four = rows["demographics"][:4]
        one["birthDate"], two["birthDate"], three["status"] = 2013, "2013-04-08T23:00:00Z", "tobedeleted"
        four["birthDate"] = ""
        refs.extend(each["sourcedId"] for each in (one, two, three, four))

    said = pull(Altered(change))
    born = {ref: student.date_of_birth for ref, student in students(said).items()}
    assert [born[ref] for ref in refs] == [NOT_SHARED, NOT_SHARED, NOT_SHARED, None]
    assert {(Kind.MEDICAL, refs[0]), (Kind.DIETARY, refs[0])} <= unreadable(said)
    assert "1 birth dates cannot be read" in remarks(said)


@pytest.mark.parametrize(
    ("wrong", "kinds"),
    [
        ({"role": "captain"}, {Kind.ENROLMENTS, Kind.TEACHING}),
        ({"role": None}, {Kind.ENROLMENTS, Kind.TEACHING}),
        ({"endDate": "soon"}, {Kind.ENROLMENTS}),
        ({"beginDate": 5}, {Kind.ENROLMENTS}),
    ],
)
def test_an_enrollment_that_cannot_be_read_keeps_only_itself(wrong: dict[str, Any], kinds: set[Kind]) -> None:
    pairs: list[tuple[str, str]] = []

    def change(rows: Rows) -> None:
        one = seat(rows)
        one.update(wrong)
        pairs.append((one["class"]["sourcedId"], one["user"]["sourcedId"]))

    said = pull(Altered(change))
    for kind in (Kind.ENROLMENTS, Kind.TEACHING):
        assert pairs_unreadable(said, kind) == (set(pairs) if kind in kinds else set())
    assert not picture(said).proves_absence(kind=Kind.ENROLMENTS, key=pairs[0])
    assert picture(said).proves_absence(kind=Kind.ENROLMENTS, key=(pairs[0][0], "ST-nobody"))


@pytest.mark.parametrize("wrong", [{"user": None}, {"user": {"href": "/users/1"}}])
def test_an_enrollment_without_a_user_keeps_its_class_as_it_is(wrong: dict[str, Any]) -> None:
    classes: list[str] = []

    def change(rows: Rows) -> None:
        one = seat(rows)
        one.update(wrong)
        classes.append(one["class"]["sourcedId"])

    said = pull(Altered(change))
    assert (classes[0], "") in pairs_unreadable(said, Kind.ENROLMENTS)
    assert not picture(said).proves_absence(kind=Kind.ENROLMENTS, key=(classes[0], "ST-nobody"))


def test_an_enrollment_needs_no_identity_of_its_own() -> None:
    assert_true(pull(Altered(lambda rows: seat(rows).pop("sourcedId"))))


def test_an_unreadable_guardian_keeps_only_their_own_ties() -> None:
    pairs: set[tuple[str, str]] = set()

    def change(rows: Rows) -> None:
        parent = row(rows["users"], role="parent")
        parent["email"] = ["not", "text"]
        pairs.update((agent["sourcedId"], parent["sourcedId"]) for agent in parent["agents"])

    said = pull(Altered(change))
    assert pairs_unreadable(said, Kind.TIES) == pairs
    assert said.complete == ALL
    assert picture(said).proves_absence(kind=Kind.TIES, key=NEVER_BEFORE)
    assert not any(picture(said).proves_absence(kind=Kind.TIES, key=pair) for pair in pairs)


def test_an_unreadable_guardian_who_could_be_anybody_s_keeps_all_ties() -> None:
    def change(rows: Rows) -> None:
        row(rows["users"], role="parent")["agents"] = "ST-1"

    said = pull(Altered(change, agents="guardian"))
    assert not picture(said).proves_absence(kind=Kind.TIES, key=NEVER_BEFORE)


def test_an_unreadable_student_keeps_ties_and_notes() -> None:
    refs: list[str] = []

    def change(rows: Rows) -> None:
        one = row(rows["users"], role="student", status="active")
        one["givenName"] = {"first": "x"}
        refs.append(one["sourcedId"])

    said = pull(Altered(change))
    kinds = {Kind.STUDENTS, Kind.TIES, Kind.MEDICAL, Kind.DIETARY}
    assert {kind for kind, ref in unreadable(said) if ref == refs[0]} == kinds
    assert any("“givenName” is not" in r.reason for r in said.records if isinstance(r, Unreadable))


def test_rows_without_an_identity_are_somebody_whom_nobody_can_name() -> None:
    def change(rows: Rows) -> None:
        del row(rows["users"], role="student", status="active")["sourcedId"]
        row(rows["users"], role="parent")["sourcedId"] = " "

    roster = picture(pull(Altered(change)))
    assert not roster.proves_absence(kind=Kind.STUDENTS, key="ST-nobody")
    assert not roster.proves_absence(kind=Kind.GUARDIANS, key="CT-nobody")
    assert not roster.proves_absence(kind=Kind.TIES, key=NEVER_BEFORE)


def test_half_a_letter_makes_a_row_unreadable_and_not_the_feed() -> None:
    class Halved(Altered):
        def _with_addresses(self, reply: Reply, request: Request) -> Reply:
            return dataclasses.replace(reply, body=reply.body.replace(b"HALF", rb"\ud83d"))

    def change(rows: Rows) -> None:
        row(rows["users"], role="teacher")["familyName"] = "HALF"
        rows["classes"][0]["sourcedId"] += "HALF"

    said = pull(Halved(change))
    assert {r.reason for r in said.records if isinstance(r, Unreadable)} == {"It holds half a letter."}
    assert len(students(said)) == 60


def test_classes_that_cannot_be_read_or_came_twice_are_named() -> None:
    refs: list[str] = []

    def change(rows: Rows) -> None:
        rows["classes"][0]["title"] = 5
        rows["classes"].append({**rows["classes"][1], "title": "Another"})
        refs.extend(each["sourcedId"] for each in rows["classes"][:2])

    said = pull(Altered(change))
    assert {ref for kind, ref in unreadable(said) if kind is Kind.CLASSES} == set(refs)
    assert Kind.CLASSES not in said.complete


# Who somebody is


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_role_that_nobody_knows_may_be_anybody_and_keeps_only_what_names_them(version: str) -> None:
    said = pull(simulator("unknown-role", version=version))
    bad = unreadable(said)
    assert {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF} <= {kind for kind, _ in bad}
    assert len({ref for kind, ref in bad if kind is not Kind.TIES}) == 1
    assert said.complete == ALL
    assert picture(said).proves_absence(kind=Kind.TIES, key=NEVER_BEFORE)


def test_an_agent_of_unknown_role_keeps_the_tie() -> None:
    pairs: list[tuple[str, str]] = []

    def change(rows: Rows) -> None:
        parent = row(rows["users"], role="parent")
        parent["role"] = "ext:carer"
        pairs.append((parent["agents"][0]["sourcedId"], parent["sourcedId"]))

    said = pull(Altered(change))
    assert set(pairs) <= pairs_unreadable(said, Kind.TIES)
    assert not picture(said).proves_absence(kind=Kind.TIES, key=pairs[0])


def test_whoever_is_gone_takes_ties_and_seats_along_and_agents_that_are_staff_are_none() -> None:
    def change(rows: Rows) -> None:
        row(rows["users"], role="student")["status"] = "inactive"
        other = row(rows["users"], role="student", status="active")
        other["agents"].append({"sourcedId": row(rows["users"], role="teacher")["sourcedId"]})
        other["agents"].append({"sourcedId": "CT-nobody"})

    served = Altered(change)
    gone = row(served.rows["users"], role="student", status="inactive")["sourcedId"]
    said = pull(served)
    named = {getattr(record, "student_ref", getattr(record, "ref", "")) for record in said.records}
    assert gone not in named
    assert "1 agents are not a student and a guardian" in remarks(said)
    assert Fault.DANGLING in {refusal.fault for refusal in picture(said).refusals}


def test_a_login_that_is_switched_off_and_dates_left_over_end_nobody() -> None:
    def change(rows: Rows) -> None:
        for user in rows["users"]:
            user.update(enabledUser="false", endDate="2020-07-31")

    def change_too(rows: Rows) -> None:
        for user in rows["users"]:
            user["enabledUser"] = False
            for place in user["roles"]:
                place["endDate"] = "2020-07-31"

    assert_true(pull(Altered(change)))
    assert_true(pull(Altered(change_too, version="1.2")), version="1.2")


def test_in_1_2_a_parent_who_teaches_is_one_row_and_two_people() -> None:
    northgate = world().school("northgate")
    both = northgate.at(1).guardians.keys() & northgate.at(1).staff.keys()
    said = pull(simulator(school=northgate, version="1.2"), page_size="500")
    refs = {f"TC-{northgate.at(1).staff[key].ref}" for key in both}
    assert refs
    assert refs <= guardians(said).keys()
    assert refs <= {record.ref for record in said.records if isinstance(record, Staff)}
    ties = {tie for tie in northgate.at(1).ties.values() if tie.guardian in both}
    assert sum(tie.guardian_ref in refs for tie in picture(said).ties.values()) == len(ties)
    assert said.complete >= {Kind.GUARDIANS, Kind.STAFF, Kind.TIES}


def test_other_spellings_of_1_2_are_known() -> None:
    def change(rows: Rows) -> None:
        for user in rows["users"]:
            user["agentSourceIds"] = [agent["sourcedId"] for agent in user.pop("agents")]
            if "preferredFirstName" in user:
                user["preferredGivenName"] = user.pop("preferredFirstName")

    assert_true(pull(Altered(change, version="1.2")), version="1.2")


def test_one_address_of_many_guardians_is_handed_on() -> None:
    assert {one.email for one in guardians(pull(simulator("same-email"))).values()} == {"office@family.example"}


# Several schools in one feed


def test_of_several_schools_one_is_named() -> None:
    with pytest.raises(Refused, match="2 schools"):
        pull(simulator(neighbour=True))
    with pytest.raises(Refused, match="no longer shared"):
        pull(simulator(neighbour=True), school="SC-gone")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("more", [{}, {"total": False}])
def test_only_the_named_school_is_read(version: str, more: dict[str, Any]) -> None:
    served = simulator(neighbour=True, version=version, **more)
    assert_true(pull(served, school=served.school_ref), version=version)


def test_orgs_that_cannot_be_read_are_passed_over() -> None:
    assert_true(pull(Altered(lambda rows: rows["orgs"].insert(0, {"sourcedId": "x", "type": 5}))))


def test_members_of_our_school_are_known_by_its_parts_its_classes_and_its_children() -> None:
    def change(rows: Rows) -> None:
        for role in ("student", "parent", "teacher"):
            user = row(rows["users"], role=role)
            user["orgs"] = [{"sourcedId": "DP-1" if role == "student" else "DI-1"}]
        taught = row(rows["enrollments"], role="teacher")
        taught["user"] = {"sourcedId": row(rows["users"], role="teacher")["sourcedId"]}
        row(rows["users"], sourcedId="CT-next")["agents"].append({"sourcedId": "ST-elsewhere"})

    served = Altered(change, neighbour=True)
    said = pull(served, school=served.school_ref)
    refs = {getattr(record, "ref", "") for record in said.records}
    assert refs >= {row(served.rows["users"], role=role)["sourcedId"] for role in ("student", "parent", "teacher")}
    assert not refs & {"ST-next", "CT-next", "TC-next", "CL-next"}
    assert said.complete == ALL


def test_whoever_names_no_school_may_be_ours() -> None:
    refs: dict[str, str] = {}

    def change(rows: Rows) -> None:
        for role in ("student", "administrator"):
            user = row(rows["users"], role=role, status="active")
            user["orgs"] = [] if role == "student" else None
            refs[role] = user["sourcedId"]
        rows["classes"][0]["school"] = None
        refs["class"] = rows["classes"][0]["sourcedId"]

    served = Altered(change, neighbour=True)
    said = pull(served, school=served.school_ref)
    assert {(Kind.STUDENTS, refs["student"]), (Kind.STAFF, refs["administrator"]), (Kind.CLASSES, refs["class"])} <= (
        unreadable(said)
    )
    assert not picture(said).proves_absence(kind=Kind.STUDENTS, key=refs["student"])
    assert (refs["student"], "") not in pairs_unreadable(said, Kind.ENROLMENTS)


def test_unreadable_rows_of_another_school_are_none_of_ours() -> None:
    def change(rows: Rows) -> None:
        for ref in ("ST-next", "CT-next", "TC-next"):
            row(rows["users"], sourcedId=ref)["email"] = 5
        row(rows["classes"], sourcedId="CL-next")["title"] = 5
        for one in rows["enrollments"]:
            if one["class"]["sourcedId"] == "CL-next":
                one["role"] = "captain"

    served = Altered(change, neighbour=True)
    assert_true(pull(served, school=served.school_ref))


def test_an_enrollment_of_nobody_knows_which_class_and_school_may_be_ours() -> None:
    def change(rows: Rows) -> None:
        one = seat(rows)
        one["class"] = one["school"] = None

    served = Altered(change, neighbour=True)
    roster = picture(pull(served, school=served.school_ref))
    assert not roster.proves_absence(kind=Kind.ENROLMENTS, key=("CL-nobody", "ST-nobody"))


def test_staff_are_not_proven_while_nobody_can_tell_who_teaches_here() -> None:
    def change(rows: Rows) -> None:
        row(rows["enrollments"], role="teacher")["user"] = None

    served = Altered(change, neighbour=True)
    assert pull(served, school=served.school_ref).complete == ALL - {Kind.STAFF}


@pytest.mark.parametrize("fault", ["no-classes", "no-enrollments"])
def test_of_several_schools_staff_and_seats_are_proven_only_with_the_classes(fault: str) -> None:
    served = simulator(fault, neighbour=True)
    said = pull(served, school=served.school_ref)
    assert not said.complete & {Kind.STAFF, Kind.ENROLMENTS, Kind.TEACHING}
    assert Kind.STUDENTS in said.complete


# Forms and seats


def test_a_student_of_two_homerooms_keeps_the_form_we_know() -> None:
    refs: list[str] = []

    def change(rows: Rows) -> None:
        homes = {one["sourcedId"]: one["title"] for one in rows["classes"] if one["classType"] == "homeroom"}
        one = next(e for e in rows["enrollments"] if e["class"]["sourcedId"] in homes and e["role"] == "student")
        other = next(ref for ref, title in homes.items() if title != homes[one["class"]["sourcedId"]])
        rows["enrollments"].append({**one, "sourcedId": "EN-more", "class": {"sourcedId": other}})
        refs.append(one["user"]["sourcedId"])

    said = pull(Altered(change))
    assert students(said)[refs[0]].form is NOT_SHARED
    assert "1 students sit in several homeroom classes" in remarks(said)


@pytest.mark.parametrize("terms", ["no-academicSessions", ""])
def test_a_seat_that_ended_before_its_class_is_over(terms: str) -> None:
    pairs: list[tuple[str, str]] = []

    def change(rows: Rows) -> None:
        one = seat(rows)
        one["endDate"] = "2026-10-01"
        pairs.append((one["class"]["sourcedId"], one["user"]["sourcedId"]))

    said = pull(Altered(change, faults=frozenset({terms} - {""})))
    assert pairs[0] not in picture(said).enrolments
    assert picture(said).proves_absence(kind=Kind.ENROLMENTS, key=pairs[0])


def test_in_the_holidays_seats_stay_until_the_service_drops_them() -> None:
    in_august = datetime.datetime(2027, 8, 1, 1, tzinfo=datetime.UTC)
    assert_true(pull(simulator(), now=in_august))
    without = pull(simulator("no-academicSessions"), now=in_august)
    assert not picture(without).enrolments
    assert Kind.ENROLMENTS not in without.complete  # nothing came, and that is not taken as an empty list


def test_a_seat_of_a_term_is_over_when_the_year_goes_on() -> None:
    pairs: list[tuple[str, str]] = []

    def change(rows: Rows) -> None:
        one = seat(rows)
        one["endDate"] = TERMS["SE-autumn"][1]
        pairs.append((one["class"]["sourcedId"], one["user"]["sourcedId"]))

    in_january = datetime.datetime(2027, 1, 20, 1, tzinfo=datetime.UTC)
    after = picture(pull(Altered(change), now=in_january))
    before = picture(pull(Altered(change), now=NOW))
    assert pairs[0] in before.enrolments
    assert pairs[0] not in after.enrolments


def test_classes_that_are_gone_take_their_seats_along() -> None:
    served = Altered(lambda rows: rows["classes"][0].update(status="tobedeleted"))
    ref = served.rows["classes"][0]["sourcedId"]
    roster = picture(pull(served))
    assert ref not in roster.classes
    assert ref not in {key[0] for key in roster.enrolments}
    assert not roster.refusals


# Bad nights of the whole feed


@pytest.mark.parametrize("fault", ["shrunk", "new-ids"])
def test_what_only_the_gate_can_judge_is_handed_on_as_it_came(fault: str) -> None:
    said = pull(simulator(fault))
    assert Kind.STUDENTS in said.complete
    refs = students(said).keys()
    assert len(refs) < 40 if fault == "shrunk" else all(ref.startswith("new-") for ref in refs)
