"""What a school does to its people by hand: corrections, contacts, safety blocks, staff who go (R42–R49, R65, R66).

What the next nights make of it is told in `sync/pipeline/plan/edits.py`. All of it is audited, without names or values.
"""

from users.operations.people.corrections import CORRECTABLE, UNTIL_TONIGHT, correct, withdraw
from users.operations.people.rows import subject_of
from users.operations.people.staff import UnableToDelete, delete_staff, restore_staff
from users.operations.people.ties import (
    UnableToAdd,
    UnableToBlock,
    add_guardian,
    block_tie,
    tie_by_hand,
    unblock_tie,
    untie,
)
from users.operations.people.values import UnableToCorrect

__all__ = [
    "CORRECTABLE",
    "UNTIL_TONIGHT",
    "UnableToAdd",
    "UnableToBlock",
    "UnableToCorrect",
    "UnableToDelete",
    "add_guardian",
    "block_tie",
    "correct",
    "delete_staff",
    "restore_staff",
    "subject_of",
    "tie_by_hand",
    "unblock_tie",
    "untie",
    "withdraw",
]
