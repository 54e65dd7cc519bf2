"""Wonde: one API in front of many MIS (SIMS, Bromcom, Arbor, WCBS, Synergetic and more); we only read it (R6, R20)."""

from sync.connectors.wonde.connector import Wonde

__all__ = ["Wonde"]
