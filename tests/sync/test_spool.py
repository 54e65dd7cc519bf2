import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.spool import Spool


class Row(msgspec.Struct, frozen=True):
    name: str
    note: str | None = None


def test_rows_come_back_in_the_order_in_which_they_came() -> None:
    with Spool(Row) as spool:
        for number in range(1_200):
            spool.put(str(number), Row(f"name {number}"))
        assert [row.name for row in spool.rows()] == [f"name {number}" for number in range(1_200)]
        assert len(spool) == 1_200


def test_rows_come_by_their_keys_if_asked_to() -> None:
    with Spool(Row) as spool:
        for name in ("b", "a", "c"):
            spool.put(name, Row(name))
        assert [row.name for row in spool.rows(by_key=True)] == ["a", "b", "c"]
        assert [row.name for row in spool.rows()] == ["b", "a", "c"]


def test_a_row_that_comes_again_the_same_counts_once_and_a_different_one_is_torn() -> None:
    with Spool(Row) as spool:
        spool.put("1", Row("Ana"))
        spool.put("2", Row("Bo", note=""))
        spool.put("1", Row("Ana"))
        spool.put("2", Row("Bo", note=None))
        assert list(spool.rows()) == [Row("Ana")]
        assert list(spool.torn()) == ["2"]
        assert len(spool) == 2


def test_a_row_is_found_by_its_key_unless_it_is_torn() -> None:
    with Spool(Row) as spool:
        spool.put("007", Row("Ana"))
        spool.put("8", Row("Bo"))
        spool.put("8", Row("Bob"))
        assert spool.get("007") == Row("Ana")
        assert spool.get("7") is None
        assert spool.get("8") is None
        assert "8" in spool
        assert "7" not in spool


def test_what_a_spool_holds_ends_with_it() -> None:
    with Spool(Row) as spool:
        spool.put("1", Row("Ana"))
    with pytest.raises(Exception, match="closed"):
        list(spool.rows())


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"))))
def test_a_spool_agrees_with_a_dictionary(pairs: list[tuple[str, str]]) -> None:
    said: dict[str, set[str]] = {}
    with Spool(Row) as spool:
        for key, name in pairs:
            spool.put(key, Row(name))
            said.setdefault(key, set()).add(name)
        assert [row.name for row in spool.rows()] == [next(iter(names)) for names in said.values() if len(names) == 1]
        assert set(spool.torn()) == {key for key, names in said.items() if len(names) > 1}
        assert len(spool) == len(said)
