"""The product as text and as tables: what the guards of this folder walk through."""

import ast
import functools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parent.parent.parent
_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOMS: tuple[str, ...] = tuple(room for room in _CONTRACTS["root_packages"] if room != "local")

Source = tuple[str, ast.Module]


@functools.cache
def sources() -> tuple[Source, ...]:
    """Every module of the product: its path from the root, and its syntax tree."""
    files = (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py")))
    return tuple((str(file.relative_to(ROOT)), ast.parse(file.read_text())) for file in files)


def own_models() -> list[type[models.Model]]:
    """Every table of our own rooms."""
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in ROOMS]


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each module that is imported, with its line; `from a import b` is both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.lineno
            yield from ((f"{module}.{name.name}", node.lineno) for name in node.names)


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Each call of a function or method of this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called: Any = node.func
            if name in {getattr(called, "id", None), getattr(called, "attr", None)}:
                yield node
