"""The connectors there are: one plain tuple. A connector's key is never a model's `choices`."""

from typing import Final

from sync.connector import Connector
from sync.connectors.csv_files import CsvFiles
from sync.connectors.managebac import ManageBac

CONNECTORS: Final[tuple[type[Connector], ...]] = (ManageBac, CsvFiles)


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
