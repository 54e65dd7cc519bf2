"""A row of the document taken apart: ours in name, iSAMS's in content. None: the row does not have this element.

A row that cannot be used keeps what could be read of it; its `fault` is a sentence that names the field, never the
value (R28). Names that are not confirmed stand beside their likely others; `card.yaml` says which is which.
"""

import datetime
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from sync.connectors.isams.document import Node

BETWEEN: Final = "\0"  # the halves of a key; XML cannot hold it
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?")  # a date printed as a moment: its time means nothing
_NO_DAY: Final = "0001-01-01"  # how .NET prints a date that is not set
_BLANKS: Final = re.compile(r"[\s;,]+")
_FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y"), True),
    **dict.fromkeys(("false", "0", "no", "n", ""), False),
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all rows."""

    fault: str = ""


class Pupil(Row, frozen=True, kw_only=True):
    """A student. `ref` is the SchoolId, the key used all over iSAMS, "" if blank; `form` is a code."""

    ref: str
    given_name: str
    family_name: str
    preferred_name: str | None
    date_of_birth: datetime.date | None
    email: str | None
    year: str | None
    form: str | None
    upn: str | None


class Ref(Row, frozen=True, kw_only=True):
    """What something that is named in another way is called by us; `ref` is "" if that could not be read."""

    ref: str


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A student as other lists name one: by the database row, and by the SchoolId where it is still written."""

    row: str
    ref: str
    current: bool = False  # says the row itself


class Adult(Row, frozen=True, kw_only=True):
    """A member of staff, or one person of a contact: a couple is two with one `number`."""

    ref: str  # "" if nobody can tell who it is
    number: str = ""
    title: str | None = None
    given_name: str = ""
    family_name: str = ""
    email: str | None = None
    phone: str | None = None


class Bond(Row, frozen=True, kw_only=True):
    """What an adult is to one child; `responsibility` is None as well where iSAMS says "Default"."""

    adult: str
    child: Child
    relationship: str | None
    responsibility: bool | None


class Group(Row, frozen=True, kw_only=True):
    """A form (`subject` is None) or a set. `year` and `subject` are references."""

    ref: str
    name: str
    year: str
    subject: str | None = None


class Post(Row, frozen=True, kw_only=True):
    """Somebody teaches a group: `staff` is their Id, or `code` their UserCode where old servers have nothing else."""

    group: str
    staff: str = ""
    code: str = ""


class Seat(Row, frozen=True, kw_only=True):
    """A student sits in a group."""

    group: str
    child: Child


class Note(Row, frozen=True, kw_only=True):
    """What one field of a student's health row says; `field` is in lower case."""

    child: Child
    field: str
    text: str


def pupil(node: Node) -> Pupil:
    """Read `CurrentPupils/Pupil`. Dates of entry and leaving are not read: who is listed is here."""
    ref = node.said("SchoolId") or node.attribute("SchoolId")
    born, is_day = _day(node.said("DOB") or "")
    fault = "" if ref else "SchoolId is blank: without it nobody can tell who this is."
    return Pupil(
        ref=ref,
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        preferred_name=node.said("Preferredname"),
        date_of_birth=born,
        email=_address(node.said("EmailAddress", "SchoolEmailAddress")),
        year=node.said("NCYear"),
        form=node.said("Form"),
        upn=node.said("UPN"),
        fault=fault or ("" if is_day else "DOB is not a date."),
    )


def child(node: Node) -> Child:
    """Read whom a `Pupil` element inside another row means."""
    return Child(
        row=node.attribute("PupilId", "Id"),
        ref=node.said("SchoolId") or node.attribute("SchoolId"),
        current=(node.said("Status") or "").lower() == "current",
    )


def contact(node: Node, *, by_person: bool) -> Adult | None:
    """Read `Contacts/Contact`; None if it is a contact and nothing more (ContactOnly) and must not get an account."""
    only = _FLAGS.get((node.said("ContactOnly", "JustContact") or "").lower())
    if only:
        return None
    number = node.attribute("Id")
    ref, fault = person_of(node), "PersonGuid of a contact is blank."
    if not by_person:
        first = _FLAGS.get((node.attribute("IsFirstPersonContact") or "True").lower())
        ref = "" if not number or first is None else number if first else f"{number}-2"
        fault = "Id or IsFirstPersonContact of a contact cannot be read."  # the latter tells a couple apart
    if ref:
        fault = "" if only is False else "ContactOnly of a contact is neither yes nor no."
    return Adult(
        ref=ref,
        number=number,
        title=node.said("Title"),
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        email=_address(node.said("EmailAddress")),
        phone=node.said("Mobile", "MobileNumber", "Telephone", "Telephone1"),
        fault=fault,
    )


