"""The simulators of another process, as its control page lets one see and move them."""

import dataclasses
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection, Mapping


class Unmoved(Exception):
    """The simulators did not answer, or refused; the message says what."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteFeed:
    """One school's feed: the key of its connector, the connector's settings, and the faults of its bad nights."""

    connector: str
    settings: Mapping[str, str]
    night: int
    faults: tuple[str, ...]
    bad_nights: Mapping[str, tuple[str, ...]]


class Remote:
    """All feeds behind one control page."""

    def __init__(self, url: str) -> None:
        """`url` has no slash at the end."""
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine

    def feeds(self) -> dict[str, RemoteFeed]:
        """Return the feeds by the school's slug.

        Raises:
            Unmoved: there is no answer.
        """
        told = json.loads(self._ask("/feeds.json"))
        return {slug: _feed(**found) for slug, found in told.items()}

    def move(self, slug: str, *, night: int, faults: Collection[str] = ()) -> None:
        """Let a school's MIS be on that night, with these faults and no others.

        Raises:
            Unmoved: the control page refused, or there is no answer.
        """
        form = urllib.parse.urlencode({"night": night, "fault": sorted(faults)}, doseq=True)
        self._ask(f"/feeds/{slug}", form.encode())

    def _ask(self, path: str, form: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=form)  # noqa: S310 our own page
        try:
            with self._opener.open(request, timeout=30) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as fault:
            raise Unmoved(f"the simulators answered {fault.code} to {path}") from None
        except OSError as fault:
            raise Unmoved(f"the simulators do not answer at {self.url}: {fault}") from None


def _feed(*, bad_nights: Mapping[str, list[str]], faults: list[str], **told: object) -> RemoteFeed:
    bad = {name: tuple(found) for name, found in bad_nights.items()}
    return RemoteFeed(bad_nights=bad, faults=tuple(faults), **told)  # type: ignore[arg-type]
