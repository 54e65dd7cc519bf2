"""What the connectors of all OneRoster services have in common."""

import abc
import datetime
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sync.connector import Connector, Finding, Reach
from sync.http import Http
from sync.oneroster.client import Api
from sync.oneroster.picture import Partner, roster
from sync.oneroster.probing import findings
from sync.records import Kind, Remark, RosterRecord
from sync.sftp import Sftp


def utc_now() -> datetime.datetime:
    """Return the moment; which day it is depends on no worker's time zone."""
    return datetime.datetime.now(tz=datetime.UTC)


class OneRosterConnector(Connector):
    """Reads one school of a OneRoster service; `now` is asked for the moment of the run. There is no attendance."""

    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)
    partner: ClassVar[Partner] = Partner()

    def __init__(
        self, settings: Any, http: Http, *, sftp: Sftp | None = None, now: Callable[[], datetime.datetime] = utc_now
    ) -> None:
        super().__init__(settings, http, sftp=sftp)
        self.now = now

    @abc.abstractmethod
    def service(self) -> tuple[Api, str]:
        """Return the service, with what opens it, and what to say about how it was found, "" if nothing.

        Raises:
            Refused, Busy, Broken: it cannot be found.
        """

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture; see `Connector.roster`."""
        api, told = self.service()
        if told:
            yield Remark(text=told)
        yield from roster(api, self.settings, now=self.now(), partner=self.partner)

    def probe(self) -> Iterator[Finding]:
        """Find out what can be read; see `Connector.probe`."""
        api, told = self.service()
        if told:
            yield Finding(part="Sharing", reach=Reach.READS, text=told)
        yield from findings(api, self.settings)
