"""What a person may do at a school. Roles are classes, so that a page can explain them from this file (R45–R47)."""

import enum
from typing import ClassVar, Final


class Can(enum.StrEnum):
    """The rights a page or an action asks for."""

    SEE_STUDENTS = "see students"
    SEE_CONTACTS = "see guardians' contact details"
    SEE_MEDICAL = "see medical and dietary information"
    SEE_SYNC = "see sync runs and their changes"
    GIVE_FILES = "upload files for the sync"
    CONNECT_MIS = "connect the school to its MIS"
    DECIDE = "decide what the sync holds back"
    SET_RULES = "say when the school is open and what its codes mean"
    EDIT_PEOPLE = "correct people and decide who may come in"
    SEE_MARKS = "see the attendance marks of every student"
    SEE_ABSENCES = "see the list of absences"
    SETTLE_ABSENCES = "report and settle absences"


class Role:
    """The base of roles."""

    key: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    grants: ClassVar[frozenset[Can]]


class FeedStaff(Role):
    """What every staff member from the MIS has without any grant (R34, R35)."""

    key = "staff"
    label = "Staff"
    description = (
        "Sees the students of the school with their contacts and, where the MIS shares it, medical information."
    )
    grants = frozenset({Can.SEE_STUDENTS, Can.SEE_CONTACTS, Can.SEE_MEDICAL})


class SuperUser(Role):
    """Runs the school in Reception. Designated by support only (R45, D2)."""

    key = "super_user"
    label = "Super user (Organisation Super Admin)"
    description = "Runs the school in Reception: users, roles, and what the sync did."
    grants = frozenset(
        {
            *(Can.SEE_STUDENTS, Can.SEE_CONTACTS, Can.SEE_MEDICAL, Can.SEE_SYNC),
            *(Can.GIVE_FILES, Can.CONNECT_MIS, Can.DECIDE, Can.SET_RULES, Can.EDIT_PEOPLE),
            *(Can.SEE_MARKS, Can.SEE_ABSENCES),  # and settles none: that is a role of its own, by grant
        }
    )


class AbsenceMonitoring(Role):
    """Looks after who is away (R16, R81). Granted by the school."""

    key = "absence_monitoring"
    label = "Absence monitoring"
    description = (
        "Sees the attendance marks of every student and what guardians report, takes calls about absences, and notes "
        "what was found out."
    )
    grants = frozenset({Can.SEE_MARKS, Can.SEE_ABSENCES, Can.SETTLE_ABSENCES})


GRANTABLE: Final[dict[str, type[Role]]] = {role.key: role for role in (SuperUser, AbsenceMonitoring)}


def rights_of(keys: frozenset[str]) -> frozenset[Can]:
    """Return what a staff member with these granted roles may do.

    Raises:
        KeyError: a key that is no role; unknown rights are never guessed.
    """
    return FeedStaff.grants.union(*(GRANTABLE[key].grants for key in keys))
