"""Broken letters are found and mended, genuine ones never touched (R64, R67)."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.characters import Suspicion, suspicious

GOLDEN = (
    *("Żółć", "王小明", "محمد", "Ñandú", "O’Brien", "O'Brien", "José", "Łucja", "Zoë", "Åsa", "Мария", "Ελένη"),
    *("שרה", "Nguyễn", "Siân", "Ngũgĩ", "Đặng", "João", "CONCEIÇÃO", "Ísak", "Þóra", "Çağlar", "Œuvre", "İpek"),
    *("François", "Søren", "नेपाल", "ไทย", "박지성", "Mª José", "Jane “Jo” Ro", "Gal·la", "e\u0301lan", "Ə̣li"),
)
PORTUGUESE = ("São", "JOÃO", "ÃO", "Ã", "GUIMARÃES", "MAGALHÃES", "Ãngela", "TRẦN THỊ ÃNH", "Ânia", "Âli", "ÃONE")
LATIN_1 = [name for name in GOLDEN if not name.isascii() and name.encode().decode("latin-1") != name]


@pytest.mark.parametrize("name", [*GOLDEN, *PORTUGUESE, "Ana", "Anne-Marie", "D.J.", "Ana ?", "Ann ★", "50% Club", ""])
def test_what_is_genuine_is_never_flagged(name: str) -> None:
    assert suspicious(name) is None


@pytest.mark.parametrize(
    ("broken", "was"),
    [
        ("MuÃ±oz", "Muñoz"),
        ("Oâ€™Brien", "O’Brien"),
        ("Å»Ã³Å‚Ä‡", "Żółć"),
        ("çŽ‹å°\x8fæ˜Ž", "王小明"),
        ("Ù…Ø\xadÙ…Ø¯", "محمد"),
        ("Ã‘andÃº", "Ñandú"),
        ("MuÃƒÂ±oz", "Muñoz"),  # broken twice
        ("Nguyá»…n", "Nguyễn"),
        ("Ã…sa", "Åsa"),
        ("Zo√´", "Zoë"),  # a Macintosh
        ("ZoĂ«", "Zoë"),  # Central Europe
        ("JosГ©", "José"),  # Cyrillic
    ],
)
def test_what_was_read_wrong_is_read_again(broken: str, was: str) -> None:
    assert suspicious(broken) == Suspicion(why=WRONG, proposed=was, sure=True)


WRONG = "Letters were read in the wrong character set."


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("Fran\ufffdois", "A letter was lost"),
        ("Zo\ufffd", "A letter was lost"),
        ("Mu?oz", "A question mark"),
        ("Jos?", "A question mark"),
        ("?ukasz", "A question mark"),
        ("???", "A question mark"),
        ("Muñ?oz", "A question mark"),
        ("Zoï¿½", "Letters were read"),  # lost first, then read wrong
    ],
)
def test_what_is_lost_is_flagged_without_a_guess(broken: str, why: str) -> None:
    found = suspicious(broken)
    assert found is not None
    assert found.why.startswith(why)
    assert (found.proposed, found.sure) == ("", False)


@pytest.mark.parametrize(("broken", "perhaps"), [("Ã ngela", "à ngela"), ("ÃÂ©lan", "élan")])
def test_what_had_to_be_guessed_is_not_sure(broken: str, perhaps: str) -> None:
    assert suspicious(broken) == Suspicion(why=WRONG, proposed=perhaps, sure=False)


@given(st.sampled_from(LATIN_1), st.sampled_from(LATIN_1), st.sampled_from([" ", "-", ""]))
def test_breaking_and_mending_ends_where_it_began(one: str, other: str, between: str) -> None:
    """UTF-8 read byte by byte, as most exports break it: the proposal is the name itself."""
    name = unicodedata.normalize("NFC", f"{one}{between}{other}")
    found = suspicious(name.encode().decode("latin-1"))
    assert found is not None
    assert (found.proposed, found.sure) == (name, True)


@given(st.text(st.characters(categories=["L", "M", "Z"], max_codepoint=0x2FFF), max_size=8))
@example("ÃO")
@example("Ã ")
def test_what_is_sure_explains_the_very_letters_we_hold(text: str) -> None:
    found = suspicious(text)
    if found and found.sure:
        assert found.proposed
        assert found.proposed != text
        assert len(found.proposed.encode()) < len(text.encode())
        again = suspicious(found.proposed)
        assert again is None or not again.sure


@given(st.text(st.characters(codec="ascii", exclude_characters="?"), max_size=12))
def test_plain_letters_are_never_flagged(text: str) -> None:
    assert suspicious(text) is None
