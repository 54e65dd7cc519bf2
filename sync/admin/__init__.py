"""Syncs, as our support sees them: a module a noun. Django finds what each registers by importing this package."""

from sync.admin import (
    cases,
    characters,
    clock,
    connections,
    mis_change,
    one_off,
    products,
    requests,
    runs,
    schools,
    trials,
)

__all__ = [
    "cases",
    "characters",
    "clock",
    "connections",
    "mis_change",
    "one_off",
    "products",
    "requests",
    "runs",
    "schools",
    "trials",
]
