"""What a MIS says, one record at a time: frozen values that every connector speaks and nothing else.

Three things are different everywhere, up to the page that shows them: *not shared* (`NOT_SHARED`: the MIS does not
tell us this field), *empty* (`""` or `None`: the MIS tells us there is nothing) and a value. References (`ref`) are the
MIS's own strings, compared byte for byte; leading zeros are kept.
"""

import datetime
import enum
from typing import Final

import msgspec


class NotShared(enum.Enum):
    """The type of `NOT_SHARED`, so that type checkers can tell it from text."""

    NOT_SHARED = "not shared"

    def __repr__(self) -> str:
        return "NOT_SHARED"


NOT_SHARED: Final = NotShared.NOT_SHARED

Text = str | NotShared
Day = datetime.date | None | NotShared
Flag = bool | None | NotShared
Count = int | None | NotShared


class Kind(enum.StrEnum):
    """The kinds of record a roster is made of; a connector says for each whether it was read to its end."""

    STUDENTS = "students"
    GUARDIANS = "guardians"
    STAFF = "staff"
    CLASSES = "classes"
    TIES = "ties"
    ENROLMENTS = "enrolments"
    TEACHING = "teaching"
    MEDICAL = "medical"
    DIETARY = "dietary"


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base of all records. They hold plain values only, so the collector of cycles need not look at them."""


class Student(Record, frozen=True, kw_only=True):
    """A student of the school. `year` and `form` are the school's own labels ("7", "Year 7", "7B")."""

    ref: str
    given_name: str
    family_name: str
    preferred_name: Text = NOT_SHARED
    date_of_birth: Day = NOT_SHARED
    email: Text = NOT_SHARED
    year: Text = NOT_SHARED
    form: Text = NOT_SHARED
    upn: Text = NOT_SHARED  # a number that follows the child between schools (UPN, state id): a strong key for R22
    left_on: Day = NOT_SHARED


class Guardian(Record, frozen=True, kw_only=True):
    """An adult who is a contact of a student. One person per reference, however many children."""

    ref: str
    given_name: str
    family_name: str
    title: Text = NOT_SHARED
    email: Text = NOT_SHARED
    phone: Text = NOT_SHARED


class Staff(Record, frozen=True, kw_only=True):
    """A member of staff as the MIS knows them."""

    ref: str
    given_name: str
    family_name: str
    title: Text = NOT_SHARED
    email: Text = NOT_SHARED
    phone: Text = NOT_SHARED
    left_on: Day = NOT_SHARED


class Class(Record, frozen=True, kw_only=True):
    """A class, set or registration group."""

    ref: str
    name: str
    year: Text = NOT_SHARED
    subject: Text = NOT_SHARED


class Tie(Record, frozen=True, kw_only=True):
    """A guardian's relation to one student; rights hang on it. `priority` 1 is called first."""

    student_ref: str
    guardian_ref: str
    relationship: Text = NOT_SHARED
    priority: Count = NOT_SHARED
    parental_responsibility: Flag = NOT_SHARED
    restricted: Flag = NOT_SHARED  # True: a court order or the like; this guardian may see nothing


class Enrolment(Record, frozen=True, kw_only=True):
    """A student sits in a class."""

    class_ref: str
    student_ref: str


class Teaching(Record, frozen=True, kw_only=True):
    """A member of staff teaches a class."""

    class_ref: str
    staff_ref: str


class Medical(Record, frozen=True, kw_only=True):
    """One medical note of one student; `ref` is unique within the student."""

    student_ref: str
    ref: str
    condition: str
    details: Text = NOT_SHARED


class Dietary(Record, frozen=True, kw_only=True):
    """One dietary need of one student; `ref` is unique within the student."""

    student_ref: str
    ref: str
    need: str


class Complete(Record, frozen=True, kw_only=True):
    """This kind was read to its end, and by the source's own count it has `rows` rows (unreadable ones included).

    A kind without this record was not shared or not finished: nobody leaves because of it.
    """

    kind: Kind
    rows: int


