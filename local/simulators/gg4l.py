"""GG4L: a district's OneRoster service, the token end point, and the onboarding service that leads a partner there."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from local.renderings.oneroster import Row, Rows
from local.simulators.oneroster import OWN_FAULTS, OneRosterSimulator
from local.simulators.server import Reply, Request, as_json
from local.world.model import NIGHTS, Arrives, Leaves, SchoolWorld, StudentTruth

DISTRICT_GUID: Final = "7f0c1d6e-0000-4000-8000-000000000001"
_ONBOARDING: Final = "/datahub/services/vendor/onboarding/credentials"
_KEPT: Final = datetime.timedelta(days=30)
_ATTRIBUTES: Final = ("email", "sms", "phone", "grades", "birthDate")


class Gg4lSimulator(OneRosterSimulator):
    """One district with one school; names are cut at 50 characters and pages at 500 rows.

    `shape` is how the list of districts is written ("list", "named", "keyed"), `api_url` how much of the address it
    holds ("whole", "host").
    """

    key: ClassVar[str] = "gg4l"
    FAULTS: ClassVar[Mapping[str, str]] = {
        **OWN_FAULTS,
        "expired": "the district's sharing ended last year",
        "unshared-district": "the onboarding service does not list the district",
        "unshared-school": "the district shares another school instead",
        "half-credentials": "the onboarding service lists the district without its secret",
        "masked": "Privacy Shield: names and addresses are not shared",
        "unticked": "the district shares no e-mail, phone, grade or birth date",
    }
    token_path: ClassVar[str] = "/datahub/oauth/token"  # noqa: S105
    largest_page: ClassVar[int] = 500
    longest_name: ClassVar[int | None] = 50
    scoped: ClassVar[bool] = False

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        partner_id: str = "demo-partner",
        partner_secret: str = "demo-partner-secret",  # noqa: S107 a demo's
        shape: str = "list",
        api_url: str = "whole",
        **more: Any,
    ) -> None:
        super().__init__(school, night, **{"total": False, "link": "bare", **more})
        self.district_client = next(iter(self.clients.items()))
        self.clients[partner_id] = partner_secret
        self.shape, self.api_url = shape, api_url

    @property
    def base(self) -> str:
        """The path of the service; there is only 1.1."""
        return "/datahub/services/ims/oneroster/v1p1"

    def reply(self, request: Request) -> Reply:
        """Answer the onboarding service and the events too."""
        if request.path not in {_ONBOARDING, f"{self.base}/events"}:
            return super().reply(request)
        if not self._is_known(request):
            return self._failure(401, "unauthorized")
        if request.path == _ONBOARDING:
            return as_json(self._districts(f"http://{request.headers.get('host', '')}"))
        after = datetime.datetime.fromtimestamp(int(request.query.get("after", "0")), tz=datetime.UTC)
        return as_json({"events": list(self._events(after=after))})

    def _districts(self, host: str) -> Any:
        client_id, client_secret = self.district_client
        ours = {
            "districtName": "Larkhill Trust",
            "clientId": client_id,
            "clientSecret": client_secret,
            "createdTimestamp": "2026-08-01T06:00:00.000Z",
            "lastDataProcessingCompletedTimestamp": "2026-11-20T03:12:44.120Z",
            "tokenUrl": f"{host}{self.token_path}",
            "apiUrl": f"{host}{self.base}" if self.api_url == "whole" else host,
            "districtGuid": DISTRICT_GUID,
            "expiryDate": "2025-07-31T23:59:59.000Z" if "expired" in self.faults else "2099-07-31T23:59:59.000+01:00",
        }
        other = {**ours, "districtName": "Another Trust", "districtGuid": "other", "clientId": "x"}
        if "half-credentials" in self.faults:
            del ours["clientSecret"]
        districts = [other] if "unshared-district" in self.faults else [other, ours]
        if self.shape == "named":
            return {"districts": districts}
        return {one["districtGuid"]: one for one in districts} if self.shape == "keyed" else districts

    def _events(self, *, after: datetime.datetime) -> Iterator[Row]:
        """Who came and went since then; nothing is kept for more than 30 days."""
        tonight = _midnight(self.school, self.night)
        for night in NIGHTS[1 : self.night]:
            at = _midnight(self.school, night)
            for number, event in enumerate(self.school.events_on(night)):
                kind = _kind(event.change)
                if kind and at >= after and at >= tonight - _KEPT:
                    moment = f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
                    yield {"sourcedId": f"ev-{night}-{number}", "eventType": kind, "timestamp": moment, "changes": {}}

    def _spoil(self, rows: Rows) -> Rows:
        if "unshared-school" in self.faults:
            rows["orgs"] = [{"sourcedId": "SC-other", "status": "active", "name": "Other", "type": "school"}]
        if "masked" in self.faults:
            for user in rows["users"]:
                user.update(givenName="****", familyName="****", email=None)
        if "unticked" in self.faults:
            for row in [*rows["users"], *rows["demographics"]]:
                for attribute in _ATTRIBUTES:
                    row.pop(attribute, None)
        return super()._spoil(rows)


def _midnight(school: SchoolWorld, night: int) -> datetime.datetime:
    return datetime.datetime.combine(school.at(night).date, datetime.time(), tzinfo=datetime.UTC)


def _kind(change: object) -> str:
    """Return what the event of a change is called, "" if it is not of a student coming or going."""
    match change:
        case Arrives(record=StudentTruth()):
            return "Student.Created"
        case Leaves(of=of) if of is StudentTruth:
            return "Student.Deleted"
    return ""
