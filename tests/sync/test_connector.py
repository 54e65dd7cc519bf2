"""What every connector's settings promise, whoever wrote the connector."""

import dataclasses
from typing import Any

import pytest

from sync.connector import Connector, demand_choices, setting
from sync.registry import CONNECTORS

CANARY = "canary-that-must-not-be-shown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """Two secrets and one that is none."""

    token: str = setting(label="Token", secret=True)
    spare: str = setting(label="Spare token", secret=True, default="")
    host: str = setting(label="Host")


def test_a_secret_is_no_part_of_the_repr_and_the_rest_is() -> None:
    shown = repr(Example(token=CANARY, spare=CANARY, host="api.mis.example"))
    assert CANARY not in shown
    assert "api.mis.example" in shown


def test_a_setting_is_one_of_its_choices_unless_they_only_suggest() -> None:
    shape = dataclasses.make_dataclass("Shape", [("region", str, setting(label="Region", choices=("uk", "au")))])
    demand_choices(shape("uk"))
    demand_choices(shape("nz"), free={"region"})
    with pytest.raises(ValueError, match=r"^region is one of uk, au$"):
        demand_choices(shape(CANARY))


def test_a_setting_without_a_default_is_needed() -> None:
    given: dict[str, Any] = {"host": "api.mis.example"}
    with pytest.raises(TypeError, match="token"):
        Example(**given)


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.key)
def test_no_connector_there_is_shows_a_secret(connector: type[Connector]) -> None:
    fields = dataclasses.fields(connector.Settings)
    assert [field.name for field in fields if field.metadata.get("secret") and field.repr] == []


def test_at_least_one_connector_has_a_secret_to_keep() -> None:
    fields = [field for connector in CONNECTORS for field in dataclasses.fields(connector.Settings)]
    assert any(field.metadata.get("secret") for field in fields)