class Unreadable(Record, frozen=True, kw_only=True):
    """A row that is there but cannot be used. Whoever it describes is present, so never counted as absent.

    `ref` is "" where not even the reference could be read; `reason` is a sentence for the data manager and names the
    field, never the value (R28). Of a tie, an enrolment and the like, `other_ref` is the second half of the key if that
    could be read: without it every link of `ref` counts as present, and one that was revoked would not end either.
    """

    kind: Kind
    ref: str
    reason: str
    other_ref: str = ""
    place: str = ""  # where to look: "students.csv, line 14"


class Remark(Record, frozen=True, kw_only=True):
    """Something a person should know about the feed as a whole: "students.csv was read as Windows-1252"."""

    text: str


class Session(enum.StrEnum):
    """The part of a day that a mark is of."""

    AM = "am"
    PM = "pm"
    DAY = "day"
    LESSON = "lesson"


class Meaning(enum.StrEnum):
    """What a mark says. A register that was not taken says neither present nor absent (R15)."""

    NOT_TAKEN = "not taken"
    UNCONFIRMED = "unconfirmed"  # in, says the MIS by itself; nobody has looked
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"  # without leave, or nobody knows why yet
    EXCUSED = "excused"  # absent with leave
    ELSEWHERE = "elsewhere"  # on the school's business: a trip, another site
    NOT_EXPECTED = "not expected"
    UNKNOWN = "unknown"  # a code that nobody has told us the meaning of: shown raw, never guessed


class Mark(Record, frozen=True, kw_only=True):
    """One mark of one student, unique by student, date, session and lesson.

    `code` is the MIS's own, "" if the register was not taken; `date` is the register's own date, never shifted by a
    time zone.
    """

    student_ref: str
    date: datetime.date
    session: Session
    code: str
    meaning: Meaning
    lesson: str = ""  # the MIS's reference of the lesson, with Session.LESSON only
    label: Text = NOT_SHARED  # what the MIS calls the code
    minutes_late: Count = NOT_SHARED
    recorded_at: datetime.datetime | NotShared | None = NOT_SHARED


class UnreadableMark(Record, frozen=True, kw_only=True):
    """A mark that is there but cannot be used; `reason` names the field, never the value."""

    student_ref: str  # "" where not even that could be read
    reason: str
    place: str = ""


Person = Student | Guardian | Staff
MarkRecord = Mark | UnreadableMark | Remark
RosterRecord = (
    Student | Guardian | Staff | Class | Tie | Enrolment | Teaching | Medical | Dietary | Complete | Unreadable | Remark
)

KIND_OF: Final[dict[type[Record], Kind]] = {
    Student: Kind.STUDENTS,
    Guardian: Kind.GUARDIANS,
    Staff: Kind.STAFF,
    Class: Kind.CLASSES,
    Tie: Kind.TIES,
    Enrolment: Kind.ENROLMENTS,
    Teaching: Kind.TEACHING,
    Medical: Kind.MEDICAL,
    Dietary: Kind.DIETARY,
}

# Whom each half of the key of a record names; None: the second half is the MIS's own reference within the first.
PARTS: Final[dict[Kind, tuple[Kind, Kind | None]]] = {
    Kind.TIES: (Kind.STUDENTS, Kind.GUARDIANS),
    Kind.ENROLMENTS: (Kind.CLASSES, Kind.STUDENTS),
    Kind.TEACHING: (Kind.CLASSES, Kind.STAFF),
    Kind.MEDICAL: (Kind.STUDENTS, None),
    Kind.DIETARY: (Kind.STUDENTS, None),
}


def key_of(record: RosterRecord) -> str | tuple[str, str]:
    """What makes a record unique within its kind."""
    match record:
        case Tie():
            return (record.student_ref, record.guardian_ref)
        case Enrolment():
            return (record.class_ref, record.student_ref)
        case Teaching():
            return (record.class_ref, record.staff_ref)
        case Medical() | Dietary():
            return (record.student_ref, record.ref)
        case Student() | Guardian() | Staff() | Class() | Unreadable():
            return record.ref
        case Complete() | Remark():
            return ""
