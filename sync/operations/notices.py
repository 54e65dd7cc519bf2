"""What Wonde tells us unasked: that a school has withdrawn our access, or changes its MIS.

Wonde signs nothing, so the address that it posts to holds a secret, one for each school. Whoever knows it can stop our
reading and nothing else: no token, no name and no id that is posted is ever kept.
"""

import datetime
import logging
from typing import Final

import msgspec
from django.core import signing
from django.urls import reverse

from sync.connectors.wonde import Wonde
from sync.models import Connection
from sync.operations import connections, mis_change
from tenants.models import School

log = logging.getLogger(__name__)

_CHANGES_MIS: Final = "schoolMigration"
_SAID_BY_WONDE: Final = "Wonde tells us that this school has changed its MIS; nobody of us has spoken with it yet."
_PAUSING: Final = {
    "accessRevoked": "Wonde tells us that the school has withdrawn our access. Approve it again in the school's Wonde "
    "portal, then test the connection.",
    "accessDeclined": "Wonde tells us that the school has declined our access. Approve it in the school's Wonde "
    "portal, then test the connection.",
}
# What we know and have nothing to do for. Its token is not taken: support enters tokens, strangers do not.
_NO_MATTER: Final = frozenset({"schoolApproved", "writeback"})


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The two parts of a payload that we look at."""

    payload_type: str
    school_id: str = ""


def address(*, school: School, connection: Connection) -> str:
    """Return the path that Wonde is told for this school; each change of the MIS gives another one."""
    secret = _signer().signature(_signed(school, connection))
    return reverse("wonde_notice", kwargs={"school": school.slug, "secret": secret})


def addressed(*, school: School, secret: str) -> Connection | None:
    """Return the open school's connection to Wonde if the secret is that of its address."""
    connection: Connection | None = (
        Connection.objects.select_for_update().filter(active=True, connector=Wonde.key).first()
    )
    if connection is None:
        return None
    try:
        _signer().unsign(f"{_signed(school, connection)}:{secret}")
    except signing.BadSignature:
        return None
    return connection


def hear(*, connection: Connection, body: bytes, at: datetime.datetime) -> None:
    """Do what a payload asks for; once more is the same as once. What cannot be understood is noted without content."""
    try:
        notice = msgspec.json.decode(body, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError):
        notice = Notice(payload_type="")
    reason = _PAUSING.get(notice.payload_type, "")
    if notice.payload_type in _NO_MATTER:
        return
    known = reason or notice.payload_type == _CHANGES_MIS
    if not known or notice.school_id != connection.settings.get("school"):
        log.warning("Wonde told school %s something that we do not understand", connection.school_id)
        return
    if reason:
        connections.pause(connection=connection, reason=reason, at=at)
    else:
        mis_change.announce(by=None, at=at, consultation=_SAID_BY_WONDE)


def _signed(school: School, connection: Connection) -> str:
    return f"{school.slug}:{connection.generation}"


def _signer() -> signing.Signer:
    return signing.Signer(salt="sync.wonde.notice")
