"""What a connector is: a label, a frozen dataclass of settings, and one required method."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar

from sync.http import Http
from sync.records import Kind, RosterRecord


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
) -> Any:
    """Declare one setting of a connector; forms and commands are made from this metadata.

    A secret is no part of the settings' repr, so that neither a log nor a traceback with values can show it.
    """
    metadata = {"label": label, "help": help, "secret": secret, "choices": choices}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


class Connector(abc.ABC):
    """Reads one school's MIS. Constructing one fetches nothing; reading raises `sync.errors` and nothing else."""

    key: ClassVar[str]
    label: ClassVar[str]
    Settings: ClassVar[type] = NoSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset()

    def __init__(self, settings: Any, http: Http) -> None:
        self.settings, self.http = settings, http

    @abc.abstractmethod
    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture in any order, `Complete` after each kind read to its end; or raise, never part of it.

        Raises:
            Refused, Busy, Broken, Doubtful: see `sync.errors`.
        """
