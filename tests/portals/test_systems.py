"""Public pages: the systems we read, and a guide to each (R4, R6)."""

import re
from html import escape
from typing import Any

import pytest
from django.template.loader import get_template
from django.test import Client

from sync import registry
from sync.catalogue import LABELS, SYSTEMS
from sync.models import MisProduct
from sync.operations import catalogue
from sync.queries import joining

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded() -> None:
    catalogue.load()


def page(path: str) -> str:
    response = Client().get(path)
    assert response.status_code == 200
    assert len(response.content) < 100_000
    return response.content.decode()


def rows(text: str) -> list[tuple[str, str]]:
    """(system, partner) of each line of the table."""
    found = re.findall(r'<th scope="row"><a[^>]*>([^<]+)</a></th><td data-label="Through">([^<]+)</td>', text)
    return [(name, partner) for name, partner in found]


@pytest.mark.usefixtures("loaded")
def test_the_page_lists_exactly_the_seventeen_and_csv_each_with_its_partner(django_assert_num_queries: Any):
    with django_assert_num_queries(1):
        text = page("/systems/")
    assert sorted(rows(text)) == sorted((system.name, system.partner or "direct") for system in SYSTEMS)
    assert len(rows(text)) == 18
    assert rows(text)[-1] == ("CSV files", "direct")
    assert text.count(">Bromcom<") == 1
    names = [name for name, partner in rows(text) if partner == "Wonde"]
    assert names == sorted(names, key=str.casefold) != sorted(names)  # ScholarPack before SIMS, as people read
    assert [name for name, _ in rows(text)][:2] == ["iSAMS", "ManageBac"]
    for label in LABELS.values():
        assert f'<th scope="col">{label}</th>' in text


@pytest.mark.usefixtures("loaded")
def test_what_support_adds_is_listed_without_a_deploy(django_assert_num_queries: Any):
    MisProduct.objects.create(name="Skyward", partner="GG4L", connector="gg4l")
    MisProduct.objects.create(name="Odd one", partner="Nobody", connector="no-connector")
    with django_assert_num_queries(1):
        text = page("/systems/")
    assert ("Skyward", "GG4L") in rows(text)
    assert "Skyward via GG4L" in page("/systems/skyward-via-gg4l/")
    assert "Our support sets this system up together with you" in page("/systems/odd-one-via-nobody/")


def test_before_it_is_filled():
    assert "The list is being filled" in page("/systems/")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_system_has_a_guide_that_says_what_its_connector_can_do(system: Any, django_assert_num_queries: Any):
    shown = joining.system_of(MisProduct.objects.get(name=system.name))
    with django_assert_num_queries(1):
        text = page(f"/systems/{shown.product.slug}/")
    for words in (
        "What to ",
        "What we read, and what we leave",
        "The first sync",
        "never turn the last into the second",
    ):
        assert words in text
    for line in shown.lines:
        assert line.label in text
        assert line.word in text
    for setting in shown.settings:
        assert f">{escape(setting.label)}<" in text
    for note in system.notes:
        assert note in text
    assert ">Folder<" not in text  # ours, and nobody's to fill in


@pytest.mark.parametrize("key", [*(connector.key for connector in registry.CONNECTORS), "other"])
def test_every_connector_has_a_guide_of_its_own(key: str):
    assert get_template(f"entrance/guides/{key}.html")


@pytest.mark.usefixtures("loaded")
def test_a_system_that_is_not_there():
    assert Client().get("/systems/abacus/").status_code == 404
