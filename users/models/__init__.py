"""The tables of accounts and people."""

from users.models.account import Account
from users.models.classes import Enrolment, SchoolClass, Teaching
from users.models.edits import LocalEdit
from users.models.health import DietaryNeed, MedicalNote
from users.models.membership import Membership, RoleGrant, SupportGrant
from users.models.people import Guardian, Person, StaffMember, Student, Tie

__all__ = [
    "Account",
    "DietaryNeed",
    "Enrolment",
    "Guardian",
    "LocalEdit",
    "MedicalNote",
    "Membership",
    "Person",
    "RoleGrant",
    "SchoolClass",
    "StaffMember",
    "Student",
    "SupportGrant",
    "Teaching",
    "Tie",
]
