"""The documents against the code: whatever can be listed is compared, so that neither runs ahead of the other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from local import places
from sync import errors
from sync.models import Run

DOCS = places.ROOT / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()
DOCUMENTS = sorted([*DOCS.glob("*.md"), *DOCS.glob("adr/*.md")])
ROOMS = ("tenants", "users", "messaging", "sync", "portals", "schoolsbuddy")
WITH_COMMANDS = (*ROOMS, "local")
PYPROJECT: dict[str, Any] = tomllib.loads((places.ROOT / "pyproject.toml").read_text())

# `users/doors.py`, `local/world/`; not addresses (`/admin/`), patterns (`portals/<audience>/`), modules (`sync.tasks`).
PATH = re.compile(r"`([a-z.]+/[A-Za-z0-9_./-]*)`")
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no heading “{title}”"
    return found[1]


def first_cells(text: str) -> list[str]:
    """The code in the first cell of each row of the tables."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def headings(text: str) -> set[str]:
    """The anchors of a document."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def missing_paths(text: str) -> list[str]:
    """The paths a document names which are not there."""
    return sorted(path for path in set(PATH.findall(text)) if not (places.ROOT / path).exists())


def broken_links(document: Path) -> list[str]:
    """The links of a document that lead nowhere."""
    return [
        f"{target}#{anchor}"
        for target, anchor in LINK.findall(document.read_text())
        if not (goal := document.parent / target if target else document).exists()
        or (anchor and anchor not in headings(goal.read_text()))
    ]


def test_every_variable_of_the_settings_is_documented_and_no_other() -> None:
    read = re.findall(r'env\.\w+\("([A-Z_]+)"', (places.ROOT / "schoolsbuddy" / "settings.py").read_text())
    documented = first_cells(section(OPERATIONS, "Environment variables"))
    assert sorted(documented) == sorted(read)


def test_required_variables_are_those_without_a_default() -> None:
    settings = (places.ROOT / "schoolsbuddy" / "settings.py").read_text()
    required = set(re.findall(r'env\.\w+\("([A-Z_]+)"\)', settings))
    rows = re.findall(r"^\| `([A-Z_]+)` \| *([^|]*?) *\|", section(OPERATIONS, "Environment variables"), re.MULTILINE)
    assert {name for name, default in rows if not default} == required


def test_every_variable_of_compose_is_documented() -> None:
    compose = (places.ROOT / "docker-compose.yml").read_text()
    wanted = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))
    assert sorted(name for name in wanted if f"`{name}`" not in OPERATIONS) == []


def our_commands() -> list[tuple[str, str]]:
    """(room, name) of every command of ours."""
    return sorted((app, name) for name, app in get_commands().items() if app in WITH_COMMANDS and isinstance(app, str))


def test_every_command_of_ours_is_documented() -> None:
    rows = [row.split(" ")[1] for row in first_cells(section(OPERATIONS, "Commands"))]
    assert sorted(rows) == sorted(name for _, name in our_commands())


@pytest.mark.parametrize(("room", "name"), our_commands())
def test_every_option_of_a_command_is_documented(room: str, name: str) -> None:
    row = next(row for row in first_cells(section(OPERATIONS, "Commands")) if f" {name} " in f"{row} ")
    options = {option for option in own_options(load_command_class(room, name)) if option.startswith("--")}
    assert set(re.findall(r"--[a-z-]+", row)) == options


def own_options(command: BaseCommand) -> set[str]:
    """The options that a command adds to those of all commands and of the Django command it extends, if it does."""
    parent = type(command).__mro__[1]
    extended = added_options(parent()) if parent is not BaseCommand and issubclass(parent, BaseCommand) else set()
    return added_options(command) - extended


def added_options(command: BaseCommand) -> set[str]:
    """The options that a command's `add_arguments` declares."""
    parser = CommandParser()
    command.add_arguments(parser)
    return {option for action in parser._actions for option in action.option_strings if option != "--help"}


def test_every_command_that_is_mentioned_exists() -> None:
    known = get_commands()
    texts = {document.name: document.read_text() for document in DOCUMENTS}
    named = {(file, name) for file, text in texts.items() for name in re.findall(r"manage\.py ([a-z_]+)", text)}
    assert sorted((file, name) for file, name in named if name not in known) == []


def test_every_end_of_a_run_is_explained() -> None:
    tables = first_cells(section(OPERATIONS, "Runs"))
    kinds = [error.__name__.lower() for error in errors.SyncError.__subclasses__()]
    assert sorted(tables) == sorted([*Run.Status.values, *kinds, "internal"])


def test_every_decision_is_listed_and_numbered_in_order() -> None:
    files = sorted(file.name for file in DOCS.glob("adr/*.md") if file.name != "README.md")
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", (DOCS / "adr" / "README.md").read_text(), re.MULTILINE)
    assert [file for _, file, _ in rows] == files
    assert [number for number, _, _ in rows] == [f"{place:04}" for place in range(1, len(files) + 1)]
    titles = [(DOCS / "adr" / file).read_text().splitlines()[0] for file in files]
    assert titles == [f"# {number} {title}" for number, _, title in rows]


@pytest.mark.parametrize("file", sorted(file.name for file in DOCS.glob("adr/0*.md")))
def test_a_decision_weighs_alternatives_and_says_what_follows(file: str) -> None:
    found = re.findall(r"^## (.+)$", (DOCS / "adr" / file).read_text(), re.MULTILINE)
    assert found == ["Context", "Decision", "Alternatives", "Consequences"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_path_that_a_document_names_is_there(document: Path) -> None:
    named_where_nothing_is_yet = {".local/static", ".local/"}
    assert [path for path in missing_paths(document.read_text()) if path not in named_where_nothing_is_yet] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_a_path_and_a_link_to_nowhere_are_noticed(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# A title\n`users/nowhere.py` `users/doors.py` [x](#a-title) [y](#no) [z](b.md)\n")
    assert missing_paths(document.read_text()) == ["users/nowhere.py"]
    assert broken_links(document) == ["#no", "b.md#"]


def test_every_contract_of_the_house_is_explained() -> None:
    contracts = [contract["name"] for contract in PYPROJECT["tool"]["importlinter"]["contracts"]]
    rows = re.findall(r"^\| ([^|]+) \|", section(ARCHITECTURE, "Arrows and their contracts"), re.MULTILINE)
    assert rows[1:] == contracts  # behind the head of the table


def test_every_rule_of_djlint_that_is_off_has_its_reason() -> None:
    rows = re.findall(r"^\| ([A-Z]\d{3}) \|", section(ARCHITECTURE, "djlint rules that are off"), re.MULTILINE)
    assert sorted(rows) == sorted(PYPROJECT["tool"]["djlint"]["ignore"].split(","))


def test_every_module_that_opens_a_school_is_named() -> None:
    files = [file for room in ROOMS for file in (places.ROOT / room).rglob("*.py")]
    openers = {str(file.relative_to(places.ROOT)) for file in files if "with scope.school(" in file.read_text()}
    named = set(PATH.findall(section(ARCHITECTURE, "Where a scope opens")))
    assert openers == {path for path in named if path.endswith(".py")}
