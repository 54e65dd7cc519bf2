"""OneRoster 1.1 and 1.2 over REST, for every partner that speaks it: the client, the rows, and what they mean."""

from sync.oneroster.client import Api
from sync.oneroster.connector import OneRosterConnector
from sync.oneroster.picture import Partner
from sync.oneroster.settings import RosterSettings

__all__ = ["Api", "OneRosterConnector", "Partner", "RosterSettings"]
