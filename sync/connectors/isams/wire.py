"""Rows of the document as frozen values: ours in name, iSAMS's in content. None: the row does not have this element.

Names that are not confirmed stand beside their likely others; see `card.yaml` for which is which.
"""

import datetime
import re
from typing import Final

import msgspec

from sync.connectors.isams.document import Node

_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?")  # a date printed as a moment: its time means nothing
_NO_DAY: Final = "0001-01-01"  # how .NET prints a date that is not set
_BETWEEN: Final = re.compile(r"[\s;,]+")
_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y"), True),
    **dict.fromkeys(("false", "0", "no", "n", ""), False),
}


class RowError(ValueError):
    """A row that cannot be read; the sentence names the field, never the value (R28). `ref` is "" if unknown."""

    def __init__(self, reason: str, *, ref: str = "") -> None:
        super().__init__(reason)
        self.ref = ref


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all rows."""


class Pupil(Wire, frozen=True, kw_only=True):
    """`ref` is the SchoolId, the key used all over iSAMS; `row` is the database row, by which other lists refer."""

    ref: str
    row: str
    given_name: str
    family_name: str
    preferred_name: str | None
    date_of_birth: datetime.date | None
    email: str | None
    year: str | None
    form: str | None
    upn: str | None


class Child(Wire, frozen=True, kw_only=True):
    """A pupil as a contact or a set names one."""

    row: str
    ref: str


class Contact(Wire, frozen=True, kw_only=True):
    """One person of a contact; a couple is two rows with one `number`. `guid` is in lower case, "" if there is none."""

    number: str
    second: bool
    guid: str
    title: str | None
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    relationship: str | None
    responsibility: bool | None  # None as well where iSAMS says "Default"
    only: bool  # a contact and nothing more: must not get an account
    children: tuple[Child, ...]


class Member(Wire, frozen=True, kw_only=True):
    """A member of staff; `code` is the UserCode, by which old servers refer."""

    ref: str
    code: str
    title: str | None
    given_name: str
    family_name: str
    email: str | None
    phone: str | None


class Group(Wire, frozen=True, kw_only=True):
    """A form (`subject` is "") or a set. `year` and `subject` are references, `teachers` of staff."""

    ref: str
    name: str
    year: str
    subject: str = ""
    teachers: tuple[str, ...] = ()
    teacher_code: str = ""


class Seat(Wire, frozen=True, kw_only=True):
    """A pupil sits in a set."""

    group: str
    child: Child


class Health(Wire, frozen=True, kw_only=True):
    """What the mapped fields of one pupil's health row say, by field in lower case."""

    child: Child
    notes: tuple[tuple[str, str], ...]


def pupil(node: Node) -> Pupil:
    """Read `CurrentPupils/Pupil`.

    Raises:
        RowError: it has no SchoolId, or a date that is none.
    """
    ref = node.said("SchoolId") or node.attribute("SchoolId")
    if not ref:
        raise RowError("SchoolId is blank: without it nobody can tell who this is.")
    return Pupil(
        ref=ref,
        row=node.attribute("Id"),
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        preferred_name=node.said("Preferredname"),
        date_of_birth=_day(node.said("DOB") or "", field="DOB", ref=ref),
        email=_address(node.said("EmailAddress", "SchoolEmailAddress")),
        year=node.said("NCYear"),
        form=node.said("Form"),
        upn=node.said("UPN"),
    )


def contact(node: Node) -> Contact:
    """Read `Contacts/Contact`.

    Raises:
        RowError: it has no Id, or a flag that is neither yes nor no.
    """
    number = node.attribute("Id")
    if not number:
        raise RowError("The Id of a contact is blank: without it nobody can tell who this is.")
    first = node.attribute("IsFirstPersonContact") or "True"
    return Contact(
        number=number,
        second=not _flag(first, field="IsFirstPersonContact"),
        guid=(node.attribute("PersonGuid") or node.said("PersonGuid") or "").lower(),
        title=node.said("Title"),
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        email=_address(node.said("EmailAddress")),
        phone=node.said("Mobile", "MobileNumber", "Telephone", "Telephone1"),
        relationship=node.said("RelationshipRaw", "Relationship"),
        responsibility=_responsibility(node.said("ParentalResponsibility")),
        only=_flag(node.said("ContactOnly", "JustContact") or "", field="ContactOnly"),
        children=tuple(map(child, node.under("Pupils", "Pupil"))),
    )


