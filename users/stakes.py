"""Why a person's identity must not be changed silently: a registry that rooms above fill in `apps.ready`.

A *stake* is one sentence, such as "has signed in". `sync` asks here before it moves an address or re-keys a person, and
so can be careful with money without ever having heard of wallets.
"""

from collections.abc import Callable, Mapping
from typing import Final

Stakes = Mapping[int, str]
Register = Callable[[str], Stakes]

_registers: Final[list[Register]] = []


def register(answer: Register) -> None:
    """Add a callable: kind ("student", "guardian", "staff") → {person id: stake}, for the open school, in one query."""
    if answer not in _registers:
        _registers.append(answer)


def of(kind: str) -> dict[int, tuple[str, ...]]:
    """Return every stake of every person of this kind in the open school."""
    found: dict[int, tuple[str, ...]] = {}
    for answer in _registers:
        for person, stake in answer(kind).items():
            found[person] = (*found.get(person, ()), stake)
    return found
