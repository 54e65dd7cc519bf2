"""Wonde's API (v1.0) for one school of the demo world: envelopes, pages, includes, permissions, errors and webhooks."""

from local.simulators.wonde.hooks import deliver
from local.simulators.wonde.profiles import PROFILES, SCOPES
from local.simulators.wonde.rows import wonde_id
from local.simulators.wonde.simulator import SCHOOL, TOKEN, Wonde

__all__ = ["PROFILES", "SCHOOL", "SCOPES", "TOKEN", "Wonde", "deliver", "wonde_id"]
