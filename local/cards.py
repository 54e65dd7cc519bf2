"""`python -m local.cards`: writes docs/connectors.md from the connectors' own words, their settings and their cards.

A card (`sync/connectors/<key>/card.yaml`) lists behaviours: done, left out on purpose (exempt) or not yet tried against
the live service (unverified). `--check` writes nothing and fails where the page is out of date.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from local import places
from sync.connector import Connector
from sync.records import Kind
from sync.registry import CONNECTORS

PAGE: Final = places.ROOT / "docs" / "connectors.md"


class State(enum.StrEnum):
    """How far a behaviour is."""

    DONE = "done"
    EXEMPT = "exempt"
    UNVERIFIED = "unverified"


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a card. What is not done says why."""

    name: str
    state: State
    why: str = ""


class BadCard(ValueError):
    """A card that does not hold what a card holds; the message names the connector."""


def card(connector: type[Connector]) -> list[Behaviour]:
    """Return the behaviours of a connector.

    Raises:
        BadCard: it has none, or one is named twice or does not say why it is not done.
    """
    path = places.ROOT / "sync" / "connectors" / connector.key / "card.yaml"
    try:
        behaviours = msgspec.yaml.decode(path.read_bytes(), type=list[Behaviour])
    except (OSError, msgspec.MsgspecError) as fault:
        raise BadCard(f"{connector.key}: {fault}") from None
    names = [behaviour.name for behaviour in behaviours]
    twice = sorted({name for name in names if names.count(name) > 1})
    silent = [one.name for one in behaviours if one.state is not State.DONE and not one.why]
    if not behaviours or twice or silent:
        raise BadCard(f"{connector.key}: named twice: {twice}; without a reason: {silent}; {len(behaviours)} in all")
    return behaviours


def page(connectors: Sequence[type[Connector]] = CONNECTORS) -> str:
    """Return docs/connectors.md whole."""
    return "\n".join(
        [
            "# Connectors",
            "",
            "What each connector reads, what it asks for, and how far each behaviour is. This page is written by",
            "`make cards` from the connectors and their `card.yaml`; a change by hand is lost.",
            "",
            "## What they can read",
            "",
            "What a school's own system shares may be less: the public page of supported systems says so, and the",
            "connection test.",
            "",
            *_table(["", *(one.label for one in connectors)], _parts(connectors)),
            *(line for one in connectors for line in _chapter(one)),
            "",
        ]
    )


def _parts(connectors: Sequence[type[Connector]]) -> Iterable[list[str]]:
    for kind in Kind:
        yield [kind.capitalize(), *("yes" if kind in one.capabilities else "—" for one in connectors)]
    yield ["Attendance", *(", ".join(sorted(one.sessions)) or "by CSV" for one in connectors)]


def _chapter(connector: type[Connector]) -> list[str]:
    behaviours = card(connector)
    lines = ["", f"## {connector.label}", ""]
    fields = dataclasses.fields(connector.Settings)
    lines += _table(["Setting", "Name", "", "Help"], [_setting(field) for field in fields])
    lines += ["", *_table(["Behaviour", "State"], [[one.name, one.state.value] for one in behaviours if not one.why])]
    rest = [[one.name, one.state.value, one.why] for one in behaviours if one.why]
    return [*lines, "", *_table(["Behaviour", "State", "Why"], rest)] if rest else lines


def _setting(field: dataclasses.Field[Any]) -> list[str]:
    needed = "needed" if field.default is dataclasses.MISSING else ""
    kept = "secret" if field.metadata["secret"] else ""
    choices = ", ".join(f"`{choice}`" for choice in field.metadata["choices"])
    said = " ".join(filter(None, (field.metadata["help"], f"One of {choices}." if choices else "")))
    return [field.metadata["label"], f"`{field.name}`", ", ".join(filter(None, (needed, kept))), said]


def _table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def main(argv: list[str] | None = None, *, path: Path = PAGE) -> int:
    """Write the page, or with `--check` compare it; 1 where it is out of date or a card is bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(argv).check
    try:
        text = page()
    except BadCard as fault:
        print(f"bad card: {fault}", file=sys.stderr)
        return 1
    if check:
        same = path.exists() and path.read_text() == text
        print(f"{path.name} is {'as it should be' if same else 'out of date: run make cards'}")
        return 0 if same else 1
    path.write_text(text)
    print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
