"""The rows of OneRoster as they come, right or wrong."""

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.oneroster.wire import Class, Demographics, Enrollment, Org, Session, User, day, row_of
from sync.records import NOT_SHARED

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("shape", [Class, Demographics, Enrollment, Org, Session, User])
@given(data=st.data())
def test_law_every_row_is_read_and_what_is_kept_comes_back(shape: type[User], data: st.DataObject) -> None:
    names = [field.encode_name for field in msgspec.structs.fields(shape) if field.encode_name[0] != "!"]
    said = data.draw(st.dictionaries(st.sampled_from(names), ANYTHING) | ANYTHING)
    read = row_of(shape, said)
    assert bool(read.fault) or isinstance(said, dict)
    try:
        kept = msgspec.msgpack.encode(read)
    except (UnicodeEncodeError, OverflowError):
        return
    assert msgspec.msgpack.decode(kept, type=shape) == read


def test_a_row_that_cannot_be_used_keeps_what_can_be_read_of_it() -> None:
    read = row_of(User, {"sourcedId": "1", "role": "parent", "email": 5, "agents": [{"sourcedId": "2"}]})
    assert (read.ref, read.role, list(read.agent_refs)) == ("1", "parent", ["2"])
    assert read.fault == "“email” is not what OneRoster says it is."
    assert read.lost == ("email",)


def test_nobody_can_send_a_fault_of_ours() -> None:
    assert row_of(User, {"sourcedId": "1", "fault": "x", "lost": ["agents"]}) == User(sourced_id="1")


def test_the_roles_of_both_versions_are_one_list() -> None:
    at = {"sourcedId": "S1"}
    old = row_of(User, {"sourcedId": "1", "role": "teacher", "orgs": [at, {"sourcedId": "S2"}]})
    new = row_of(User, {"sourcedId": "1", "roles": [{"role": "teacher", "org": at}, {"role": "parent"}]})
    assert [(place.role, place.org and place.org.ref) for place in old.places] == [("teacher", "S1"), ("teacher", "S2")]
    assert [(place.role, place.org and place.org.ref) for place in new.places] == [("teacher", "S1"), ("parent", None)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2013-04-09", datetime.date(2013, 4, 9)),
        ("2013-04-09T00:00:00.000Z", datetime.date(2013, 4, 9)),
        ("2013-04-09T00:00:00+00:00", datetime.date(2013, 4, 9)),
        (" ", None),
        (None, NOT_SHARED),
    ],
)
def test_a_day_is_read_as_it_is_written(written: str | None, read: object) -> None:
    assert day(written) == read


@pytest.mark.parametrize("written", ["2013-04-08T23:00:00.000Z", "9/4/2013", "2013-02-30"])
def test_a_day_that_may_have_been_moved_is_not_guessed(written: str) -> None:
    with pytest.raises(ValueError, match="not a day"):
        day(written)
