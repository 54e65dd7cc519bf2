"""Chance that falls the same everywhere: only `Random.random()` is promised to stay equal across Python versions."""

import random
import zlib
from collections.abc import Sequence
from typing import Self, TypeVar

Item = TypeVar("Item")


class Dice:
    """A seeded stream of choices. Separate purposes take separate children, so that one never shifts another."""

    def __init__(self, *, seed: str) -> None:
        self._seed = seed
        self._random = random.Random(seed)

    def child(self, purpose: str) -> Self:
        """Return a stream of its own for this purpose, whatever was drawn here before."""
        return type(self)(seed=f"{self._seed}/{purpose}")

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to `bound` - 1."""
        return int(self._random.random() * bound)

    def chance(self, probability: float) -> bool:
        """Return True in that share (0 to 1) of all calls."""
        return self._random.random() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        """Pick one of the items."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[int, Item]]) -> Item:
        """Pick one of the items, each as likely as its weight."""
        left = self.below(sum(weight for weight, _ in items))
        for weight, item in items:
            left -= weight
            if left < 0:
                return item
        raise ValueError("no weights")

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Return all the items in another order."""
        rest = list(items)
        for last in range(len(rest) - 1, 0, -1):
            other = self.below(last + 1)
            rest[last], rest[other] = rest[other], rest[last]
        return rest

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """Pick `count` different items, or all where there are fewer."""
        return self.shuffled(items)[:count]


def digest(text: str, *, below: int) -> int:
    """Return a number from 0 to `below` - 1 that depends on the text alone (`hash` differs by process)."""
    return zlib.crc32(text.encode()) % below
