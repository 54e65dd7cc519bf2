"""The connector for Wonde: its settings, and how a school stands with Wonde before anything is read."""

import dataclasses
import re
from collections.abc import Generator, Iterator
from typing import ClassVar, Final

from sync.connector import Connector, setting
from sync.connectors.wonde.pages import Api
from sync.connectors.wonde.picture import Picture
from sync.errors import Refused
from sync.records import Complete, Kind, Remark, RosterRecord

HOSTS: Final = (
    "api.wonde.com",
    "api-ap-southeast-2.wonde.com",
    "api-af-south-1.wonde.com",
    "api-us-west-2.wonde.com",
)
CLASSES: Final = ("classes", "groups", "both")
STAFF_EMAIL: Final = ("work", "email", "primary")

_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.wonde\.com")
_LOOPBACK: Final = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?/?")
_SCHOOL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class WondeSettings:
    """Which school, with which token, and how this school keeps its classes and addresses."""

    token: str = setting(
        label="Token", help="The school's token from the Wonde portal, or our own application token.", secret=True
    )
    school: str = setting(label="School id", help="Wonde's id of the school, such as A1930499544.")
    host: str = setting(
        label="Region",
        help="Where Wonde keeps this school: on the wrong host every list is empty.",
        default=HOSTS[0],
        choices=HOSTS,
    )
    classes: str = setting(
        label="Classes",
        help="Teaching classes, registration groups, or both. Primary schools often have registration groups only.",
        default="classes",
        choices=CLASSES,
    )
    staff_email: str = setting(
        label="Staff e-mail",
        help="Which of Wonde's addresses of a member of staff is the one they use at school.",
        default="work",
        choices=STAFF_EMAIL,
    )

    def __post_init__(self) -> None:
        # The token is sent wherever this points, so it points at Wonde or at this machine.
        if not (_HOST.fullmatch(self.host) or _LOOPBACK.fullmatch(self.host)):
            raise ValueError(f"host is one of {', '.join(HOSTS)}")
        if not _SCHOOL.fullmatch(self.school):
            raise ValueError("school is Wonde's id of the school")
        if self.classes not in CLASSES or self.staff_email not in STAFF_EMAIL:
            raise ValueError(f"classes is one of {', '.join(CLASSES)}; staff_email one of {', '.join(STAFF_EMAIL)}")

    def __repr__(self) -> str:
        """Without the token: settings end up in logs and in the frames of errors."""
        return f"WondeSettings(school={self.school!r}, host={self.host!r})"

    @property
    def base(self) -> str:
        """The address without a path."""
        return self.host.rstrip("/") if "://" in self.host else f"https://{self.host}"


class Wonde(Connector):
    """Reads the whole roster; never the deletions or changes since, because absence is proven by a whole list only."""

    key: ClassVar[str] = "wonde"
    label: ClassVar[str] = "Wonde"
    Settings: ClassVar[type] = WondeSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)
    # pace: Wonde publishes no limit, so the usual one stands.
    per_page: ClassVar[int] = 200

    def roster(self) -> Iterator[RosterRecord]:
        """Yield all lists; see `Connector.roster`. While Wonde still checks a school, no list is complete."""
        settings: WondeSettings = self.settings
        api = Api(self.http, base=settings.base, token=settings.token, school=settings.school, per_page=self.per_page)
        checked = yield from _standing(api, settings)
        for record in Picture(api, classes=settings.classes, staff_email=settings.staff_email).records():
            if checked or not isinstance(record, Complete):
                yield record


def _standing(api: Api, settings: WondeSettings) -> Generator[RosterRecord, None, bool]:
    """Ask how the school stands with Wonde; return whether its data are checked. No answer is no objection."""
    region = api.single(f"schools/{settings.school}").get("region")
    _demand_region(region.get("domain") if isinstance(region, dict) else None, settings)
    meta = api.single(f"meta/schools/{settings.school}")
    if meta.get("approved") is False:
        raise Refused("The school has not approved our access in Wonde, or has withdrawn it.")
    if meta.get("online") is False:
        yield Remark(text="Wonde cannot reach the school's MIS at present: what it sends may be old.")
    if meta.get("audited") is False:
        yield Remark(text="Wonde has not finished checking this school's data: no list is taken as complete.")
    return meta.get("audited") is not False


def _demand_region(domain: object, settings: WondeSettings) -> None:
    if isinstance(domain, str) and domain.strip() and domain.strip() != settings.base.partition("://")[2]:
        known = domain.strip() if _HOST.fullmatch(domain.strip()) else "another host"
        raise Refused(f"Wonde keeps this school at {known}: choose this region in the connection's settings.")
