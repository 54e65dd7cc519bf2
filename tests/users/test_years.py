"""Year labels in the order a school reads them."""

import random

import pytest

from users import years

ORDER = ["Nursery", "Kindergarten 1", "Kindergarten 2", "Reception", "Year 1", "2", "Year 10", "13", "Sixth form"]


def test_in_order():
    shuffled = random.sample(ORDER, len(ORDER))
    assert years.in_order([*shuffled, *shuffled]) == ORDER


@pytest.mark.parametrize(
    ("label", "words"), [("7", "Year 7"), ("Year 7", "Year 7"), ("Reception", "Reception"), ("", ""), (None, "")]
)
def test_say(label: str | None, words: str):
    assert years.say(label) == words
