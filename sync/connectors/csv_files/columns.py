"""Which column of a file is which field of a record: our own names, and the names that other systems print (R8)."""

import dataclasses
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import msgspec

from sync.errors import Broken
from sync.records import KIND_OF, Kind, Record

RECORD_OF: Final[dict[Kind, type[Record]]] = {kind: record for record, kind in KIND_OF.items()}
FIELDS: Final[dict[Kind, tuple[str, ...]]] = {k: r.__struct_fields__ for k, r in RECORD_OF.items()}
REQUIRED: Final[dict[Kind, tuple[str, ...]]] = {
    kind: tuple(field.name for field in msgspec.structs.fields(record) if field.required)
    for kind, record in RECORD_OF.items()
}

# What makes a row unique, first the half by which an unreadable row is known (see `sync.records.key_of`).
KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STUDENTS: ("ref",),
    Kind.GUARDIANS: ("ref",),
    Kind.STAFF: ("ref",),
    Kind.CLASSES: ("ref",),
    Kind.TIES: ("student_ref", "guardian_ref"),
    Kind.ENROLMENTS: ("class_ref", "student_ref"),
    Kind.TEACHING: ("class_ref", "staff_ref"),
    Kind.MEDICAL: ("student_ref", "ref"),
    Kind.DIETARY: ("student_ref", "ref"),
}

_PERSON: Final[dict[str, tuple[str, ...]]] = {
    "title": ("salutation", "honorific"),
    "given_name": ("first_name", "firstname", "forename", "forenames", "given_names", "givenname", "legal_forename"),
    "family_name": ("last_name", "lastname", "surname", "surnames", "familyname", "legal_surname"),
    "email": ("e_mail", "email_address", "e_mail_address", "mail", "primary_email", "work_email"),
    "phone": ("telephone", "phone_number", "telephone_number", "mobile", "mobile_phone", "mobile_number"),
    "left_on": ("leaving_date", "date_of_leaving", "leave_date", "date_left", "left"),
}
_STUDENT_REF: Final = ("student_id", "student", "pupil_id", "pupil_ref", "student_number", "student_mis_id")
_GUARDIAN_REF: Final = ("guardian_id", "guardian", "contact_id", "contact_ref", "contact", "parent_id", "parent_ref")
_STAFF_REF: Final = ("staff_id", "staff", "teacher_id", "teacher_ref", "teacher", "employee_id")
_CLASS_REF: Final = ("class_id", "class", "class_code", "group_id", "group_ref", "section_id")
_REF: Final = ("id", "reference", "mis_id", "external_id")

# Written as `plain_header` leaves a header: lower case, no accents, underscores. A name of ours always wins over these.
ALIASES: Final[dict[Kind, dict[str, tuple[str, ...]]]] = {
    Kind.STUDENTS: {
        **_PERSON,
        "ref": (*_REF, *_STUDENT_REF, "student_ref", "admission_number", "admission_no", "adno"),
        "preferred_name": ("preferred_first_name", "preferred_forename", "known_as", "chosen_name", "nickname"),
        "date_of_birth": ("dob", "d_o_b", "birth_date", "birthdate", "birthday"),
        "year": ("year_group", "year_level", "nc_year", "grade"),
        "form": ("form_group", "registration_group", "reg_group", "reg", "tutor_group", "homeroom"),
        "upn": ("unique_pupil_number", "state_id", "national_id"),
    },
    Kind.GUARDIANS: {**_PERSON, "ref": (*_REF, *_GUARDIAN_REF, "guardian_ref")},
    Kind.STAFF: {**_PERSON, "ref": (*_REF, *_STAFF_REF, "staff_ref", "staff_code")},
    Kind.CLASSES: {
        "ref": (*_REF, *_CLASS_REF, "class_ref", "code"),
        "name": ("class_name", "group_name", "description"),
        "year": ("year_group", "year_level", "nc_year", "grade"),
        "subject": ("subject_name", "course"),
    },
    Kind.TIES: {
        "student_ref": _STUDENT_REF,
        "guardian_ref": _GUARDIAN_REF,
        "relationship": ("relation", "relationship_type"),
        "priority": ("contact_priority", "contact_order", "order"),
        "parental_responsibility": ("has_parental_responsibility", "pr"),
        "restricted": ("court_order", "no_contact", "is_restricted"),
    },
    Kind.ENROLMENTS: {"class_ref": _CLASS_REF, "student_ref": _STUDENT_REF},
    Kind.TEACHING: {"class_ref": _CLASS_REF, "staff_ref": _STAFF_REF},
    Kind.MEDICAL: {
        "student_ref": _STUDENT_REF,
        "ref": (*_REF, "medical_id", "condition_id", "note_id"),
        "condition": ("medical_condition", "condition_name"),
        "details": ("detail", "notes", "note", "description"),
    },
    Kind.DIETARY: {
        "student_ref": _STUDENT_REF,
        "ref": (*_REF, "dietary_id", "need_id"),
        "need": ("dietary_need", "dietary_requirement", "requirement", "diet"),
    },
}
_FIELD_OF: Final[dict[Kind, dict[str, str]]] = {
    kind: {alias: field for field, names in aliases.items() if field in FIELDS[kind] for alias in names}
    for kind, aliases in ALIASES.items()
}

