"""The connector for Wonde: its settings, and how a school stands with Wonde before anything is read."""

import dataclasses
import datetime
import re
from collections.abc import Iterator
from typing import ClassVar, Final

from sync.connector import Connector, Finding, Reach, demand_choices, setting
from sync.connectors.wonde.pages import MOST_ROWS, Api
from sync.connectors.wonde.picture import Picture
from sync.connectors.wonde.probing import Probe
from sync.connectors.wonde.registers import Registers
from sync.errors import Refused
from sync.records import Complete, Kind, MarkRecord, Remark, RosterRecord, Session

HOSTS: Final = (
    "api.wonde.com",
    "api-ap-southeast-2.wonde.com",
    "api-af-south-1.wonde.com",
    "api-us-west-2.wonde.com",
)
CLASSES: Final = ("classes", "groups", "both")
STAFF_EMAIL: Final = ("work", "email", "primary")
YES_NO: Final = ("yes", "no")

_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.wonde\.com")
_LOOPBACK: Final = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?/?")
_SCHOOL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONDON: Final = "Europe/London"
_OFFLINE: Final = "Wonde cannot reach the school's MIS at present: what it sends may be old."
_UNAUDITED: Final = "Wonde has not finished checking this school's data: no list is taken as complete."


@dataclasses.dataclass(frozen=True, kw_only=True)
class WondeSettings:
    """Which school, with which token, and how this school keeps its classes and addresses.

    Raises:
        ValueError: a setting is not what it may be; no message holds the token.
    """

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
    mis: str = setting(
        label="MIS behind Wonde",
        help="As Wonde names it (the connection test shows it). If Wonde ever names another, nothing is read, because "
        "everybody's ids may have changed. Empty: any.",
        default="",
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
    totals: str = setting(
        label="Hold lists against Wonde's totals",
        help="yes: a list shorter than Wonde's total is not complete, and nobody leaves because of it. no: only if "
        "Wonde's totals never agree for this school, for instance because they count people it hides from us.",
        default="yes",
        choices=YES_NO,
    )

    def __post_init__(self) -> None:
        # The token is sent wherever this points, so it points at Wonde or at this machine.
        if not (_HOST.fullmatch(self.host) or _LOOPBACK.fullmatch(self.host)):
            raise ValueError(f"host is one of {', '.join(HOSTS)}")
        if not _SCHOOL.fullmatch(self.school):
            raise ValueError("school is Wonde's id of the school")
        demand_choices(self, free={"host"})

    @property
    def base(self) -> str:
        """The address without a path."""
        return self.host.rstrip("/") if "://" in self.host else f"https://{self.host}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """How a school stands with Wonde. What Wonde does not answer is no objection."""

    mis: str
    english: bool  # in England, and without attendance codes of its own
    audited: bool
    online: bool


class Wonde(Connector):
    """Reads the whole roster; never the deletions or changes since, because absence is proven by a whole list only."""

    key: ClassVar[str] = "wonde"
    label: ClassVar[str] = "Wonde"
    Settings: ClassVar[type] = WondeSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)
    sessions: ClassVar[frozenset[Session]] = frozenset({Session.AM, Session.PM})
    # pace: Wonde publishes no limit, so the usual one stands.
    per_page: ClassVar[int] = MOST_ROWS

    def roster(self) -> Iterator[RosterRecord]:
        """Yield all lists; see `Connector.roster`. While Wonde still checks a school, no list is complete."""
        standing = self._standing(api := self._api())
        yield from _doubts(standing)
        chosen: WondeSettings = self.settings
        picture = Picture(api, classes=chosen.classes, staff_email=chosen.staff_email, counted=chosen.totals == "yes")
        for record in picture.records():
            if standing.audited or not isinstance(record, Complete):
                yield record

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the morning and afternoon marks of one day; see `Connector.attendance`."""
        standing = self._standing(api := self._api())
        if not standing.online:
            yield Remark(text=_OFFLINE)
        yield from Registers(api, english=standing.english).marks(day)

    def probe(self) -> Iterator[Finding]:
        """Find out what can be read from one row of each list; see `Connector.probe`."""
        standing = self._standing(api := self._api())
        source = f"Wonde reads from {standing.mis or 'a MIS that it does not name'}."
        doubts = [doubt.text for doubt in _doubts(standing)]
        yield Finding(part="School", reach=Reach.READS, text=" ".join([source, *doubts]))
        yield from Probe(api, classes=self.settings.classes).findings()

    def _api(self) -> Api:
        chosen: WondeSettings = self.settings
        return Api(self.http, base=chosen.base, token=chosen.token, school=chosen.school, per_page=self.per_page)

    def _standing(self, api: Api) -> Standing:
        """Ask how the school stands with Wonde.

        Raises:
            Refused: not with us, elsewhere, or with another MIS than before.
            Busy, Broken: see `sync.errors`.
        """
        chosen: WondeSettings = self.settings
        school, meta = api.single(f"schools/{chosen.school}"), api.single(f"meta/schools/{chosen.school}")
        if meta.get("approved") is False:
            raise Refused("The school has not approved our access in Wonde, or has withdrawn it.")
        _demand_region(school.get("region"), chosen)
        mis = str(school.get("mis") or "").strip()
        _demand_mis(mis, chosen)
        return Standing(
            mis=mis,
            english=meta.get("custom_attendance_codes") is False and school.get("timezone") == _LONDON,
            audited=meta.get("audited") is not False,
            online=meta.get("online") is not False,
        )


def _doubts(standing: Standing) -> Iterator[Remark]:
    if not standing.online:
        yield Remark(text=_OFFLINE)
    if not standing.audited:
        yield Remark(text=_UNAUDITED)


def _demand_region(region: object, chosen: WondeSettings) -> None:
    domain = str(region.get("domain") or "").strip() if isinstance(region, dict) else ""
    if domain and domain != chosen.base.partition("://")[2]:
        known = domain if _HOST.fullmatch(domain) else "another host"
        raise Refused(f"Wonde keeps this school at {known}: choose this region in the connection's settings.")


def _demand_mis(named: str, chosen: WondeSettings) -> None:
    if named and chosen.mis and named.casefold() != chosen.mis.casefold():
        raise Refused(
            f"Wonde now reads this school from another MIS than “{chosen.mis}”: everybody's ids may have changed, so "
            "nothing is read until the change has been planned with us."
        )
