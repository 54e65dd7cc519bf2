"""The connectors there are: one plain tuple. A connector's key is never a model's `choices`."""

from typing import Final

from sync.connector import Connector
from sync.connectors.csv_files import CsvFiles
from sync.connectors.gg4l import Gg4l
from sync.connectors.isams import Isams
from sync.connectors.managebac import ManageBac
from sync.connectors.oneroster import OneRoster
from sync.connectors.wonde import Wonde

CONNECTORS: Final[tuple[type[Connector], ...]] = (ManageBac, Isams, Wonde, Gg4l, OneRoster, CsvFiles)


class UnknownConnector(LookupError):
    """No connector has this key."""


def connector(key: str) -> type[Connector]:
    """Return the connector with this key.

    Raises:
        UnknownConnector: there is none; the message names those there are.
    """
    for candidate in CONNECTORS:
        if candidate.key == key:
            return candidate
    known = ", ".join(candidate.key for candidate in CONNECTORS)
    raise UnknownConnector(f"there is no connector “{key}”; there are: {known}")
