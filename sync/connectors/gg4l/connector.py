"""The connector for GG4L: a district's credentials as given, or found with a partner's own; then OneRoster 1.1."""

import dataclasses
from typing import ClassVar, Final
from urllib.parse import urlsplit

from sync.connector import setting
from sync.connectors.gg4l.discovery import PATH, District, district, oneroster_base
from sync.keys import Bearer
from sync.oneroster import Api, OneRosterConnector, Partner, RosterSettings

_TOKEN: Final = "/datahub/oauth/token"  # noqa: S105 where a token is fetched
_LARGEST_PAGE: Final = 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gg4lSettings(RosterSettings):
    """Where GG4L is, whose credentials these are, and what the district puts into `metadata`."""

    host: str = setting(
        label="Host", help="As it came with the credentials: https://datasync.gg4l.example", address=True
    )
    client_id: str = setting(label="Client ID")
    client_secret: str = setting(label="Client secret", secret=True)
    district: str = setting(
        label="District",
        help="Its GUID or name, if the client is our own onboarding client. Blank: the client is the district's.",
        default="",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_page_size(_LARGEST_PAGE)


class Gg4l(OneRosterConnector):
    """Reads one school of a district that shares with us."""

    key: ClassVar[str] = "gg4l"
    label: ClassVar[str] = "GG4L"
    Settings: ClassVar[type] = Gg4lSettings
    # pace: GG4L documents no limit, so the usual one stands.
    partner: ClassVar[Partner] = Partner(longest_name=50, grade_key="gg4l.primaryGrade")

    def service(self) -> tuple[Api, str]:
        """Return the district's service, and until when it is shared."""
        found = self._district()
        keys = Bearer(token_url=found.token_url, client_id=found.client_id, client_secret=found.client_secret)
        return Api(self.http, base=found.api_url, keys=keys, page_size=int(self.settings.page_size)), _told(found)

    def _district(self) -> District:
        said, host = self.settings, _origin(self.settings.host)
        given = District(
            client_id=said.client_id,
            client_secret=said.client_secret,
            token_url=f"{host}{_TOKEN}",
            api_url=oneroster_base(_with_scheme(said.host)),
        )
        if not said.district:
            return given
        keys = Bearer(token_url=given.token_url, client_id=said.client_id, client_secret=said.client_secret)
        answer = keys.get(self.http, f"{host}{PATH}", keep=False)
        return district(answer.json(), wanted=said.district, now=self.now())


def _told(found: District) -> str:
    """Return what the onboarding service told about the sharing, "" if nothing."""
    until = f"The district shares with us until {found.expires.date()}." if found.expires else ""
    last = f"GG4L last took data from the MIS on {found.processed:%Y-%m-%d at %H:%M %Z}." if found.processed else ""
    return f"{until} {last}".strip()


def _with_scheme(host: str) -> str:
    return host if "://" in host else f"https://{host}"


def _origin(host: str) -> str:
    parts = urlsplit(_with_scheme(host))
    return f"{parts.scheme}://{parts.netloc}"
