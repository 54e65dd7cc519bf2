"""One request to ManageBac, and what to tell the school where it says no."""

from collections.abc import Mapping
from typing import Any, Final

from sync.connectors.managebac.settings import ManageBacSettings
from sync.errors import Broken
from sync.http import Answer, Http
from sync.keys import OK

REFUSALS: Final = frozenset({401, 403})
NO_STUDENTS: Final = "ManageBac lists no students at all. Check that the token is this school's own."
WHERE: Final = "at Settings › Develop › API Manager in ManageBac"


class NotPermitted(Exception):
    """401 or 403: this is not for this token, or the token is none any more. ManageBac answers both alike."""


class Api:
    """One school's ManageBac. `permission` is what a school's administrator ticks for the token."""

    def __init__(self, http: Http, settings: ManageBacSettings) -> None:
        self._http, self._root, self._keys = http, settings.root, settings.keys()

    def get(
        self,
        path: str,
        *,
        permission: str,
        params: Mapping[str, str] | None = None,
        accept: frozenset[int] = OK,
        keep: bool = True,
    ) -> Answer:
        """Return the answer.

        Raises:
            Refused: 401 or 403; the sentence names the permission.
            Busy, Broken: see `Http.get`.
        """

        def explain(_: Answer) -> str:
            return _refused(permission)

        address = f"{self._root}/{path}"
        return self._keys.get(self._http, address, params=params, accept=accept, explain=explain, keep=keep)

    def try_get(
        self,
        path: str,
        *,
        permission: str,
        params: Mapping[str, str] | None = None,
        accept: frozenset[int] = OK,
    ) -> Answer:
        """Return the answer to something that the school need not share with us.

        Raises:
            NotPermitted: 401 or 403, though the token reads students.
            Refused: the token reads nothing any more.
            Busy, Broken: see `Http.get`.
        """
        answer = self.get(path, permission=permission, params=params, accept=accept | REFUSALS)
        if answer.status in REFUSALS:
            self.get(
                "students", permission="Students", params={"per_page": "1"}, keep=False
            )  # only what it may read can tell
            raise NotPermitted
        return answer


def rows_in(body: object, name: str) -> list[Any]:
    """Return the list under that name.

    Raises:
        Broken: there is none.
    """
    rows = body.get(name.replace("-", "_")) if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise Broken(f"ManageBac answered without a list of {name.replace('-', ' ')}")
    return rows


def title(name: str) -> str:
    """Return a list's permission as the API Manager shows it."""
    return name.replace("-", " ").title()


def not_permitted(what: str, *permissions: str) -> str:
    """Say what we do not get, and what to tick if we should."""
    ticks = " and ".join(f"“{one}”" for one in permissions)
    return f"{what[:1].upper()}{what[1:]}: not shared with us. If they should be, permit {ticks} to the token {WHERE}."


def _refused(permission: str) -> str:
    return (
        f"ManageBac does not accept the token: it is wrong, switched off, of another region, or lacks the permission "
        f"“{permission}”. Look {WHERE}."
    )
