"""Each reason of “Why can’t they …?”, from the facts that make it; that the rules agree is in test_directory.py."""

from typing import Any

import pytest

from users.reasons import NO_PAGES, Do, Entry, Kind, Login, Sight, blocked, entry, no_login, sight, why_dummy

OPEN: dict[str, Any] = {"login": Login.OPEN, "activated": True, "year_open": True}


def texts(facts: Entry) -> list[str]:
    return [reason.text for reason in entry(facts)]


@pytest.mark.parametrize("kind", ["guardians", "staff"])
def test_nothing_keeps_out_who_has_a_login(kind: Kind) -> None:
    assert entry(Entry(kind=kind, **OPEN)) == ()


def test_there_are_no_pages_for_students() -> None:
    assert entry(Entry(kind="students", **OPEN)) == (NO_PAGES,)


@pytest.mark.parametrize(
    ("facts", "words", "do"),
    [
        ({"school_active": False}, "suspended", Do.SUPPORT),
        ({"left": True}, "left the school", Do.CHANGE_IN_MIS),
        ({"left": True, "deleted": True}, "deleted by hand", Do.RESTORE),
        ({"account_active": False}, "switched off", Do.SUPPORT),
        ({"login": Login.WAITS}, "not yet said that they belong", Do.OWNER),
        ({"login": Login.REFUSED}, "it is not them", Do.CHANGE_IN_MIS),
        ({"login": Login.NONE, "own_domain": True}, "not made yet", Do.WAIT),
    ],
)
def test_what_keeps_somebody_out(facts: dict[str, Any], words: str, do: Do) -> None:
    (reason,) = entry(Entry(**{"kind": "staff", **OPEN, **facts}))
    assert words in reason.text
    assert reason.do is do
    assert blocked((reason,))


def test_several_reasons_are_all_told() -> None:
    told = texts(Entry(kind="guardians", school_active=False, left=True, dummy=True, address=""))
    assert [word in text for word, text in zip(("suspended", "left", "no address"), told, strict=True)] == [True] * 3


DUMMIES: list[tuple[Kind, dict[str, Any], str, Do]] = [
    ("guardians", {"address": None}, "does not share", Do.CORRECT_EMAIL),
    ("guardians", {"address": ""}, "has no address", Do.CORRECT_EMAIL),
    ("guardians", {"address": "", "malformed": True}, "malformed", Do.CORRECT_EMAIL),
    ("guardians", {"address": None, "by_hand": True}, "added by hand", Do.CORRECT_EMAIL),
    ("guardians", {"address": "a@s.example", "own_domain": True, "domains_blocked": True}, "blocked", Do.RULES),
    ("guardians", {"address": "a@s.example", "own_domain": True}, "not here yet", Do.WAIT),
    ("staff", {"address": "a@s.example", "own_domain": True, "domains_blocked": True}, "not here yet", Do.WAIT),
    ("staff", {"address": "a@s.example", "taken_by": "Mei Li"}, "Mei Li’s already", Do.CHANGE_IN_MIS),
    ("staff", {"address": "a@s.example", "mailbox": True}, "an office’s", Do.CHANGE_IN_MIS),
    ("staff", {"address": "a@s.example", "held": True}, "waits for a person", Do.DECIDE),
    ("students", {"address": "a@s.example"}, "do not sign in at this school", Do.SUPPORT),
    ("students", {"address": "a@s.example", "primary": True}, "primary year", Do.RULES),
    ("students", {"address": "", "year_open": True}, "has no address", Do.CORRECT_EMAIL),
]


@pytest.mark.parametrize(("kind", "facts", "words", "do"), DUMMIES)
def test_why_a_placeholder_stands_in(kind: Kind, facts: dict[str, Any], words: str, do: Do) -> None:
    whole = Entry(kind=kind, dummy=True, **facts)
    reason = why_dummy(whole)
    assert words in reason.text
    assert reason.do is do
    assert reason in entry(whole)


def test_a_staff_address_on_a_strange_domain_makes_no_login() -> None:
    reason = no_login(Entry(kind="staff", address="a@elsewhere.example"))
    assert "none of the school’s domains" in reason.text
    assert reason.field == "e-mail"


def test_what_is_worth_knowing_keeps_nobody_out() -> None:
    found = entry(Entry(kind="guardians", login=Login.OPEN, missing=True))
    assert ["missing" in found[0].text, "never signed in" in found[1].text] == [True, True]
    assert not blocked(found)


@pytest.mark.parametrize(
    ("facts", "words", "do"),
    [
        (Sight(), "not tied", Do.TIE),
        (Sight(tied=True, ended=True), "has ended", Do.TIE),
        (Sight(tied=True, restricted=True), "restriction", Do.CHANGE_IN_MIS),
        (Sight(tied=True, blocked=True, blocked_why="court letter"), "safety: court letter", Do.UNBLOCK),
        (Sight(tied=True, child_left=True), "student has left", Do.CHANGE_IN_MIS),
    ],
)
def test_why_a_student_is_not_seen(facts: Sight, words: str, do: Do) -> None:
    (reason,) = sight(facts)
    assert words in reason.text
    assert reason.do is do
    assert reason.blocks


def test_a_tie_in_force_is_seen_and_no_responsibility_takes_nothing_away() -> None:
    assert sight(Sight(tied=True)) == ()
    (reason,) = sight(Sight(tied=True, no_responsibility=True))
    assert not reason.blocks
