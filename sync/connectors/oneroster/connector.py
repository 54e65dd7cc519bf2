"""The connector for a plain OneRoster service: an address, a version, a client, and OAuth 2 or 1.0a."""

import dataclasses
import re
from typing import ClassVar, Final
from urllib.parse import urlsplit

from sync.connector import setting
from sync.keys import Bearer, Keys, Signed
from sync.oneroster import Api, OneRosterConnector, RosterSettings

_PATHS: Final = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
_SCOPES: Final = {
    "1.1": "https://purl.imsglobal.org/spec/or/v1p1/scope/",
    "1.2": "https://purl.imsglobal.org/spec/or/v1p2/scope/",
}
_ENDS_IN_VERSION: Final = re.compile(r"/v\d+(p\d+)?$")  # some services have a path of their own: /learningdata/v1
_OAUTH1: Final = {"oauth1-sha256": "HMAC-SHA256", "oauth1-sha1": "HMAC-SHA1"}
_STANDARD: Final = "standard"


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneRosterSettings(RosterSettings):
    """Where the service is and how we prove who asks."""

    base_url: str = setting(
        label="Address",
        help="https://mis.example, or the whole of it: https://mis.example/ims/oneroster/v1p1",
        address=True,
    )
    version: str = setting(label="Version of OneRoster", default="1.1", choices=tuple(_PATHS))
    client_id: str = setting(label="Client ID", help="For OAuth 1: the consumer key.")
    client_secret: str = setting(label="Client secret", secret=True)
    sign_in: str = setting(
        label="Sign-in",
        help="OAuth 2 asks for a token; the others sign each request.",
        default="oauth2",
        choices=("oauth2", *_OAUTH1),
    )
    token_url: str = setting(
        label="Token address", help="Only for OAuth 2; the service's operator tells it.", default="", address=True
    )
    scope: str = setting(
        label="Scope",
        help="Only for OAuth 2. “standard” are OneRoster's own two for reading; blank where the service wants none.",
        default=_STANDARD,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sign_in == "oauth2" and not self.token_url:
            raise ValueError("token_url is needed for oauth2")

    @property
    def root(self) -> str:
        """The address that the names of the collections are added to."""
        address = self.base_url.rstrip("/")
        return address if _ENDS_IN_VERSION.search(urlsplit(address).path) else f"{address}{_PATHS[self.version]}"

    @property
    def scopes(self) -> str:
        """What to ask for a token."""
        of = _SCOPES[self.version]
        standard = f"{of}roster-core.readonly {of}roster-demographics.readonly"
        return standard if self.scope == _STANDARD else self.scope


class OneRoster(OneRosterConnector):
    """Reads orgs, users, classes, enrollments, demographics and terms, each to its proven end."""

    key: ClassVar[str] = "oneroster"
    label: ClassVar[str] = "OneRoster"
    Settings: ClassVar[type] = OneRosterSettings

    def service(self) -> tuple[Api, str]:
        """Return the service; there is nothing to find."""
        return Api(self.http, base=self.settings.root, keys=self._keys(), page_size=int(self.settings.page_size)), ""

    def _keys(self) -> Keys:
        said = self.settings
        if said.sign_in in _OAUTH1:
            return Signed(client_id=said.client_id, client_secret=said.client_secret, method=_OAUTH1[said.sign_in])
        return Bearer(
            token_url=said.token_url,
            client_id=said.client_id,
            client_secret=said.client_secret,
            scope=said.scopes,
            quoted=True,
        )