def person_of(node: Node) -> str:
    """Return who a contact is, whatever its number, in lower case; "" if iSAMS does not say."""
    return (node.attribute("PersonGuid") or node.said("PersonGuid") or "").lower()


def bonds(node: Node, adult: Adult) -> Iterator[Bond]:
    """Read `Contacts/Contact/Pupils/Pupil`."""
    said = (node.said("ParentalResponsibility") or "").lower()
    for one in node.under("Pupils", "Pupil"):
        yield Bond(
            adult=adult.ref,
            child=child(one),
            relationship=node.said("RelationshipRaw", "Relationship"),
            responsibility={"yes": True, "true": True, "no": False, "false": False}.get(said),
            fault="" if adult.ref else adult.fault,
        )


def member(node: Node) -> Adult:
    """Read `CurrentStaff/StaffMember`. LeavingDate is not read: it may be a returner's old one, and being here wins."""
    found = Adult(
        ref=node.attribute("Id"),
        title=node.said("Title"),
        given_name=node.said("Forename") or "",
        family_name=node.said("Surname") or "",
        email=_address(node.said("SchoolEmailAddress")),
        phone=node.said("SchoolMobileNumber"),
    )
    if found.ref and (found.given_name or found.family_name or found.email):
        return found
    nobody = "There is neither a name nor an e-mail address; probably an account for tests and not a person."
    return msgspec.structs.replace(found, fault=nobody if found.ref else "Id of a member of staff is blank.")


def form(node: Node) -> Group:
    """Read `Forms/Form`."""
    code = node.attribute("Id")
    return Group(
        ref=form_ref(code),
        name=node.said("Form") or code,
        year=node.attribute("YearId") or node.said("NationalCurriculumYear") or "",
        fault="" if code else "Id of a form is blank.",
    )


def form_ref(code: str) -> str:
    """Return the reference of the form of this code, which never meets a set of the same number."""
    return f"form:{code}" if code else ""


def tutors(node: Node, ref: str) -> Iterator[Post]:
    """Read who is in charge of a form; the elements are old keys, for servers without the attributes."""
    found = [node.attribute(name) for name in ("TutorId", "AssistantTutorId", "SecondAssistantTutorId")]
    codes = [node.said(name) or "" for name in ("Tutor", "AssistantFormTutor", "SecondAssistantFormTutor")]
    yield from _posts(ref, found, codes)


def teaching_set(node: Node) -> Group:
    """Read `Sets/Set`. Elements of the same names as attributes are old keys; the attributes are right."""
    ref = node.attribute("Id")
    return Group(
        ref=ref,
        name=node.said("Name") or node.said("SetCode") or "",
        year=node.attribute("YearId") or node.said("YearId") or "",
        subject=node.attribute("SubjectId") or node.said("SubjectId") or "",
        fault="" if ref else "Id of a set is blank.",
    )


def teachers(node: Node, ref: str) -> Iterator[Post]:
    """Read who teaches a set."""
    found = [one.attribute("StaffId") for one in node.under("Teachers", "Teacher")]
    yield from _posts(ref, found, [node.said("Teacher") or ""])


def _posts(group: str, refs: list[str], codes: list[str]) -> Iterator[Post]:
    named = [ref for ref in refs if ref not in {"", "0", "-1"}]
    yield from (Post(group=group, staff=ref) for ref in named)
    if not any(refs):
        yield from (Post(group=group, code=code) for code in codes if code)


def seat(node: Node) -> Seat:
    """Read `SetLists/SetList`."""
    group = node.attribute("SetId") or node.said("SetId") or ""
    named = Child(row=node.attribute("PupilId"), ref=node.said("SchoolId") or "")
    whole = group and (named.row or named.ref)
    return Seat(group=group, child=named, fault="" if whole else "A row of a set list names no set or no pupil.")


def notes(node: Node, fields: frozenset[str]) -> Iterator[Note]:
    """Read the agreed fields of a row of the health list; what is empty is no note."""
    named = child(node)
    fault = "" if named.row or named.ref else "A health row names no pupil."
    yield from (
        Note(child=named, field=field, text=text, fault=fault)
        for field in sorted(fields)
        if (text := node.said(field) or "")
    )


def _day(written: str) -> tuple[datetime.date | None, bool]:
    """Return the day, and whether what is written is a day or nothing."""
    match = _DAY.fullmatch(written)
    try:
        day = datetime.date.fromisoformat(match[1]) if match and match[1] != _NO_DAY else None
    except ValueError:  # the thirtieth of February
        return None, False
    return day, bool(match) or not written


def _address(written: str | None) -> str | None:
    """Return the first address; a field may hold several. What holds no address at all is left for others to judge."""
    if written is None:
        return None
    return next((word for word in _BLANKS.split(written) if "@" in word), written)
