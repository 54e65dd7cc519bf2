"""Schools, accounts and people."""

import itertools
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from tenants import scope
from tenants.models import School
from users.emails import dummy_address
from users.folding import fold
from users.models import (
    Account,
    Enrolment,
    Guardian,
    Membership,
    RoleGrant,
    SchoolClass,
    StaffMember,
    Student,
    Teaching,
    Tie,
)
from users.roles import SuperUser

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def school(slug: str, name: str, **fields: Any) -> School:
    """Make a school."""
    return School.objects.create(slug=slug, name=name, **fields)


def account(email: str, **fields: Any) -> Account:
    """Make an account whose address was proven and whose password is `PASSWORD`."""
    made = Account.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=made, email=made.email, primary=True, verified=True)
    return made


def student(name: str, **fields: Any) -> Student:
    """Make a student in the open school."""
    return Student.objects.create(**_person("student", name, fields))


def guardian(name: str, **fields: Any) -> Guardian:
    """Make a guardian in the open school."""
    return Guardian.objects.create(**_person("guardian", name, fields))


def staff_member(name: str, **fields: Any) -> StaffMember:
    """Make a member of staff in the open school."""
    return StaffMember.objects.create(**_person("staff", name, fields))


def tie(adult: Guardian, child: Student, **fields: Any) -> Tie:
    """Tie a guardian to a student."""
    return Tie.objects.create(guardian=adult, student=child, **fields)


def school_class(name: str, *students: Student, teacher: StaffMember | None = None, **fields: Any) -> SchoolClass:
    """Make a class with these students and, if given, a teacher."""
    made = SchoolClass.objects.create(name=name, **fields)
    for each in students:
        Enrolment.objects.create(school_class=made, student=each)
    if teacher:
        Teaching.objects.create(school_class=made, staff_member=teacher)
    return made


def membership(owner: Account, *, confirmed: bool = True, **person: Any) -> Membership:
    """Say that an account is a person of the open school: `guardian=`, `staff_member=` or `student=`."""
    return Membership.objects.create(
        account=owner, school_id=scope.current(), confirmed_at=timezone.now() if confirmed else None, **person
    )


def super_user(person: StaffMember) -> RoleGrant:
    """Let a member of staff run the open school."""
    return role(person, SuperUser.key)


def role(person: StaffMember, key: str) -> RoleGrant:
    """Give a member of staff a role at the open school."""
    return RoleGrant.objects.create(
        staff_member=person, role=key, granted_at=timezone.now(), reason="asked for by the school"
    )


def _person(kind: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    given, _, family = name.partition(" ")
    email = fields.pop("email", "")
    dummy = dummy_address(school="school", kind=kind, number=next(_numbers))
    return {
        "given_name": given,
        "family_name": family,
        "folded": fold(family, given),
        "email": email or dummy,
        "email_is_dummy": not email,
        "mis_email": email,
        **fields,
    }