_NOT_A_LETTER: Final = re.compile(r"[^0-9a-z]+")
_SHOWN: Final = 10  # unknown columns named in one remark
_SHOWN_LETTERS: Final = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Columns:
    """Where each field stands in a row of `width` cells, and which headers nobody asked for."""

    kind: Kind
    width: int
    index: dict[str, int]
    unknown: tuple[str, ...] = ()


def plain_header(header: str) -> str:
    """Return a header without case, accents and punctuation: "First-Name " is `first_name`."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", header) if not unicodedata.combining(c))
    return _NOT_A_LETTER.sub("_", bare.casefold()).strip("_")


def recognised(kind: Kind, header: Sequence[str]) -> int:
    """Count the cells of a possible header that name a field of `kind`."""
    return sum(name in FIELDS[kind] or name in _FIELD_OF[kind] for name in map(plain_header, header))


def columns_of(kind: Kind, header: Sequence[str], *, file: str) -> Columns:
    """Match a header with the fields of `kind`.

    Raises:
        Broken: a required column is missing, or two columns could be the same field.
    """
    index: dict[str, int] = {}
    for field in FIELDS[kind]:
        places = _places(kind, field, header)
        if len(places) > 1:
            raise Broken(
                f"{file} has {len(places)} columns that could be {field}. Call the right one {field}, only that."
            )
        if places:
            index[field] = places[0]
    _demand(kind, index, file=file)
    unknown = tuple(h for i, h in enumerate(header) if i not in index.values() and h.strip())
    return Columns(kind=kind, width=len(header), index=index, unknown=unknown)


def _places(kind: Kind, field: str, header: Sequence[str]) -> list[int]:
    names = list(map(plain_header, header))
    ours = [i for i, name in enumerate(names) if name == field]
    # A name that is a field of its own ("year") is never an alias of another one.
    return ours or [i for i, n in enumerate(names) if n not in FIELDS[kind] and _FIELD_OF[kind].get(n) == field]


def _demand(kind: Kind, index: dict[str, int], *, file: str) -> None:
    missing = [field for field in REQUIRED[kind] if field not in index]
    if missing:
        raise Broken(
            f"{file} has no column {' and no column '.join(missing)}. The first line must name the columns; the "
            "template shows them. Nothing was changed."
        )


def unknown_remark(columns: Columns, *, file: str) -> str:
    """Say which columns are not read, "" if all are."""
    if not columns.unknown:
        return ""
    names = ", ".join(f"“{' '.join(name.split())[:_SHOWN_LETTERS]}”" for name in columns.unknown[:_SHOWN])
    more = len(columns.unknown) - _SHOWN
    return f"{file}: not read, because no field has this name: {names}{f' and {more} more' if more > 0 else ''}."
