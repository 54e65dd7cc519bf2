"""The form of a connector's settings: made from what it declares, and secrets only ever go in."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from sync.connector import Connector, setting
from sync.connectors.csv_files import CsvFiles
from sync.connectors.isams import Isams
from sync.connectors.wonde import Wonde
from sync.forms import SettingsForm
from sync.records import RosterRecord
from sync.registry import CONNECTORS

SECRET = "hush-hush-1234567890"
every = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.key)


def fields(connector: type[Connector]) -> list[Any]:
    return list(dataclasses.fields(connector.Settings))


def data(**given: str) -> dict[str, str]:
    return {f"set-{name}": value for name, value in given.items()}


def rendered(connector: type[Connector], held: dict[str, Any], given: dict[str, str] | None = None) -> str:
    form = SettingsForm(connector, held, data(**given) if given is not None else None)
    return str(form)


@every
def test_every_setting_is_asked_for_in_its_own_words_but_those_we_keep(connector: type[Connector]):
    form = SettingsForm(connector, {})
    asked = form.fields
    assert set(asked) == {field.name for field in fields(connector) if not field.metadata["ours"]}
    for field in fields(connector):
        if field.name in asked:
            assert asked[field.name].label == field.metadata["label"]


@every
def test_no_secret_ever_comes_back(connector: type[Connector]):
    secrets = {field.name: f"{SECRET}-{field.name}" for field in fields(connector) if field.metadata["secret"]}
    for page in (rendered(connector, secrets), rendered(connector, secrets, {}), rendered(connector, {}, secrets)):
        assert SECRET not in page
    if secrets:
        assert 'autocomplete="new-password"' in rendered(connector, secrets)
        assert "Saved. Leave it empty to keep it." in rendered(connector, secrets)


@every
def test_whatever_says_where_secrets_go_is_declared_an_address(connector: type[Connector]):
    where = re.compile(r"host|url|address|server|endpoint")
    for field in fields(connector):
        if where.search(field.name) and not field.metadata["choices"]:
            assert field.metadata["address"], f"{connector.key}.{field.name}"


def test_our_own_folder_is_no_setting_of_a_school():
    assert "folder" not in SettingsForm(CsvFiles, {}).fields
    form = SettingsForm(CsvFiles, {}, data(dates="mdy", folder="/another/school"))
    assert form.is_valid()
    assert form.given() == {"dates": "mdy"}


def test_a_secret_left_empty_is_kept_and_a_new_one_replaces_it():
    held = {"token": SECRET, "school": "A1", "host": "api.wonde.com"}
    same = {"school": "A2", "host": "api.wonde.com", "classes": "both", "staff_email": "work"}
    kept = SettingsForm(Wonde, held, data(token="", **same))
    assert kept.is_valid(), kept.errors
    assert kept.given() == same
    replaced = SettingsForm(Wonde, held, data(token="another", **same))
    assert replaced.is_valid()
    assert replaced.given() == {"token": "another", **same}


def test_a_first_secret_is_needed():
    form = SettingsForm(Wonde, {}, data(token="", school="A1"))
    assert not form.is_valid()
    assert form.errors["token"] == ["This field is required."]


ISAMS = {"host": "alder.isams.example", "api_key": SECRET, "client_secret": SECRET, "classes": "forms and sets"}
REST = {"guardians": "contact", "classes": "forms"}


def test_at_a_new_address_secrets_are_asked_for_anew():
    moved = SettingsForm(Isams, ISAMS, data(host="isams.evil.example", **REST))
    assert not moved.is_valid()
    assert {"api_key", "client_secret"} <= moved.errors.keys()
    assert SECRET not in str(moved)
    known = SettingsForm(Isams, ISAMS, data(host="new.isams.example", api_key="k", client_secret="s", **REST))
    assert known.is_valid(), known.errors
    unmoved = SettingsForm(Isams, ISAMS, data(host="alder.isams.example", **REST))
    assert unmoved.is_valid(), unmoved.errors


def test_a_secret_one_can_do_without_can_be_forgotten():
    form = SettingsForm(Isams, ISAMS, data(host="alder.isams.example", forget_client_secret="on", **REST))
    assert form.is_valid(), form.errors
    assert form.given()["client_secret"] == ""
    assert "forget_api_key" not in form.fields
    assert "forget_client_secret" not in SettingsForm(Isams, {}).fields


def test_a_fault_stands_beside_its_field_without_the_value():
    form = SettingsForm(Wonde, {}, data(token=SECRET, school="no/t an id", host="api.wonde.com", classes="both",
                                        staff_email="work"))  # fmt: skip
    assert not form.is_valid()
    (words,) = form.errors["school"]
    assert words == "School id is Wonde's id of the school."
    assert SECRET not in str(form)


def test_a_choice_that_was_saved_elsewhere_is_kept():
    held = {"token": SECRET, "school": "A1", "host": "http://127.0.0.1:9"}
    assert 'value="http://127.0.0.1:9" selected' in rendered(Wonde, held)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OddSettings:
    """What no connector of today asks for."""

    private_key: str = setting(label="Private key", secret=True, lines=True)
    size: int = setting(label="Page size", default=200)

    def __post_init__(self) -> None:
        if self.size > 500:
            raise ValueError("size is at most 500")


class Odd(Connector):
    """A connector with a secret of several lines, and a number."""

    key: ClassVar[str] = "odd"
    label: ClassVar[str] = "Odd"
    Settings: ClassVar[type] = OddSettings

    def roster(self) -> Iterator[RosterRecord]:
        """Yield nothing."""
        return iter(())


KEY = f"-----BEGIN-----\n{SECRET}\n-----END-----"


@pytest.mark.parametrize(("said", "kept"), [("50", 50), ("", 200)])
def test_numbers_are_kept_as_numbers(said: str, kept: int):
    form = SettingsForm(Odd, {}, data(size=said, private_key=KEY))
    assert form.is_valid(), form.errors
    assert form.given() == {"size": kept, "private_key": KEY}
    assert SettingsForm(Odd, {}, data(size="many", private_key=KEY)).errors.keys() == {"size"}
    assert SettingsForm(Odd, {}, data(size="900", private_key=KEY)).errors == {"size": ["Page size is at most 500."]}


def test_a_secret_of_several_lines_keeps_them_and_does_not_come_back_either():
    for page in (rendered(Odd, {"private_key": KEY}), rendered(Odd, {}, {"private_key": KEY, "size": "many"})):
        assert "<textarea" in page
        assert SECRET not in page


@every
def test_keys_of_several_lines_have_room(connector: type[Connector]):
    for field in fields(connector):
        assert field.metadata["lines"] or "private_key" not in field.name, f"{connector.key}.{field.name}"
