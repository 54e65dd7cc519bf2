"""iSAMS (IRIS): one XML document of the Batch API a night, which cannot write by its very make (R5, R20)."""

from sync.connectors.isams.connector import Isams

__all__ = ["Isams"]
