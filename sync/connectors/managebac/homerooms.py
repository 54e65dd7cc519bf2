"""Homerooms, for which ManageBac has no list: everybody in one year group with the same homeroom advisor."""

import functools
from collections.abc import Iterator, Mapping
from typing import Final

from sync.connectors.managebac.tables import Tables
from sync.connectors.managebac.wire import StudentRow
from sync.records import NOT_SHARED, Class, Text

_FIELDS: Final = frozenset({"homeroom_advisor_id", "year_group_id"})
_NONE: Final = (
    "homerooms: no student has both a year group and a homeroom advisor, or these fields are switched off. Classes "
    "are not taken as complete; if the school has no homerooms, switch “Homerooms become classes” off."
)


class Homerooms:
    """The homerooms of one night; none if the school does not want them as classes."""

    def __init__(self, tables: Tables, *, wanted: bool) -> None:
        self._tables, self._wanted = tables, wanted

    @functools.cached_property
    def classes(self) -> Mapping[str, Class]:
        """A class for each homeroom, named after its year and advisor; few enough to be held in memory."""
        found: dict[str, Class] = {}
        for ref, member in self.members():
            if ref not in found:
                found[ref] = self._class(ref, member)
        return found

    def members(self) -> Iterator[tuple[str, StudentRow]]:
        """Yield who sits in which homeroom."""
        if self._wanted:
            for row in self._tables.enrolled():
                if ref := _ref(row):
                    yield ref, row

    def form(self, row: StudentRow) -> Text:
        """Return the name of a student's homeroom, "" if there is none."""
        if not (self._wanted and self._shared):
            return NOT_SHARED
        ref = _ref(row)
        return self.classes[ref].name if ref else ""

    @property
    def known(self) -> bool:
        """Whether every homeroom seat was read; an unreadable student may sit in any."""
        students = self._tables.students
        return not self._wanted or (self._shared and students.whole and not students.spoilt)

    def remarks(self) -> Iterator[str]:
        """Say so if there are none."""
        if self._wanted and not self._shared:
            yield _NONE

    @property
    def _shared(self) -> bool:
        return self._tables.students.shared >= _FIELDS and bool(self.classes)

    def _class(self, ref: str, member: StudentRow) -> Class:
        year = self._tables.students.text(member, "class_grade")
        advisor = self._tables.teachers.get(str(member.homeroom_advisor_id))
        names = (advisor.first_name, advisor.last_name) if advisor else ()
        name = " ".join(filter(None, names)) or f"homeroom {member.homeroom_advisor_id}"
        return Class(
            ref=ref, name=f"{year} – {name}" if year and year is not NOT_SHARED else name, year=year, subject=""
        )


def _ref(row: StudentRow) -> str:
    """Return the key of a student's homeroom, "" if there is none; an archived student sits in none."""
    if row.archived or row.homeroom_advisor_id is None or row.year_group_id is None:
        return ""
    return f"hr:{row.homeroom_advisor_id}:{row.year_group_id}"
