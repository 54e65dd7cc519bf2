"""Changing a school's MIS, as a project: announce, connect the new one, rehearse, answer, cut over, roll back (R25).

From the announcement on nothing is read (`sync.operations.runs` refuses). Network happens between scopes, never inside
one. Everybody is matched by what is known of them, whatever their ids: those of the old MIS stay in a generation of
their own for ever, and so do those of a new one that was given up.
"""

from sync.operations.mis_change.answers import NoSuchQuestion, answer, answer_all
from sync.operations.mis_change.back import roll_back
from sync.operations.mis_change.cutting import cut_over, request_cut_over
from sync.operations.mis_change.project import OutOfTurn, announce, cancel, connect_new, consult
from sync.operations.mis_change.rehearsals import rehearse, request_rehearsal

__all__ = [
    "NoSuchQuestion",
    "OutOfTurn",
    "announce",
    "answer",
    "answer_all",
    "cancel",
    "connect_new",
    "consult",
    "cut_over",
    "rehearse",
    "request_cut_over",
    "request_rehearsal",
    "roll_back",
]
