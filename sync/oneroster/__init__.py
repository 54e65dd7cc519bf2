"""OneRoster 1.1 over REST, for every partner that speaks it: the client, the rows on the wire, and what they mean."""

from sync.keys import Bearer, Keys, Signed
from sync.oneroster.client import Api, Collection
from sync.oneroster.meaning import roster
from sync.oneroster.settings import RosterSettings

__all__ = ["Api", "Bearer", "Collection", "Keys", "RosterSettings", "Signed", "roster"]
