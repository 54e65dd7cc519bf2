"""The collector of cycles stays away during a run, and comes back whatever happens."""

import gc

import pytest

from sync.operations.uncollected import uncollected


def test_it_stays_away_and_comes_back():
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_comes_back_after_a_fault():
    with pytest.raises(ValueError, match="a fault"), uncollected():
        raise ValueError("a fault")
    assert gc.isenabled()


def test_where_it_was_away_before_it_stays_away():
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
