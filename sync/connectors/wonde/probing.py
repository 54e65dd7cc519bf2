"""The connection test: one row of each list, and what the portal calls the permission that is missing."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.connector import Finding, Reach
from sync.connectors.wonde import picture
from sync.connectors.wonde.pages import Api, NotOffered

_NO_STUDENTS: Final = "None came. Look whether the region and the school id are right."
_NONE: Final = "None came: there are none, or the school's MIS does not give them to Wonde."

# Parts that come inside of students, the permission for each being likely, not documented.
_WITHIN: Final = {
    "Medical notes": ("medical_conditions", "medical-conditions.read"),
    "Dietary needs": ("extended_details", "students.extended-details.read"),
}


class Probe:
    """One look at each list. `classes` is as in `picture.Picture`."""

    def __init__(self, api: Api, *, classes: str) -> None:
        self._api, self._classes = api, classes
        self._permissions = api.permissions()

    def findings(self) -> Iterator[Finding]:
        """Yield what was found, part by part; raises `sync.errors`."""
        yield from self._students()
        yield self._list("Guardians", "contacts", *picture.OF_CONTACTS)
        yield self._list("Staff", "employees", *picture.OF_EMPLOYEES)
        if self._classes != "groups":
            yield self._list("Classes", "classes", *picture.OF_CLASSES)
        if self._classes != "classes":
            yield self._list("Registration groups", "groups", *picture.OF_GROUPS, **picture.REGISTRATION)
        yield self._list("Attendance", "attendance/session")
        yield from self._withheld()

    def _students(self) -> Iterator[Finding]:
        try:
            listing = self._api.listing("students", *picture.OF_STUDENTS, most=1)
        except NotOffered as missing:
            text = self._allow(missing.scope) if missing.scope else picture.no_access(missing)
            yield Finding(part="Students", reach=Reach.FAULTY, text=text)
            return
        row = next(listing.rows(), None)
        if row is None:
            yield Finding(part="Students", reach=Reach.FAULTY, text=_NO_STUDENTS)
            return
        within = {include for include, _ in _WITHIN.values()}
        lacking = {name: scope for name, scope in listing.lacking.items() if name.partition(".")[0] not in within}
        yield Finding(part="Students", reach=Reach.READS, text=self._without(lacking))
        for part, (include, scope) in _WITHIN.items():
            missing_scope = listing.lacking.get(include, "" if _is_there(row, include) else scope)
            if include in listing.lacking or missing_scope:
                yield Finding(part=part, reach=Reach.NOT_SHARED, text=self._allow(missing_scope or scope))
            else:
                yield Finding(part=part, reach=Reach.READS, text="Read.")

    def _list(self, part: str, path: str, *includes: str, **only: str) -> Finding:
        try:
            listing = self._api.listing(path, *includes, most=1, **only)
        except NotOffered as missing:
            scope = missing.scope or f"{path.partition('/')[0]}.read"
            return Finding(part=part, reach=Reach.NOT_SHARED, text=self._allow(scope))
        if next(listing.rows(), None) is None:
            return Finding(part=part, reach=Reach.NOT_SHARED, text=_NONE)
        return Finding(part=part, reach=Reach.READS, text=self._without(listing.lacking))

    def _withheld(self) -> Iterator[Finding]:
        """Yield the permissions that we asked for and the school has not granted; single fields are among them."""
        names = sorted(f"“{name}”" for name, granted in self._permissions.values() if not granted)
        if names:
            text = f"Not granted in the school's Wonde portal: {', '.join(names)}. What they are about is not shared."
            yield Finding(part="Permissions", reach=Reach.NOT_SHARED, text=text)
        elif self._permissions:
            yield Finding(part="Permissions", reach=Reach.READS, text="All that we asked for are granted.")

    def _without(self, lacking: Mapping[str, str]) -> str:
        if not lacking:
            return "Read."
        names = (f"{include} ({self._called(scope)})" if scope else include for include, scope in lacking.items())
        return f"Read, but without {', '.join(names)}: not allowed, or not known to this school's MIS."

    def _allow(self, scope: str) -> str:
        return f"Not shared: allow {self._called(scope)} in the school's Wonde portal, if the MIS holds it."

    def _called(self, scope: str) -> str:
        name, _ = self._permissions.get(scope, ("", False))
        return f"“{name}” ({scope})" if name else scope


def _is_there(row: Any, include: str) -> bool:
    """Whether a row has an include; null is what comes where its permission is missing."""
    return isinstance(row, dict) and row.get(include) not in (None, {"data": None})
