"""The connectors there are: one plain tuple, and those that the settings name. A key is never a model's `choices`."""

from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

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


def connectors() -> tuple[type[Connector], ...]:
    """Return the product's own connectors, then those of `MORE_CONNECTORS`, which whoever runs it may add (R5)."""
    return (*CONNECTORS, *(import_string(path) for path in settings.MORE_CONNECTORS))


def connector(key: str) -> type[Connector]:
    """Return the connector with this key.

    Raises:
        UnknownConnector: there is none; the message names those there are.
    """
    there_are = connectors()
    for candidate in there_are:
        if candidate.key == key:
            return candidate
    known = ", ".join(candidate.key for candidate in there_are)
    raise UnknownConnector(f"there is no connector “{key}”; there are: {known}")
