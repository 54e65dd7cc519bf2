"""ManageBac (Faria), read directly through its public API, version 2."""

from sync.connectors.managebac.connector import ManageBac, ManageBacSettings

__all__ = ["ManageBac", "ManageBacSettings"]
