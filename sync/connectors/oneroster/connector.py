"""The connector for a plain OneRoster 1.1 service: an address, a client, and OAuth 2 or 1.0a."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, Final

from sync.connector import Connector, setting
from sync.oneroster import Api, Bearer, Keys, RosterSettings, Signed, roster
from sync.records import Kind, RosterRecord

_SCOPES: Final = "https://purl.imsglobal.org/spec/or/v1p1/scope/"
_SCOPE: Final = f"{_SCOPES}roster-core.readonly {_SCOPES}roster-demographics.readonly"
_OAUTH1: Final = {"oauth1-sha256": "HMAC-SHA256", "oauth1-sha1": "HMAC-SHA1"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OneRosterSettings(RosterSettings):
    """Where the service is and how we prove who asks."""

    base_url: str = setting(
        label="Address", help="Up to the version: https://mis.example/ims/oneroster/v1p1", address=True
    )
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
    scope: str = setting(label="Scope", help="Only for OAuth 2; blank where the service wants none.", default=_SCOPE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sign_in not in {"oauth2", *_OAUTH1}:
            raise ValueError("sign_in is one of oauth2, oauth1-sha256, oauth1-sha1")
        if self.sign_in == "oauth2" and not self.token_url:
            raise ValueError("token_url is needed for oauth2")


class OneRoster(Connector):
    """Reads orgs, users, classes, enrollments and demographics, each to its proven end."""

    key: ClassVar[str] = "oneroster"
    label: ClassVar[str] = "OneRoster 1.1"
    Settings: ClassVar[type] = OneRosterSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture; see `Connector.roster`."""
        api = Api(self.http, base=self.settings.base_url, keys=self._keys(), page_size=self.settings.page_size)
        yield from roster(api, self.settings)

    def _keys(self) -> Keys:
        said = self.settings
        if said.sign_in in _OAUTH1:
            return Signed(client_id=said.client_id, client_secret=said.client_secret, method=_OAUTH1[said.sign_in])
        return Bearer(
            token_url=said.token_url,
            client_id=said.client_id,
            client_secret=said.client_secret,
            scope=said.scope,
            quoted=True,
        )
