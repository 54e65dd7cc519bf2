"""ManageBac (Faria), read directly through its public API, version 2."""

from sync.connectors.managebac.connector import ManageBac
from sync.connectors.managebac.settings import ManageBacSettings

__all__ = ["ManageBac", "ManageBacSettings"]
