"""Where a school's files are and how they are written."""

import base64
import binascii
import dataclasses
import re
from typing import Final

from sync.connector import demand_choices, setting
from sync.connectors.csv_files.cells import ORDERS

PLACES: Final = ("upload", "drop", "sftp")
_FINGERPRINT: Final = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvSettings:
    """Where the files are, whose they are, and how their dates are written.

    Raises:
        ValueError: a setting is not one of its choices, or one that belongs to it is missing; no message holds a value.
    """

    folder: str = setting(
        label="Folder", help="The folder that holds the school's present upload, or the drop folder.", ours=True
    )
    dates: str = setting(
        label="Order of dates",
        help="How 3 April 2015 is written: dmy 03/04/2015, mdy 04/03/2015, ymd 2015/04/03. 2015-04-03 always works.",
        default="dmy",
        choices=tuple(ORDERS),
    )
    school: str = setting(
        label="Reference of the school",
        help="Only if the files are of several schools: the sourcedId (OneRoster) or School_id (Basic Roster) of ours.",
        default="",
    )
    place: str = setting(
        label="Where the files come from",
        help="upload: a person gives them. drop: the MIS leaves them in the folder; the newest whole batch is read. "
        "sftp: the same on another machine.",
        default="upload",
        choices=PLACES,
    )
    host: str = setting(label="SFTP host", help="Such as files.school.example.", default="", address=True)
    port: str = setting(label="SFTP port", default="22")
    user: str = setting(label="SFTP user", default="")
    password: str = setting(label="SFTP password", help="Or a private key.", secret=True, default="")
    private_key: str = setting(
        label="SFTP private key",
        help="In OpenSSH or PEM form, without a passphrase.",
        secret=True,
        default="",
        lines=True,
    )
    far_folder: str = setting(label="SFTP folder", help="Where the MIS leaves its files there.", default="/")
    fingerprint: str = setting(
        label="Fingerprint of the SFTP host key",
        help="SHA256:…, as whoever runs the server gives it to you. The connection test shows the one it meets; "
        "compare the two before you enter it.",
        default="",
    )

    def __post_init__(self) -> None:
        demand_choices(self)
        if self.place == "sftp":
            self._demand_sftp()

    def _demand_sftp(self) -> None:
        if not self.host or not self.user or bool(self.password) == bool(self.private_key):
            raise ValueError("sftp needs host, user, and either password or private_key")
        if not self.port.isdecimal() or not 0 < int(self.port) < 65536:
            raise ValueError("port is a number from 1 to 65535")
        if self.fingerprint and not _is_fingerprint(self.fingerprint):
            raise ValueError("fingerprint is written SHA256: and 43 letters, as ssh-keygen -l prints it")


def _is_fingerprint(written: str) -> bool:
    match = _FINGERPRINT.fullmatch(written)
    try:
        return bool(match and len(base64.b64decode(f"{match[1]}=")) == 32)
    except binascii.Error:
        return False
