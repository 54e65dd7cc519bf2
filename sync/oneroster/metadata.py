"""What a partner or a school puts into `metadata`, where OneRoster has no field; which keys is a setting."""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sync.records import NOT_SHARED, Text

_LONGEST_TITLE: Final = 200


class Metadata:
    """The free part of a row. A key with dots is looked up as it stands, then as a path."""

    def __init__(self, said: Mapping[str, Any] | None) -> None:
        self._said: Mapping[str, Any] = said or {}

    def get(self, key: str) -> Any:
        """Return a value, None if there is none."""
        if not key or key in self._said:
            return self._said.get(key) if key else None
        value: Any = self._said
        for step in key.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def text(self, key: str) -> Text:
        """Return a text or number; no key, no value, null or anything else is not shared."""
        value = self.get(key)
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else NOT_SHARED


@dataclasses.dataclass(frozen=True, kw_only=True)
class Note:
    """A free text about one student. It has no identity of its own, so `ref` is made from the words."""

    whole: str

    @property
    def ref(self) -> str:
        """16 hex digits: the same for the same words, wherever they stand in the list."""
        return hashlib.sha256(self.whole.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def title(self) -> str:
        """The first line, "" if it is no title but a long text."""
        line = self.whole.partition("\n")[0].strip()
        return line if len(line) <= _LONGEST_TITLE else ""

    @property
    def details(self) -> Text:
        """What follows the title; not shared if nothing does."""
        rest = self.whole.partition("\n")[2].strip() if self.title else self.whole
        return rest or NOT_SHARED


def notes_of(sources: Iterable[Metadata], key: str) -> Iterator[Note]:
    """Yield the notes under one key: a text is one note, a list is several, blanks are none."""
    for source in sources:
        said = source.get(key)
        for words in said if isinstance(said, list) else [said]:
            if isinstance(words, str) and words.strip():
                yield Note(whole=words.strip())
