"""One request, and what it carries that no text may show."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from requests.auth import AuthBase

from sync.http.addresses import host_of

Params = Mapping[str, str | int] | Sequence[tuple[str, str]]
Auth = AuthBase | tuple[str, str]

_SHORTEST_SECRET: Final = 6  # shorter values, such as a page number, are no secrets


@dataclasses.dataclass(frozen=True)
class Call:
    """One request; its repr says nothing. What is asked `slowly` may take several times as long in coming."""

    method: str
    url: str = dataclasses.field(repr=False)
    params: Params | None = dataclasses.field(repr=False, default=None)
    headers: Mapping[str, str] | None = dataclasses.field(repr=False, default=None)
    auth: Auth | None = dataclasses.field(repr=False, default=None)
    form: Mapping[str, str] | None = dataclasses.field(repr=False, default=None)
    as_json: bool = False  # the form, for who does not read forms
    refusals: frozenset[int] = frozenset({401, 403})
    slowly: bool = False

    @property
    def host(self) -> str:
        """The host that is asked, for messages."""
        return host_of(self.url)

    @property
    def asked(self) -> bytes:
        """What is asked for, whoever asks: tokens and signatures are others on another day. Parameters may be keys."""
        return json.dumps([self.method, self.url, list(self._pairs())]).encode()

    def redacted(self, text: str, *more: str) -> str:
        """The text without whatever this request carried: an explanation may quote what the host echoes."""
        for secret in sorted(self._carried(*more), key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def _carried(self, *more: str) -> set[str]:
        values = [*more, *(value for _, value in self._pairs())]
        values += [*(self.headers or {}).values(), *(self.form or {}).values()]
        values += self.auth if isinstance(self.auth, tuple) else ()
        words = {word for value in values for word in (value, *value.split())}
        return {word for word in words if len(word) >= _SHORTEST_SECRET}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        pairs = self.params.items() if isinstance(self.params, Mapping) else self.params or ()
        for name, value in pairs:
            yield name, str(value)
