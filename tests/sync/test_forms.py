"""The form of a connector's settings: made from what it declares, and secrets only ever go in."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from sync.connector import Connector, setting
from sync.connectors.csv_files import CsvFiles
from sync.forms import SettingsForm
from sync.models import MisProduct
from sync.queries.joining import System
from sync.records import RosterRecord
from sync.registry import CONNECTORS
from tests.factories.trials import posted

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
def test_what_is_needed_is_asked_for_first_in_the_order_of_the_guide(connector: type[Connector]):
    asked = list(SettingsForm(connector, {}).fields.values())
    needed = {field.metadata["label"] for field in fields(connector) if field.default is dataclasses.MISSING}
    labels = [str(field.label) for field in asked]
    first = sum(label in needed for label in labels)
    assert set(labels[:first]) <= needed
    guide = System(product=MisProduct(connector=connector.key), connector=connector, lines=()).settings
    assert labels == [setting.label for setting in guide]


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
    form = SettingsForm(CsvFiles, {}, posted(CsvFiles, dates="mdy") | data(folder="/another/school"))
    assert form.is_valid(), form.errors
    assert form.given()["dates"] == "mdy"
    assert "folder" not in form.given()


@dataclasses.dataclass(frozen=True, kw_only=True)
class OddSettings:
    """What no connector of today asks for."""

    host: str = setting(label="Host", address=True)
    private_key: str = setting(label="Private key", secret=True, lines=True)
    password: str = setting(label="Password", secret=True, default="")
    colour: str = setting(label="Colour", default="red", choices=("red", "blue"))
    size: int = setting(label="Page size", default=200)

    def __post_init__(self) -> None:
        if self.size > 500:
            raise ValueError("size is at most 500")


class Odd(Connector):
    """A connector with an address, two secrets, a choice and a number."""

    key: ClassVar[str] = "odd"
    label: ClassVar[str] = "Odd"
    Settings: ClassVar[type] = OddSettings

    def roster(self) -> Iterator[RosterRecord]:
        """Yield nothing."""
        return iter(())


KEY = f"-----BEGIN-----\n{SECRET}\n-----END-----"
HELD = {"host": "mis.example", "private_key": KEY, "password": SECRET, "colour": "red", "size": 200}
SAME = {"host": "mis.example", "colour": "red", "size": "200"}


def test_secrets_left_empty_are_kept_and_new_ones_replace_them():
    kept = SettingsForm(Odd, HELD, data(**SAME, private_key="", password=""))
    assert kept.is_valid(), kept.errors
    assert kept.given() == {"host": "mis.example", "colour": "red", "size": 200}
    replaced = SettingsForm(Odd, HELD, data(**SAME, password="another"))
    assert replaced.is_valid()
    assert replaced.given() == {**kept.given(), "password": "another"}


def test_a_first_secret_is_needed():
    form = SettingsForm(Odd, {}, data(**SAME, private_key=""))
    assert form.errors == {"private_key": ["This field is required."]}


def test_at_a_new_address_secrets_are_asked_for_anew():
    moved = SettingsForm(Odd, HELD, data(**SAME | {"host": "evil.example"}))
    assert moved.errors.keys() == {"private_key", "password"}
    assert SECRET not in str(moved)
    known = SettingsForm(Odd, HELD, data(**SAME | {"host": "new.example"}, private_key=KEY, password="p"))
    assert known.is_valid(), known.errors
    forgetful = SettingsForm(Odd, HELD, data(**SAME | {"host": "new.example"}, private_key=KEY, forget_password="on"))
    assert forgetful.is_valid(), forgetful.errors


def test_a_secret_one_can_do_without_can_be_forgotten():
    form = SettingsForm(Odd, HELD, data(**SAME, forget_password="on"))
    assert form.is_valid(), form.errors
    assert form.given()["password"] == ""
    assert form.fields["forget_password"].label == f"Forget the saved “{form.fields['password'].label}”"
    assert "forget_private_key" not in form.fields
    assert "forget_password" not in SettingsForm(Odd, {}).fields


def test_a_choice_that_was_saved_elsewhere_is_kept():
    assert 'value="green" selected' in rendered(Odd, HELD | {"colour": "green"})


@pytest.mark.parametrize(("said", "kept"), [("50", 50), ("", 200)])
def test_numbers_are_kept_as_numbers(said: str, kept: int):
    form = SettingsForm(Odd, HELD, data(**SAME | {"size": said}))
    assert form.is_valid(), form.errors
    assert form.given()["size"] == kept
    assert SettingsForm(Odd, HELD, data(**SAME | {"size": "many"})).errors.keys() == {"size"}


def test_a_fault_stands_beside_its_field_in_the_words_of_the_form():
    form = SettingsForm(Odd, HELD, data(**SAME | {"size": "900"}))
    assert form.errors == {"size": ["Page size is at most 500."]}
    assert SECRET not in str(form)


def test_a_secret_of_several_lines_keeps_them_and_does_not_come_back_either():
    for page in (rendered(Odd, {"private_key": KEY}), rendered(Odd, {}, {"private_key": KEY, "size": "many"})):
        assert "<textarea" in page
        assert SECRET not in page


@every
def test_keys_of_several_lines_have_room(connector: type[Connector]):
    for field in fields(connector):
        assert field.metadata["lines"] or "private_key" not in field.name, f"{connector.key}.{field.name}"
