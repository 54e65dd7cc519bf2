"""iSAMS (IRIS): one XML document of the Batch API a night, and the registers of the REST API (R5, R20)."""

from sync.connectors.isams.connector import Isams
from sync.connectors.isams.settings import IsamsSettings

__all__ = ["Isams", "IsamsSettings"]
