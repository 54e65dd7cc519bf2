"""The connector for ManageBac: five lists, read whole each night and joined in memory."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Final
from urllib.parse import urlsplit

from sync.connector import Connector, setting
from sync.connectors.managebac.listing import Lists
from sync.connectors.managebac.picture import Picture
from sync.connectors.managebac.wire import ClassRow, MembershipRow, ParentRow, StudentRow, TeacherRow
from sync.errors import Doubtful
from sync.http import Http
from sync.records import Complete, Kind, Remark, RosterRecord

REGIONS: Final = {
    "global": "https://api.managebac.com",
    "china": "https://api.managebac.cn",
    "us-1": "https://api.us.managebac.com",
    "us-2": "https://api.managebac.us",
}
VERSIONS: Final = ("v2", "v2p3", "v2p2", "v2p1", "v2p0")
YES_NO: Final = ("yes", "no")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class ManageBacSettings:
    """Whose ManageBac, where it is, and what becomes of homerooms and leavers.

    Raises:
        ValueError: a setting is not one of its choices; no message holds the token.
    """

    token: str = setting(
        label="API token",
        help="Made at Settings › Develop › API Manager › Add New Token. It needs to read Students, Parents, Teachers, "
        "Classes and Memberships.",
        secret=True,
    )
    region: str = setting(
        label="Region",
        help="Where Faria keeps the school; a token of one region does not work in another.",
        default="global",
        choices=tuple(REGIONS),
    )
    base_url: str = setting(
        label="Address of the API",
        help="Leave empty, unless Faria names another address than the region's.",
        default="",
        address=True,
    )
    version: str = setting(
        label="Version of the API",
        help="v2 follows Faria's changes; the others stay as they were until Faria retires them.",
        default="v2",
        choices=VERSIONS,
    )
    homerooms: str = setting(
        label="Homerooms become classes",
        help="A homeroom is everybody in a year group with the same homeroom advisor.",
        default="yes",
        choices=YES_NO,
    )
    leavers: str = setting(
        label="Read leavers",
        help="yes: archived students are read too, with the day they left. no: who is archived is simply gone.",
        default="no",
        choices=YES_NO,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            choices = field.metadata["choices"]
            if choices and getattr(self, field.name) not in choices:
                raise ValueError(f"{field.name} is one of {', '.join(choices)}")
        if not self.token.isascii() or not self.token.isprintable() or " " in self.token or not self.token:
            raise ValueError("token is one word of plain letters and digits, as ManageBac shows it")
        if self.base_url and not _is_address(self.base_url):
            raise ValueError("base_url begins with https:// and holds no password, question mark or #")

    @property
    def root(self) -> str:
        """The address that the names of the lists are added to."""
        return f"{(self.base_url or REGIONS[self.region]).rstrip('/')}/{self.version}"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return safe and bool(parts.hostname) and not (parts.username or parts.password or parts.query or parts.fragment)


class ManageBac(Connector):
    """Reads students, parents, teachers, classes and memberships; ManageBac has no medical or dietary notes."""

    key: ClassVar[str] = "managebac"
    label: ClassVar[str] = "ManageBac"
    Settings: ClassVar[type] = ManageBacSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture, each proven kind followed by its `Complete`; see `Connector.roster`."""
        picture = _picture(self.http, self.settings)
        yield from (Remark(text=text) for text in picture.remarks())
        for kind, records in picture.kinds():
            yield from records
            if records and picture.proves(kind):  # nothing at all proves nothing
                yield Complete(kind=kind, rows=len(records))


def _picture(http: Http, settings: ManageBacSettings) -> Picture:
    lists = Lists(http, root=settings.root, token=settings.token)
    leavers, homerooms = settings.leavers == "yes", settings.homerooms == "yes"
    # Without the filter, people come archived or not, but classes only if they are not.
    students = lists.required("students", StudentRow, **({} if leavers else {"archived": "0"}))
    if not students.rows and not students.bad:
        raise Doubtful("ManageBac lists no students at all. Check that the token is this school's own.")
    return Picture(
        students=students,
        parents=lists.optional("parents", ParentRow, archived="0"),
        # All of them: an archived teacher has left, but one who is not listed may have become an administrator.
        teachers=lists.optional("teachers", TeacherRow),
        classes=lists.optional("classes", ClassRow),
        memberships=lists.optional("memberships", MembershipRow),
        homerooms=homerooms,
        leavers=leavers,
    )
