"""What a host said, and the tokens of the pages it said it in."""

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from sync.errors import Broken


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a host said. `headers` are looked up in any case; `host` is for messages."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    host: str = ""

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            Broken: it is none; the message does not quote it.
        """
        # The strict parser is twice as fast; what it refuses a careless MIS may still mean: UTF-16, a BOM, NaN, or half
        # of a character, which the lenient one reads.
        for read in (msgspec.json.decode, json.loads):
            with contextlib.suppress(ValueError, RecursionError):  # the fault itself carries the body
                return read(self.body)
        raise Broken(f"{self.host or 'the MIS'} answered with something that is not JSON")


class Seen:
    """The page tokens of one listing: a token that comes twice would have us read for ever."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()

    def check(self, token: str) -> None:
        """Note a token.

        Raises:
            Broken: it came before.
        """
        if token in self._tokens:
            raise Broken("the answer repeats itself: the same next page was named twice")
        self._tokens.add(token)
