"""The connector for iSAMS: students and staff by the Batch API, asked once for each key, attendance by the REST API."""

import collections
import datetime
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from sync.connector import Connector, Finding, Reach
from sync.connectors.isams.batch import document
from sync.connectors.isams.lists import Lists
from sync.connectors.isams.messages import HEALTH, METHODS
from sync.connectors.isams.picture import Picture
from sync.connectors.isams.registers import NoRight, Registers
from sync.connectors.isams.settings import IsamsSettings
from sync.errors import Refused
from sync.records import Kind, MarkRecord, Remark, RosterRecord, Session

_PARTS: Final[Mapping[str, str]] = {  # the list → what a person calls it
    "currentpupils": "Students",
    "contacts": "Guardians",
    "currentstaff": "Staff",
    "years": "Names of years",
    "forms": "Forms",
    "sets": "Sets",
    "setlists": "Students of sets",
    "departments": "Subjects",
}
_NO_CLIENT: Final = (
    "Attendance is not read: the Batch API gives registers only to those who write to it, which we never do. Enter a "
    "REST client ID and secret in the settings, or send attendance by CSV."
)


class Isams(Connector):
    """Reads the lists that the school ticked for the key. The Batch API has no pages: the document is the whole."""

    key: ClassVar[str] = "isams"
    label: ClassVar[str] = "iSAMS"
    Settings: ClassVar[type] = IsamsSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)
    # A school may throttle a key, to 100 an hour for instance; we need one request a key, so only tries are spaced.
    pace: ClassVar[float] = 1.0
    sessions: ClassVar[frozenset[Session]] = frozenset({Session.AM, Session.PM})

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture after the last document has come to its end; see `Connector.roster`."""
        with Lists(self.settings) as lists:
            for key in self.settings.keys:
                for name, node in document(self.http, self.settings, key):
                    lists.take(name, node)
            if self.settings.health_key:
                yield from self._take_health(lists)
            yield from Picture(lists, self.settings).records()

    def _take_health(self, lists: Lists) -> Iterator[Remark]:
        """Take what a key of its own gives; a school that has switched it off has only stopped sharing."""
        try:
            for name, node in document(self.http, self.settings, self.settings.health_key):
                lists.take(name, node)
        except Refused as fault:
            yield Remark(text=f"{fault} It is the key for health: all the rest was read.")

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the marks of the morning and the afternoon; see `Connector.attendance`."""
        if not self.settings.client_id:
            yield Remark(text=_NO_CLIENT)
            return
        try:
            yield from Registers(self.http, self.settings).marks(day)
        except NoRight as fault:
            yield Remark(text=str(fault))

    def probe(self) -> Iterator[Finding]:
        """Find out what the keys give; there are no pages, so the documents are read, but nothing of them is kept."""
        rows: collections.Counter[str] = collections.Counter()
        for key in self.settings.keys:
            rows.update(name for name, _ in document(self.http, self.settings, key))
        for name in sorted(self.settings.lists, key=list(_PARTS).index):
            yield _finding(name, rows[name])
        yield self._probe_health(rows)
        yield self._probe_attendance()

    def _probe_health(self, rows: collections.Counter[str]) -> Finding:
        part = "Medical and dietary notes"
        try:
            if self.settings.health_key:
                rows.update(name for name, _ in document(self.http, self.settings, self.settings.health_key))
        except Refused as fault:
            return Finding(part=part, reach=Reach.FAULTY, text=f"The key for health: {fault}")
        if not self.settings.health:
            text = f"The settings name no health list. If notes are to be read, tick {HEALTH} and fill them in."
            return Finding(part=part, reach=Reach.NOT_SHARED, text=text)
        if count := rows[self.settings.health]:
            return Finding(part=part, reach=Reach.READS, text=f"{count:,} rows in the health list.")
        text = f"No list of the name in the settings came: tick {HEALTH} for the batch API key."
        return Finding(part=part, reach=Reach.NOT_SHARED, text=text)

    def _probe_attendance(self) -> Finding:
        if not self.settings.client_id:
            return Finding(part="Attendance", reach=Reach.NOT_SHARED, text=_NO_CLIENT)
        try:
            count = Registers(self.http, self.settings).count()
        except NoRight as fault:
            return Finding(part="Attendance", reach=Reach.NOT_SHARED, text=str(fault))
        except Refused as fault:
            return Finding(part="Attendance", reach=Reach.FAULTY, text=str(fault))
        return Finding(part="Attendance", reach=Reach.READS, text=f"{count:,} registers today.")


def _finding(name: str, count: int) -> Finding:
    if count:
        return Finding(part=_PARTS[name], reach=Reach.READS, text=f"{count:,} read.")
    reach = Reach.FAULTY if name == "currentpupils" else Reach.NOT_SHARED
    text = f"None came: tick {METHODS[name]} for the batch API key in iSAMS, Control Panel › API Services Manager."
    return Finding(part=_PARTS[name], reach=reach, text=text)
