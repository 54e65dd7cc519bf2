"""The page about the connectors is made from them, and a card that hides something is refused."""

from pathlib import Path

import pytest

from local import cards, places
from local.cards import BadCard, Behaviour, State
from sync.connector import Connector
from sync.registry import CONNECTORS


def test_the_page_is_what_the_connectors_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert cards.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda one: one.key)
def test_every_card_can_be_read(connector: type[Connector]) -> None:
    assert len(cards.card(connector)) > 3


def test_an_old_page_is_noticed_and_a_new_one_written(tmp_path: Path) -> None:
    path = tmp_path / "connectors.md"
    assert cards.main(["--check"], path=path) == 1
    assert cards.main([], path=path) == 0
    assert cards.main(["--check"], path=path) == 0
    path.write_text(path.read_text() + "by hand")
    assert cards.main(["--check"], path=path) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "0 in all"),
        ("- {name: a, state: done}\n- {name: a, state: done}", "named twice: ['a']"),
        ("- {name: a, state: exempt}", "without a reason: ['a']"),
        ("- {name: a, state: perhaps}", "perhaps"),
        ("- {name: a, state: done, note: b}", "unknown field"),
        ("a: [", "gg4l"),
    ],
)
def test_a_card_that_hides_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    folder = tmp_path / "sync" / "connectors" / "gg4l"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text(text)
    monkeypatch.setattr(places, "ROOT", tmp_path)
    with pytest.raises(BadCard) as caught:
        cards.card(next(one for one in CONNECTORS if one.key == "gg4l"))
    assert said in str(caught.value)


def test_a_behaviour_that_is_done_needs_no_reason() -> None:
    assert Behaviour(name="students", state=State.DONE).why == ""
