"""Which of the orgs of a feed are ours: a feed can hold a whole district."""

from collections.abc import Sequence

from sync.errors import Refused
from sync.oneroster.client import Collection
from sync.oneroster.wire import Org, Ref, word


class School:
    """Our school and its parts.

    Raises:
        Refused: our school is not there, or there are several and none is named.
    """

    def __init__(self, orgs: Collection[Org], *, named: str) -> None:
        self._orgs = orgs
        known = list(orgs.rows.rows())
        here = [org for org in known if not org.is_gone]
        schools = [org.ref for org in here if word(org.type) == "school"]
        if named and named not in (org.ref for org in here):
            raise Refused("The school is no longer shared with us: share it again, or correct its sourcedId.")
        if not named and len(schools) != 1:
            raise Refused(f"The credentials reach {len(schools)} schools: share one, or enter its sourcedId.")
        self._refs = _with_parts({named or schools[0]}, here)
        self._is_only = set(schools) <= self._refs and not any(org.fault for org in known)
        self._alone: bool | None = None

    @property
    def alone(self) -> bool:
        """Whether all of the feed is ours, for certain; to be asked once everything was read (see `client`)."""
        if self._alone is None:
            self._alone = self._is_only and self._orgs.proven
        return self._alone

    def owns(self, org: Ref | None) -> bool:
        """Whether whatever names this org is ours."""
        return self.alone or (org is not None and org.ref in self._refs)


def _with_parts(found: set[str], orgs: Sequence[Org]) -> frozenset[str]:
    while more := {org.ref for org in orgs if org.parent and org.parent.ref in found} - found:
        found |= more
    return frozenset(found)
