"""GG4L's onboarding service: a partner's credentials lead to those of every district that shares with us."""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from sync.errors import Broken, Refused

PATH: Final = "/datahub/services/vendor/onboarding/credentials"
_ONEROSTER: Final = "/datahub/services/ims/oneroster/v1p1"
_PROCESSED: Final = ("lastDataProcessingCompletedTimestamp", "lastDataProcessingCompleteTimestamp")


@dataclasses.dataclass(frozen=True, kw_only=True)
class District:
    """One district's own credentials; moments are None where GG4L does not tell them."""

    client_id: str = dataclasses.field(repr=False)
    client_secret: str = dataclasses.field(repr=False)
    token_url: str
    api_url: str
    expires: datetime.datetime | None = None
    processed: datetime.datetime | None = None


def district(said: Any, *, wanted: str, now: datetime.datetime) -> District:
    """Find a district by its GUID or name in an answer of the onboarding service.

    Raises:
        Refused: it is not there, or its sharing has ended; neither means that anybody has left.
        Broken: the answer, or the district, is not what GG4L describes.
    """
    found = [entry for entry in _entries(said) if _is(entry, wanted)]
    if not found:
        raise Refused("GG4L no longer lists the district among those that share with us: ask it to share again.")
    if len(found) > 1:
        raise Refused("GG4L lists several districts of this name: enter the GUID instead.")
    read = _district(found[0])
    if read.expires and read.expires <= now:
        raise Refused(f"The district's sharing with us ended on {read.expires.date()}: ask it to extend it.")
    return read


def oneroster_base(url: str) -> str:
    """Return the address of the OneRoster service; GG4L's own text leaves open how much of it `apiUrl` holds."""
    parts = urlsplit(url)
    if "/ims/oneroster" in parts.path:
        return url.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{_ONEROSTER}"


def _entries(said: Any) -> list[Mapping[str, Any]]:
    """The documented sample is no valid JSON, so a list, a list under a name, and districts under names will do."""
    flat = list(_flat(said))
    if not flat and said not in ([], {}):
        raise Broken("GG4L's list of districts is not what we know.")
    return flat


def _flat(said: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(said, Mapping) and "clientId" in said:
        yield said
    elif isinstance(said, list | Mapping):
        for part in said.values() if isinstance(said, Mapping) else said:
            yield from _flat(part)


def _is(entry: Mapping[str, Any], wanted: str) -> bool:
    names = (entry.get("districtGuid"), entry.get("districtName"))
    return any(isinstance(name, str) and name.strip().casefold() == wanted.strip().casefold() for name in names)


def _district(entry: Mapping[str, Any]) -> District:
    needed = [entry.get(name) for name in ("clientId", "clientSecret", "tokenUrl", "apiUrl")]
    if not all(isinstance(value, str) and value for value in needed):
        raise Broken("GG4L lists the district without all of its credentials.")
    client_id, client_secret, token_url, api_url = map(str, needed)
    processed = next((entry[name] for name in _PROCESSED if entry.get(name)), None)
    return District(
        client_id=client_id,
        client_secret=client_secret,
        token_url=token_url,
        api_url=oneroster_base(api_url),
        expires=_moment(entry.get("expiryDate")),
        processed=_moment(processed),
    )


def _moment(said: object) -> datetime.datetime | None:
    if not said:
        return None
    try:
        moment = datetime.datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
