"""What ManageBac's connector is told: whose ManageBac, where it is, and what becomes of homerooms and leavers."""

import dataclasses
from typing import Final
from urllib.parse import urlsplit

from sync.connector import demand_choices, setting
from sync.keys import Bearer, Fixed, Keys

REGIONS: Final = {
    "global": "https://api.managebac.com",
    "china": "https://api.managebac.cn",
    "us-1": "https://api.us.managebac.com",
    "us-2": "https://api.managebac.us",
}
VERSIONS: Final = ("v2", "v2p3", "v2p2", "v2p1", "v2p0")
YES_NO: Final = ("yes", "no")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_CREDENTIALS: Final = ("token", "client_id", "client_secret")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ManageBacSettings:
    """One school's ManageBac, entered with an API token or with a client id and its secret.

    Raises:
        ValueError: a setting is not one of its choices, or there is not exactly one way in; no message holds a secret.
    """

    token: str = setting(
        label="API token",
        help="Made at Settings › Develop › API Manager › Add New Token. It needs to read Students, Parents, Teachers, "
        "Classes and Memberships, and for attendance Year Groups and School. Empty with a client id.",
        secret=True,
        default="",
    )
    client_id: str = setting(
        label="OAuth client id",
        help="Only where Faria gave the school a client id and secret instead of a token.",
        default="",
    )
    client_secret: str = setting(
        label="OAuth client secret", help="The secret that came with the client id.", secret=True, default=""
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
        demand_choices(self)
        for name in _CREDENTIALS:
            if not _is_word(getattr(self, name)):
                raise ValueError(f"{name} is one word of plain letters, digits and signs, as ManageBac shows it")
        if bool(self.client_id) != bool(self.client_secret) or bool(self.token) == bool(self.client_id):
            raise ValueError("either a token is given, or a client_id and its client_secret; not both, and not neither")
        if self.base_url and not _is_address(self.base_url):
            raise ValueError("base_url begins with https:// and holds no password, question mark or #")

    @property
    def root(self) -> str:
        """The address that the names of the lists are added to."""
        return f"{self._host}/{self.version}"

    def keys(self) -> Keys:
        """Return what proves to ManageBac who asks."""
        if self.token:
            return Fixed(header="auth-token", token=self.token)
        return Bearer(
            token_url=f"{self._host}/oauth/token",
            client_id=self.client_id,
            client_secret=self.client_secret,
            proof="json",
        )

    @property
    def _host(self) -> str:
        return (self.base_url or REGIONS[self.region]).rstrip("/")


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text  # as is ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return safe and bool(parts.hostname) and not (parts.username or parts.password or parts.query or parts.fragment)
