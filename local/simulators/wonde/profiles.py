"""What differs from MIS to MIS behind Wonde, and what a school may withhold. Of both, little is documented.

What no source confirms is invented so that a connector meets every case somewhere.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

# Each permission that can be taken away: the list or include that is then 403, or the fields that are then null.
LISTS: Final[Mapping[str, str]] = {
    "students": "students.read",
    "students-leaver": "students.read",
    "contacts": "contacts.read",
    "employees": "employees.read",
    "classes": "classes.read",
    "groups": "groups.read",
    "attendance/session": "attendance.read",
    "attendance-codes": "attendance-codes.read",
    "deletions": "deletions.read",
}
INCLUDES: Final[Mapping[str, str]] = {
    "subject": "subjects.read",
    "medical_conditions": "medical-conditions.read",
    "medical_conditions.notes": "medical-conditions.read",
}
FIELDS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "students.upn.read": (("students", "education_details.data.upn"),),
    "students.date-of-birth.read": (("students", "date_of_birth"),),
    "students.names.read": tuple(
        ("students", name) for name in ("forename", "surname", "legal_forename", "legal_surname")
    ),
    "students.dietary-needs.read": (("students", "extended_details.data.dietary_needs"),),
    "students.medical-conditions.read": (("students", "medical_conditions.data"),),
    "contact-details.email.read": tuple(
        (kind, f"contact_details.data.emails.{name}")
        for kind in ("students", "contacts", "employees")
        for name in ("email", "primary", "home", "work")
    ),
    "contacts.court-order.read": (("contacts", "students.data.*.relationship.court_order"),),
    "attendance.attendance-code.read": (("attendance/session", "attendance_code"),),
    "attendance.date.read": (("attendance/session", "date"),),
}
SCOPES: Final = tuple(sorted({*LISTS.values(), *INCLUDES.values(), *FIELDS}))


def portal_name(scope: str) -> str:
    """Return what the portal calls a permission: “Students upn read”."""
    return scope.replace(".", " ").replace("-", " ").capitalize()


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One MIS behind Wonde: the lists that are 404, the includes that are 400, the fields that it does not hold."""

    mis: str
    lacks: frozenset[str] = frozenset()
    unknown_includes: frozenset[str] = frozenset()
    null: frozenset[str] = frozenset()  # as paths in `FIELDS`, behind the name of the list
    years: Mapping[str, str] = {}  # current_nc_year, where it is not the number in the year's name
    own_codes: bool = False  # of attendance


_NO_DATES: Final = frozenset(
    {"employees/employment_details.data.current", "employees/employment_details.data.employment_end_date"}
)
_INDEPENDENT: Final = frozenset({"students/education_details.data.upn"})
_NO_FLAGS: Final = frozenset(
    {
        "contacts/students.data.*.relationship.parental_responsibility",
        "contacts/students.data.*.relationship.priority",
        "contacts/students.data.*.relationship.court_order",
    }
)

PROFILES: Final[Mapping[str, Profile]] = {
    profile.mis: profile
    for profile in (
        Profile(mis="SIMS"),
        Profile(mis="Bromcom"),
        Profile(mis="Arbor", null=frozenset({"contacts/students.data.*.relationship.court_order"})),
        Profile(mis="ScholarPack", lacks=frozenset({"classes"}), null=_NO_DATES, years={"Reception": "R"}),
        Profile(
            mis="RM Integris",
            lacks=frozenset({"classes"}),
            unknown_includes=frozenset({"medical_conditions", "medical_conditions.notes"}),
            null=_NO_DATES,
            years={"Reception": "0"},
        ),
        Profile(mis="WCBS", null=_INDEPENDENT | _NO_DATES, own_codes=True),
        Profile(mis="Engage", null=_INDEPENDENT | _NO_DATES, own_codes=True),
        Profile(mis="Schoolbase", null=_INDEPENDENT | _NO_DATES | _NO_FLAGS, lacks=frozenset({"attendance/session"})),
        Profile(mis="Synergetic", null=_INDEPENDENT, years={"Reception": "FY"}, own_codes=True),
    )
}