def member(node: Node) -> Member:
    """Read `CurrentStaff/StaffMember`. LeavingDate is not read: it may be a returner's old one, and being here wins.

    Raises:
        RowError: it has no Id, or neither a name nor an address (an account for tests or services).
    """
    ref = node.attribute("Id")
    if not ref:
        raise RowError("The Id of a member of staff is blank: without it nobody can tell who this is.")
    found = Member(
        ref=ref,
        code=node.said("UserCode") or "",
        title=node.said("Title"),
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        email=_address(node.said("SchoolEmailAddress")),
        phone=node.said("SchoolMobileNumber"),
    )
    if not (found.given_name or found.family_name or found.email):
        raise RowError("There is neither a name nor an e-mail address; probably not a person.", ref=ref)
    return found


def form(node: Node) -> Group:
    """Read `Forms/Form`; the reference says that it is a form, so that it never meets a set of the same number.

    Raises:
        RowError: it has no Id.
    """
    code = node.attribute("Id")
    if not code:
        raise RowError("The Id of a form is blank.")
    tutors = [node.attribute(name) for name in ("TutorId", "AssistantTutorId", "SecondAssistantTutorId")]
    return Group(
        ref=form_ref(code),
        name=node.said("Form") or code,
        year=node.attribute("YearId") or node.said("NationalCurriculumYear") or "",
        teachers=tuple(dict.fromkeys(filter(_names_somebody, tutors))),
        teacher_code="" if any(tutors) else node.said("Tutor") or "",
    )


def form_ref(code: str) -> str:
    """Return the reference of the form of this code, as pupils name it too."""
    return f"form:{code}"


def teaching_set(node: Node) -> Group:
    """Read `Sets/Set`. Elements of the same names as attributes are old keys; the attributes are right.

    Raises:
        RowError: it has no Id.
    """
    ref = node.attribute("Id")
    if not ref:
        raise RowError("The Id of a set is blank.")
    teachers = [teacher.attribute("StaffId") for teacher in node.under("Teachers", "Teacher")]
    return Group(
        ref=ref,
        name=node.said("Name") or node.said("SetCode") or "",
        year=node.attribute("YearId") or node.said("YearId") or "",
        subject=node.attribute("SubjectId") or node.said("SubjectId") or "",
        teachers=tuple(dict.fromkeys(filter(_names_somebody, teachers))),
        teacher_code="" if any(teachers) else node.said("Teacher") or "",
    )


def seat(node: Node) -> Seat:
    """Read `SetLists/SetList`.

    Raises:
        RowError: it names no set or no pupil.
    """
    group = node.attribute("SetId") or node.said("SetId") or ""
    named = Child(row=node.attribute("PupilId"), ref=node.said("SchoolId") or "")
    if not group or not (named.row or named.ref):
        raise RowError("A row of a set list names no set or no pupil.", ref=group)
    return Seat(group=group, child=named)


def child(node: Node) -> Child:
    """Read whom a `Pupil` element inside another row means."""
    return Child(row=node.attribute("PupilId", "Id"), ref=node.said("SchoolId") or node.attribute("SchoolId"))


def health(node: Node, *, fields: frozenset[str]) -> Health:
    """Read a row of the health list.

    Raises:
        RowError: it names no pupil.
    """
    named = child(node)
    if not (named.row or named.ref):
        raise RowError("A health row names no pupil.")
    notes = tuple((field, text) for field in sorted(fields) if (text := node.said(field)) is not None)
    return Health(child=named, notes=notes)


def _names_somebody(ref: str) -> bool:
    return ref not in {"", "0", "-1"}


def _day(written: str, *, field: str, ref: str) -> datetime.date | None:
    match = _DAY.fullmatch(written)
    try:
        if match and match[1] != _NO_DAY:
            return datetime.date.fromisoformat(match[1])
    except ValueError:
        match = None  # the thirtieth of February: the same complaint
    if written and not match:
        raise RowError(f"{field} is not a date.", ref=ref)
    return None


def _flag(written: str, *, field: str) -> bool:
    if written.lower() not in _FLAGS:
        raise RowError(f"{field} is neither yes nor no.")
    return _FLAGS[written.lower()]


def _responsibility(written: str | None) -> bool | None:
    return {"yes": True, "true": True, "no": False, "false": False}.get((written or "").lower())


def _address(written: str | None) -> str | None:
    """Return the first address; a field may hold several. What holds no address at all is left for others to judge."""
    if written is None:
        return None
    return next((word for word in _BETWEEN.split(written) if "@" in word), written)
