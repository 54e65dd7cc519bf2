"""What proves that a collection of a OneRoster service was read to its end, and what does not (R12)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.oneroster import OneRosterSimulator
from local.simulators.server import Reply, Request
from sync.errors import Broken, Doubtful
from sync.oneroster.client import Collection, Habits, Page
from sync.oneroster.wire import Row
from sync.records import Kind
from tests.sync.connectors.oneroster_feed import (
    ALL,
    OF_USERS,
    assert_true,
    pull,
    remarks,
    school,
    simulator,
    students,
    unreadable,
)


@pytest.mark.parametrize("size", ["1", "2", "7", "5000"])
def test_with_a_total_the_size_of_a_page_makes_no_difference(size: str) -> None:
    assert_true(pull(simulator(link=""), page_size=size))


@pytest.mark.parametrize("size", ["1", "2", "7", "90"])
def test_with_links_alone_too_if_any_collection_has_a_second_page(size: str) -> None:
    assert_true(pull(simulator(total=False), page_size=size))


@pytest.mark.parametrize(("more", "size"), [({"link": ""}, "7"), ({"link": ""}, "5000"), ({"link": "angle"}, "5000")])
def test_without_a_total_and_without_a_mark_nothing_is_proven(more: dict[str, Any], size: str) -> None:
    said = pull(simulator(total=False, **more), page_size=size)
    assert not said.complete
    assert len(students(said)) > 50  # whatever came is taken all the same
    assert "“users” is not taken as complete: the service neither counts its rows (X-Total-Count) nor" in remarks(said)


@pytest.mark.parametrize("more", [{}, {"total": False}, {"link": ""}, {"total": False, "link": ""}])
def test_a_lost_last_page_ends_nobody_whatever_the_service_tells(more: dict[str, Any]) -> None:
    said = pull(simulator("lost-end", **more), page_size="90")
    assert not said.complete & OF_USERS
    assert "“users” is not taken as complete" in remarks(said)


@pytest.mark.parametrize("total", [True, False])
def test_pages_that_do_not_turn_are_no_roster(*, total: bool) -> None:
    with pytest.raises(Broken, match="repeats itself"):
        pull(simulator("repeat-page", total=total), page_size="3")


def test_one_page_that_holds_everything_may_repeat() -> None:
    assert_true(pull(simulator("repeat-page", total=True), page_size="5000"))


@pytest.mark.parametrize(
    ("fault", "total"),
    [
        ("wrong-total", True),
        ("low-total", True),
        ("moving-total", True),
        ("hole", True),
        ("hole", False),
        ("lost-rows", True),
        ("duplicate-across-pages", False),
        ("unsorted", True),
        ("unsorted", False),
    ],
)
def test_users_that_are_not_proven_to_the_end_end_nobody(*, fault: str, total: bool) -> None:
    said = pull(simulator(fault, total=total), page_size="80")
    assert not said.complete & OF_USERS
    assert "“users” is not taken as complete" in remarks(said)


def test_a_hole_with_no_students_before_it_is_not_an_empty_school() -> None:
    with pytest.raises(Doubtful):  # only guardians stand before the hole
        pull(simulator("hole", total=False, link=""), page_size="40")


def test_rows_that_come_again_count_once_where_the_total_agrees() -> None:
    assert_true(pull(simulator("duplicate-across-pages", total=True), page_size="40"))


@pytest.mark.parametrize("total", [True, False])
def test_contradictory_rows_are_unreadable_and_nothing_rests_on_their_collection(*, total: bool) -> None:
    said = pull(simulator("contradiction", total=total))
    (ref,) = {ref for kind, ref in unreadable(said) if kind is Kind.STUDENTS}
    assert ref.startswith("ST-")
    assert ref not in students(said)
    assert said.complete == ALL - OF_USERS
    assert "“users” is not taken as complete" in remarks(said)


def test_a_collection_that_moved_is_read_once_more() -> None:
    class Moving(OneRosterSimulator):
        def _headers(self, request: Request, count: int, offset: int, limit: int) -> dict[str, str]:
            seen = sum(1 for asked in self.requests if asked.path == request.path)
            return super()._headers(request, count - (seen == 1), offset, limit)

    served = Moving(school(), 1)
    assert_true(pull(served))


def test_a_service_that_cannot_sort_is_not_asked_again() -> None:
    served = simulator("no-sort")
    assert_true(pull(served))
    assert sum("sort" in request.query for request in served.requests) == 1


def test_the_order_is_asked_for() -> None:
    served = simulator()
    pull(served)
    pages = [request.query for request in served.requests if request.method == "GET"]
    assert {(page["sort"], page["orderBy"]) for page in pages} == {("sourcedId", "asc")}


def test_a_list_without_an_end_is_broken() -> None:
    with Collection("users", Row, Habits()) as found:
        found.received = 1_000_000
        with pytest.raises(Broken, match="no end"):
            found.add(Page(rows=[{"sourcedId": "1"}]))


@pytest.mark.parametrize("lost", ["users", "classes", "enrollments", "demographics"])
def test_a_page_that_is_missing_where_there_should_be_one_is_no_end(lost: str) -> None:
    class Short(OneRosterSimulator):
        def _page(self, name: str, request: Request) -> Reply:
            gone = name == lost and request.query["offset"] != "0"
            return self._failure(404, "unknown object") if gone else super()._page(name, request)

    said = pull(Short(school(), 1, total=False), page_size="80" if lost == "users" else "20")
    assert said.complete < ALL
    assert f"“{lost}” is not taken as complete: the service promised more rows than came" in remarks(said)


def _read(pages: Sequence[Mapping[str, Any]], *, habits: Habits) -> Collection[Row]:
    found = Collection("users", Row, habits)
    for page in pages:
        if not found.add(Page(**page)):
            break
    return found


@given(count=st.integers(0, 30), size=st.integers(1, 8), kept=st.integers(0, 30), counted=st.booleans())
def test_law_whatever_is_left_out_at_the_end_is_noticed(*, count: int, size: int, kept: int, counted: bool) -> None:
    """A service that counts or marks its pages is believed exactly if everything came."""
    rows = [{"sourcedId": str(number)} for number in range(count)]
    pages = [
        {
            "rows": rows[:kept][start : start + size],
            "total": count if counted else None,
            "names_next": not counted and start + size < count,
            "marked": not counted,
        }
        for start in range(0, count + size, size)
    ]
    with _read(pages, habits=Habits()) as found:
        # Without a count a page that is cut in the middle looks like any other: servers shorten pages as they like.
        whole_pages = kept >= count or kept % size == 0
        if kept >= count:
            assert found.proven == (counted or count > 0)
        elif counted or whole_pages:
            assert not found.proven
