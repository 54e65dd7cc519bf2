"""The tables of connections to a MIS, of runs and what they did, and of the ids a MIS has given to people."""

from sync.models.cases import Decision, Hold
from sync.models.connections import Connection, MisProduct
from sync.models.identities import MisIdentity
from sync.models.mis_change import ROLL_BACK_WITHIN, MisChange
from sync.models.parked import ParkedMark
from sync.models.requests import RunRequest
from sync.models.reviews import CharacterReview
from sync.models.runs import BY_ITSELF, Change, Refusal, Run
from sync.models.slots import Pulse, Slot
from sync.models.trials import TRIAL_LOST_AFTER, Trial
from sync.models.troubles import Trouble

__all__ = [
    "BY_ITSELF",
    "ROLL_BACK_WITHIN",
    "TRIAL_LOST_AFTER",
    "Change",
    "CharacterReview",
    "Connection",
    "Decision",
    "Hold",
    "MisChange",
    "MisIdentity",
    "MisProduct",
    "ParkedMark",
    "Pulse",
    "Refusal",
    "Run",
    "RunRequest",
    "Slot",
    "Trial",
    "Trouble",
]
