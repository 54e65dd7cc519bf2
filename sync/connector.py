"""What a connector is: a label, a frozen dataclass of settings, and one required method of three."""

import abc
import collections
import dataclasses
import datetime
import enum
from collections.abc import Collection, Iterator
from typing import Any, ClassVar

from sync.http import PACE, Http
from sync.records import KIND_OF, Kind, MarkRecord, RosterRecord, Session, Unreadable
from sync.sftp import Sftp


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoSettings:
    """The settings of a connector that needs none."""


def setting(
    *,
    label: str,
    help: str = "",
    secret: bool = False,
    default: Any = dataclasses.MISSING,
    choices: tuple[str, ...] = (),
    address: bool = False,
    ours: bool = False,
    lines: bool = False,
) -> Any:
    """Declare one setting of a connector; forms and commands are made from this metadata.

    A secret is no part of the settings' repr, so that neither a log nor a traceback with values can show it. An
    `address` says where secrets are sent, so whoever changes it has to know them. What is `ours` we fill in and no
    form shows; what has `lines` is longer than one of them, such as a private key.
    """
    metadata = {
        "label": label,
        "help": help,
        "secret": secret,
        "choices": choices,
        "address": address,
        "ours": ours,
        "lines": lines,
    }
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def demand_choices(settings: Any, *, free: Collection[str] = ()) -> None:
    """Refuse settings of which one is none of its choices; those that are `free` only suggest theirs.

    Raises:
        ValueError: it names the setting and its choices, never what was given.
    """
    for field in dataclasses.fields(settings):
        choices = field.metadata["choices"]
        if choices and field.name not in free and getattr(settings, field.name) not in choices:
            raise ValueError(f"{field.name} is one of {', '.join(choices)}")


class Reach(enum.StrEnum):
    """Whether a part of the picture can be read with the credentials we have."""

    READS = "reads"
    NOT_SHARED = "not shared"  # the MIS or the school keeps it from us; the rest works without
    FAULTY = "faulty"  # needed, and cannot be read: nothing is synced until somebody mends it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """What a connection test found out about one part, in a sentence that names the missing permission (R2)."""

    part: str  # "Students", "Medical notes", "Attendance"
    reach: Reach
    text: str


class Connector(abc.ABC):
    """Reads one school's MIS. Constructing one fetches nothing; reading raises `sync.errors` and nothing else.

    `capabilities` and `sessions` are what the connector can read; what a system or a school shares may be less.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    Settings: ClassVar[type] = NoSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset()
    sessions: ClassVar[frozenset[Session]] = frozenset()  # of attendance; empty: the marks come by CSV
    staff_leave: ClassVar[bool] = False  # whoever is missing from its list of staff works there no more (R49)
    pace: ClassVar[float] = PACE  # requests per second to one of its hosts, by all our workers together

    def __init__(self, settings: Any, http: Http, *, sftp: Sftp | None = None) -> None:
        # Few connectors have a use for the second door; it holds nothing open, so there always is one.
        self.settings, self.http, self.sftp = settings, http, sftp or Sftp()

    @abc.abstractmethod
    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture in any order, `Complete` after each kind read to its end; or raise, never part of it.

        Raises:
            Refused, Busy, Broken, Doubtful: see `sync.errors`.
        """

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the marks that the MIS has of one day, in any order; nothing unless the connector reads attendance.

        Raises:
            Refused, Busy, Broken, Doubtful: see `sync.errors`.
        """
        return iter(())

    def probe(self) -> Iterator[Finding]:
        """Find out what can be read, at the cost of one page of each list; a connector that cannot, reads all.

        Raises:
            Refused, Busy, Broken, Doubtful: see `sync.errors`; only where nothing at all can be said.
        """
        rows: collections.Counter[Kind] = collections.Counter()
        for record in self.roster():
            kind = record.kind if isinstance(record, Unreadable) else KIND_OF.get(type(record))
            rows.update([kind] if kind else [])
        for kind in Kind:
            if rows[kind]:
                yield Finding(part=kind.capitalize(), reach=Reach.READS, text=f"{rows[kind]:,} read.")
            else:
                yield Finding(part=kind.capitalize(), reach=Reach.NOT_SHARED, text="None came.")
