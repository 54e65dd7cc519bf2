"""The connector for iSAMS: its Batch API, asked once for each key and read as a stream (R5, R12, R20)."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from typing import BinaryIO, ClassVar, Final

from sync.connector import Connector, setting
from sync.connectors.isams.document import Document
from sync.connectors.isams.messages import complain, explain, fault_in
from sync.connectors.isams.picture import Picture, Wishes
from sync.errors import Broken, Busy, Refused, SyncError
from sync.records import Kind, RosterRecord

_BATCH: Final = "/api/batch/1.0/xml.ashx"
_TOKEN: Final = "/auth/connect/token"  # noqa: S105 an address
_BETWEEN: Final = re.compile(r"[\s,;]+")
# Statuses with which iSAMS may say in a `<Message>` that the key is set up wrongly; which one it takes is not known.
_ANSWERED: Final = frozenset({200, 400, 404, 405, 500})

GROUPS: Final = ("forms and sets", "forms", "sets")
PEOPLE: Final = ("contact", "person")


@dataclasses.dataclass(frozen=True, kw_only=True)
class IsamsSettings:
    """Where the school's iSAMS is, the key it made for us, and what differs from school to school."""

    host: str = setting(
        label="Host", help="Such as school.isams.cloud; a whole https:// address is possible as well.", address=True
    )
    api_key: str = setting(
        label="Batch API key",
        help="Made in iSAMS, Control Panel › API Services Manager. Several keys, with blanks between them, are read "
        "one after the other. With a client secret this is the client ID.",
        secret=True,
    )
    client_secret: str = setting(
        label="Client secret", help="Only for keys that have a client ID and a secret.", secret=True, default=""
    )
    classes: str = setting(label="Classes", help="What counts as a class.", default=GROUPS[0], choices=GROUPS)
    guardians: str = setting(
        label="Guardians are told apart by",
        help="contact: by the number of the contact. person: by PersonGuid, so that a parent with several contact "
        "numbers is one guardian; only if iSAMS sends it. Not to be changed once guardians were read.",
        default=PEOPLE[0],
        choices=PEOPLE,
    )
    health_list: str = setting(
        label="Health list", help="The list with the health rows, as agreed with the school; empty: none.", default=""
    )
    medical_fields: str = setting(label="Medical fields", help="Names with commas between them.", default="")
    dietary_fields: str = setting(label="Dietary fields", help="Names with commas between them.", default="")

    def __post_init__(self) -> None:
        if not self.host.strip() or not self.keys:
            raise ValueError("host and api_key are needed")
        if self.client_secret and len(self.keys) > 1:
            raise ValueError("with a client_secret there is one api_key")
        if self.classes not in GROUPS or self.guardians not in PEOPLE:
            raise ValueError("classes or guardians is none of the choices")

    @property
    def base(self) -> str:
        """The address of the school's iSAMS without a slash at the end."""
        host = self.host.strip().rstrip("/")
        return host if "://" in host else f"https://{host}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The batch keys."""
        return tuple(filter(None, _BETWEEN.split(self.api_key)))

    def wishes(self) -> Wishes:
        """What is to be read."""
        named = bool(self.health_list.strip())
        return Wishes(
            forms="forms" in self.classes,
            sets="sets" in self.classes,
            by_person=self.guardians == "person",
            health=self.health_list.strip().lower(),
            medical=_names(self.medical_fields) if named else frozenset(),
            dietary=_names(self.dietary_fields) if named else frozenset(),
        )


class Isams(Connector):
    """Reads the lists that the school ticked for the key. The Batch API has no pages: the document is the whole."""

    key: ClassVar[str] = "isams"
    label: ClassVar[str] = "iSAMS"
    Settings: ClassVar[type] = IsamsSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture after the last document has come to its end; see `Connector.roster`."""
        picture = Picture(self.settings.wishes())
        for key in self.settings.keys:
            with self._document(key) as body:
                for rows, node in Document(body, complain=complain).rows():
                    picture.take(rows, node)
        yield from picture.records()

    @contextlib.contextmanager
    def _document(self, key: str) -> Iterator[BinaryIO]:
        headers = self._authority(key)
        url, params = self.settings.base + _BATCH, {"apiKey": key}
        with contextlib.ExitStack() as stack:
            try:
                body = stack.enter_context(self.http.stream(url, params=params, headers=headers, explain=explain))
            except Broken as fault:
                error: SyncError = fault
            except Busy as fault:
                if "status 500" not in str(fault):
                    raise
                error = fault
            else:
                yield body
                return
        raise self._reason(error, url=url, params=params, headers=headers)

    def _reason(self, error: SyncError, *, url: str, params: dict[str, str], headers: dict[str, str]) -> SyncError:
        """Ask once more for the words of iSAMS: a key that is set up wrongly may come as any status, even as 500."""
        try:
            answer = self.http.get(url, params=params, headers=headers, accept=_ANSWERED, explain=explain)
        except SyncError:
            return error
        said = fault_in(answer) if answer.status != 200 else None
        return said if isinstance(said, Refused) else error

    def _authority(self, key: str) -> dict[str, str]:
        """Return the header that newer keys want, which are client IDs, and older ones do not."""
        if not self.settings.client_secret:
            return {}
        form = {
            "grant_type": "client_credentials",
            "client_id": key,
            "client_secret": self.settings.client_secret,
            "scope": "apiv1",
        }
        answer = self.http.token(self.settings.base + _TOKEN, form=form).json()
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise Broken("iSAMS answered without an access token.")
        return {"Authorization": f"Bearer {token}"}


def _names(written: str) -> frozenset[str]:
    return frozenset(name.lower() for name in map(str.strip, written.split(",")) if name)
