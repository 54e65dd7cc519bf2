"""What a school calls its categories of attendance in the academic years that a day is in."""

import collections
import datetime
import functools
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.connectors.managebac.api import Api, NotPermitted
from sync.connectors.managebac.wire import ref_in
from sync.keys import OK
from sync.records import NOT_SHARED, Text

_NONE: Final = frozenset({400, 404})  # no such academic year, or no categories in it


class Labels:
    """What the school calls its categories; asked for only if a mark does not say it itself."""

    def __init__(self, api: Api, day: datetime.date) -> None:
        self._api, self._day = api, day.isoformat()

    def of(self, code: str) -> Text:
        """Return the label of a category, NOT_SHARED if nobody says one."""
        return self._by_code.get(code, NOT_SHARED)

    @functools.cached_property
    def _by_code(self) -> Mapping[str, str]:
        """The labels on which that day's academic years agree: each of the school's programmes has its own."""
        labels = collections.defaultdict(set)
        for year in self._years():
            for row in self._ask(f"school/academic-years/{urllib.parse.quote(year, safe='')}/attendance_categories"):
                label = row.get("label")
                if isinstance(label, str) and label:
                    labels[ref_in(row, "status")].add(label)
        return {code: next(iter(found)) for code, found in labels.items() if len(found) == 1}

    def _years(self) -> list[str]:
        years = self._ask("school/academic-years")
        return list(dict.fromkeys(ref_in(row) for row in years if _spans(row, self._day)))

    def _ask(self, path: str) -> list[Mapping[str, Any]]:
        """Return all rows of an answer, however deep in it; none if it is not shared."""
        try:
            answer = self._api.try_get(path, permission="School", accept=OK | _NONE)
        except NotPermitted:
            return []
        return [] if answer.status in _NONE else list(_rows(answer.json()))


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in the lists of an answer that nests them under the names of programmes."""
    for part in value.values() if isinstance(value, Mapping) else ():
        if isinstance(part, list):
            yield from (row for row in part if isinstance(row, Mapping))
        else:
            yield from _rows(part)


def _spans(year: Mapping[str, Any], day: str) -> bool:
    """Whether a day, written as ManageBac writes days, is in an academic year."""
    first, last = year.get("starts_on"), year.get("ends_on")
    return bool(ref_in(year)) and isinstance(first, str) and isinstance(last, str) and first[:10] <= day <= last[:10]
