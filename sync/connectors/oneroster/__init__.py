"""Any service that speaks OneRoster 1.1 or 1.2 over REST."""

from sync.connectors.oneroster.connector import OneRoster, OneRosterSettings

__all__ = ["OneRoster", "OneRosterSettings"]
