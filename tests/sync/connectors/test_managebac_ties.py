"""Who belongs to whom, given row by row: what parents state, what only students state, and what nobody can tell."""

from typing import Any

from local.simulators.managebac import ManageBac
from local.world.build import crowd
from sync.pipeline.extract import Extract
from sync.records import NOT_SHARED, Enrolment, Kind, Teaching, Tie, Unreadable
from tests.sync.connectors.managebac_feed import of, pull

SCHOOL = crowd(students=14)


def student(ref: int, *parents: int) -> dict[str, Any]:
    return {"id": ref, "first_name": "Ann", "last_name": "Bell", "archived": False, "parent_ids": [*parents]}


def parent(ref: int, **links: Any) -> dict[str, Any]:
    return {"id": ref, "first_name": "Jo", "last_name": "Bell", "archived": False, **links}


def read(students: list[dict[str, Any]], parents: list[dict[str, Any]]) -> Extract:
    return pull(ManageBac(SCHOOL, 1, rows={"students": students, "parents": parents}), homerooms="no")


def pairs(found: Extract) -> list[tuple[str, str]]:
    return [(tie.student_ref, tie.guardian_ref) for tie in of(Tie, found)]


def unclear(found: Extract) -> list[tuple[str, str]]:
    return [(one.ref, one.other_ref) for one in of(Unreadable, found) if one.kind is Kind.TIES]


def test_only_the_one_sided_tie_is_unclear() -> None:
    parents = [parent(1, children=[{"id": 7}]), parent(2, children=[]), parent(3, children=[])]
    found = read([student(7, 1, 3)], parents)
    assert (pairs(found), unclear(found)) == ([("7", "1")], [("7", "3")])
    assert Kind.TIES in found.complete


def test_one_parent_may_be_two_things_to_two_children() -> None:
    children = [{"id": 7, "relationship": "Mother"}, {"id": 8, "relationship": "Stepmother"}, {"id": 9}]
    found = read([student(7, 1), student(8, 1), student(9, 1)], [parent(1, children=children)])
    said = {tie.student_ref: tie.relationship for tie in of(Tie, found)}
    assert said == {"7": "Mother", "8": "Stepmother", "9": ""}
    assert {(tie.priority, tie.restricted, tie.parental_responsibility) for tie in of(Tie, found)} == {
        (NOT_SHARED, NOT_SHARED, NOT_SHARED)
    }


def test_parents_who_state_nothing_have_the_ties_their_children_state() -> None:
    found = read([student(7, 1, 2, 1), student(8)], [parent(1), parent(2, child_ids=[7])])
    assert sorted(pairs(found)) == [("7", "1"), ("7", "2")]
    assert not unclear(found)
    assert Kind.TIES in found.complete


def test_nobody_is_tied_to_a_child_or_a_parent_who_is_not_there() -> None:
    found = read([student(7, 1, 999)], [parent(1, child_ids=[7, 998])])
    assert (pairs(found), unclear(found)) == ([("7", "1")], [])


def test_a_parent_of_whom_two_versions_came_keeps_the_ties_of_the_children() -> None:
    parents = [parent(1, children=[{"id": 7}]), parent(1, children=[{"id": 8}]), parent(2, children=[{"id": 8}])]
    found = read([student(7, 1), student(8, 2)], parents)
    assert (pairs(found), unclear(found)) == ([("8", "2")], [("7", "1")])


def test_a_link_said_twice_counts_once() -> None:
    seats = [
        {"id": 1, "user_id": 7, "class_id": 5, "role": "student"},
        {"id": 2, "user_id": 7, "class_id": 5, "role": "Student"},
        {"id": 3, "user_id": 60, "class_id": 5, "role": "Teacher"},
        {"id": 4, "user_id": 60, "class_id": 5, "role": "Administrator"},
        {"id": 5, "user_id": 7, "class_id": 6, "role": "Student"},  # of a class that is not listed
    ]
    rows = {
        "students": [student(7)],
        "classes": [{"id": 5, "name": "Maths", "archived": False}],
        "teachers": [{"id": 60, "first_name": "Piet", "last_name": "Moss", "archived": False}],
        "memberships": seats,
    }
    found = pull(ManageBac(SCHOOL, 1, rows=rows), homerooms="no")
    assert of(Enrolment, found) == [Enrolment(class_ref="5", student_ref="7")]
    assert of(Teaching, found) == [Teaching(class_ref="5", staff_ref="60")]
    assert {Kind.ENROLMENTS, Kind.TEACHING} <= found.complete


def test_a_seat_that_changed_while_we_read_ends_no_seat() -> None:
    one = {"id": 1, "user_id": 7, "class_id": 5, "role": "student"}
    rows = {
        "students": [student(7), student(8)],
        "classes": [{"id": 5, "name": "Maths", "archived": False}],
        "memberships": [one, one | {"user_id": 8}],
    }
    found = pull(ManageBac(SCHOOL, 1, rows=rows), homerooms="no")
    assert [(bad.ref, bad.other_ref) for bad in of(Unreadable, found) if bad.kind is Kind.ENROLMENTS] == [("", "")]
    assert not of(Enrolment, found)
