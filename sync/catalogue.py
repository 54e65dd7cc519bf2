"""The systems we read, through whom, and what each of them shares (R4, R6): data, which support extends (R7).

Every word rests on what partners and their users have published. Where nothing says so, the answer is "unknown", and
the connection test is what tells: a promise that a school's MIS does not keep is worse than none.
"""

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from sync.connector import Connector
from sync.records import Kind, Session


class Ability(enum.StrEnum):
    """What schools ask about their system before they join."""

    MEDICAL = "medical"
    DIETARY = "dietary"
    SESSIONS = "sessions"
    LESSONS = "lessons"
    CLASSES = "classes"
    PHOTOS = "photos"
    STUDENT_EMAILS = "student_emails"
    STAFF_LEAVERS = "staff_leavers"
    RESPONSIBILITY = "responsibility"


LABELS: Final[Mapping[Ability, str]] = {
    Ability.MEDICAL: "Medical notes",
    Ability.DIETARY: "Dietary needs",
    Ability.SESSIONS: "Attendance by session",
    Ability.LESSONS: "Attendance by lesson",
    Ability.CLASSES: "Teachers’ classes",
    Ability.PHOTOS: "Photos",
    Ability.STUDENT_EMAILS: "Students’ e-mail",
    Ability.STAFF_LEAVERS: "Staff leavers",
    Ability.RESPONSIBILITY: "Parental responsibility",
}


class Says(enum.StrEnum):
    """What is known about one ability of one system."""

    YES = "yes"
    DEPENDS = "depends"
    UNKNOWN = "unknown"
    NO = "no"


class Answer(msgspec.Struct, frozen=True):
    """Whether a system shares something, and a sentence on when or how."""

    says: Says = Says.UNKNOWN
    note: str = ""


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One system. `partner` is "" where we read it ourselves; `connector` is a key of `sync.registry`."""

    name: str
    partner: str = ""
    connector: str
    answers: Mapping[Ability, Answer]
    notes: tuple[str, ...] = ()


def shared(answer: Answer, ability: Ability, connector: type[Connector] | None) -> Answer:
    """Return an answer as far as the connector keeps it: what it cannot read, nobody gets, whatever the system has."""
    if connector is not None and reads(connector, ability):
        return answer
    if answer.says is Says.NO:
        return answer
    return Answer(Says.NO, "We do not read this from here.")


def reads(connector: type[Connector], ability: Ability) -> bool:
    """Whether a connector can read what an ability is about at all."""
    match ability:
        case Ability.SESSIONS:
            return bool(connector.sessions & {Session.AM, Session.PM, Session.DAY})
        case Ability.LESSONS:
            return Session.LESSON in connector.sessions
        case Ability.PHOTOS:
            return False  # no record of ours holds a picture
        case _:
            return _KINDS[ability] in connector.capabilities


_KINDS: Final[Mapping[Ability, Kind]] = {
    Ability.MEDICAL: Kind.MEDICAL,
    Ability.DIETARY: Kind.DIETARY,
    Ability.CLASSES: Kind.TEACHING,
    Ability.STUDENT_EMAILS: Kind.STUDENTS,
    Ability.STAFF_LEAVERS: Kind.STAFF,
    Ability.RESPONSIBILITY: Kind.TIES,
}


def _yes(note: str = "") -> Answer:
    return Answer(Says.YES, note)


def _no(note: str = "") -> Answer:
    return Answer(Says.NO, note)


def _depends(note: str) -> Answer:
    return Answer(Says.DEPENDS, note)


def _unknown(note: str = "") -> Answer:
    return Answer(Says.UNKNOWN, note)


_NO_PHOTOS: Final = {Ability.PHOTOS: _no("We do not read photos.")}
_NO_LESSONS: Final = _no("We read the marks of mornings and afternoons; those of single lessons we leave.")
_BY_HAND: Final = "Whoever is missing from the list stays until a super user removes them."

_MANAGEBAC: Final = {
    Ability.MEDICAL: _no("ManageBac’s interface has none; a school may give us medical.csv beside it."),
    Ability.DIETARY: _no("ManageBac’s interface has none; a school may give us dietary.csv beside it."),
    Ability.SESSIONS: _depends("One mark a day for each homeroom, where the school has the Attendance add-on."),
    Ability.LESSONS: _no("We read the mark of the day; those of single lessons stay in ManageBac."),
    Ability.CLASSES: _yes("Classes and, by homeroom advisor, homerooms."),
    Ability.STUDENT_EMAILS: _yes("People without an address get a made-up one from ManageBac: check them first."),
    Ability.STAFF_LEAVERS: _yes("Whoever is archived in ManageBac has left."),
    Ability.RESPONSIBILITY: _no("ManageBac knows the relationship, such as Mother, and no rights."),
    **_NO_PHOTOS,
}
_ISAMS: Final = {
    Ability.MEDICAL: _depends("Needs the health list on the key, and which of its fields are meant, agreed with us."),
    Ability.DIETARY: _depends("Needs the health list on the key, and which of its fields are meant, agreed with us."),
    Ability.SESSIONS: _depends("Needs the registration methods, which are not among the free ones."),
    Ability.LESSONS: _unknown("iSAMS may keep registers of lessons; nothing public says how they are told apart."),
    Ability.CLASSES: _depends("Forms come with the free methods; teaching sets are an extra that iSAMS switches on."),
    Ability.STUDENT_EMAILS: _yes("The school address of each pupil, where iSAMS has one."),
    Ability.STAFF_LEAVERS: _no(f"Leavers drop out of the list of current staff. {_BY_HAND}"),
    Ability.RESPONSIBILITY: _depends("Where it was set for that contact; “Default” is left as not shared."),
    **_NO_PHOTOS,
}
_CSV: Final = {
    Ability.MEDICAL: _yes("In medical.csv. Without the file pages say “not shared”."),
    Ability.DIETARY: _yes("In dietary.csv. Without the file pages say “not shared”."),
    Ability.SESSIONS: _yes("In attendance.csv."),
    Ability.LESSONS: _yes("In attendance.csv."),
    Ability.CLASSES: _yes("In classes.csv, enrolments.csv and teaching.csv."),
    Ability.STUDENT_EMAILS: _yes("In the e-mail column of students.csv."),
    Ability.STAFF_LEAVERS: _depends(f"Where staff.csv gives a day of leaving. {_BY_HAND}"),
    Ability.RESPONSIBILITY: _yes("In ties.csv, for each guardian and student."),
    **_NO_PHOTOS,
}


def _wonde(name: str, answers: Mapping[Ability, Answer], *notes: str) -> System:
    """Return a system behind Wonde, which can pass all of this on; what each system fills in is rarely public."""
    passes = _unknown(f"Wonde can pass it on; nothing public says whether {name} fills it in.")
    leavers = _unknown(f"Some set-ups behind Wonde say so; of {name} it is not known. {_BY_HAND}")
    common = (
        dict.fromkeys(Ability, passes) | {Ability.STAFF_LEAVERS: leavers, Ability.LESSONS: _NO_LESSONS} | _NO_PHOTOS
    )
    return System(name=name, partner="Wonde", connector="wonde", answers=common | dict(answers), notes=notes)


def _gg4l(name: str, answers: Mapping[Ability, Answer], *notes: str) -> System:
    """Return a system behind GG4L, whose data are OneRoster: no attendance, no rights of guardians."""
    common = {
        Ability.MEDICAL: _unknown("OneRoster has no such field; some districts add one of their own."),
        Ability.DIETARY: _unknown("OneRoster has no such field; some districts add one of their own."),
        Ability.SESSIONS: _no("GG4L has no attendance."),
        Ability.LESSONS: _no("GG4L has no attendance."),
        Ability.CLASSES: _unknown(f"GG4L passes classes on; nothing public says whether {name} fills them in."),
        Ability.STUDENT_EMAILS: _unknown("Comes where the district ticks the field for us."),
        Ability.STAFF_LEAVERS: _no(_BY_HAND),
        Ability.RESPONSIBILITY: _no("OneRoster has no such field."),
        **_NO_PHOTOS,
    }
    return System(name=name, partner="GG4L", connector="gg4l", answers=common | dict(answers), notes=notes)


_STAFF_DATES: Final = _depends("Likely to come with dates; support looks at your data before trusting the list.")
_PRIMARY: Final = _depends("Primary schools often have registration groups only: choose them in the settings.")
_TICKED: Final = _depends("Comes where the district ticks the field for us.")
_NO_HEALTH: Final = _no("What Veracross gives to GG4L has no health data.")
_FILES: Final = "GG4L is likely to take files from this system, so data may be as old as the last file."

CSV: Final = System(name="CSV files", connector="csv_files", answers=_CSV)

SYSTEMS: Final[tuple[System, ...]] = (
    System(name="ManageBac", connector="managebac", answers=_MANAGEBAC),
    System(name="iSAMS", connector="isams", answers=_ISAMS),
    _wonde("WCBS", {}, "WCBS does not give Wonde the roles of staff; pupils of independent schools often have no UPN."),
    _wonde("Bromcom", {Ability.STAFF_LEAVERS: _STAFF_DATES}),
    _wonde(
        "SIMS",
        {
            Ability.DIETARY: _yes("Other users of Wonde receive it from SIMS, once the school grants it."),
            Ability.SESSIONS: _yes("Other users of Wonde receive morning and afternoon marks from SIMS."),
            Ability.CLASSES: _yes("Teaching classes with their teachers."),
            Ability.STAFF_LEAVERS: _STAFF_DATES,
        },
        "SIMS runs on a server of the school: while it is off, Wonde goes on with what it had, and we say so.",
    ),
    _wonde("Engage", {}),
    _wonde(
        "Furlong/SchoolBase",
        {},
        "Nothing public names SchoolBase among Wonde’s systems of today: ask Wonde before you plan with it.",
    ),
    _wonde("ScholarPack", {Ability.CLASSES: _PRIMARY}, "Wonde takes new data from ScholarPack about every hour."),
    _wonde(
        "RM Integris",
        {Ability.CLASSES: _PRIMARY},
        "RM Integris does not give Wonde the roles of staff, and few dates of them.",
    ),
    _wonde(
        "Arbor",
        {
            Ability.STAFF_LEAVERS: _depends(
                "Arbor counts somebody as left once both the contract and the business role have ended."
            )
        },
        "Wonde takes new data from Arbor about every hour.",
    ),
    _wonde(
        "Synergetic",
        {Ability.STUDENT_EMAILS: _yes("Once the school grants it.")},
        "Choose the Australian region in the settings.",
        "The priority of a contact follows its type in Synergetic (SC1, SC2).",
    ),
    _gg4l("TASS", {}, _FILES),
    _gg4l(
        "PowerSchool",
        {
            Ability.MEDICAL: _depends("The GG4L plug-in can carry fields of your choice, such as the medical alert."),
            Ability.DIETARY: _depends("The GG4L plug-in can carry fields of your choice."),
            Ability.CLASSES: _yes("Classes with their teachers and students."),
            Ability.STUDENT_EMAILS: _TICKED,
        },
        "The fields for guardians’ e-mail addresses and for homerooms have to be named in the GG4L plug-in.",
        "Data of a new year flow from its first calendar day on, unless GG4L is asked for them earlier.",
    ),
    _gg4l("InResonance", {}, _FILES),
    _gg4l("Schoology", {}, _FILES),
    _gg4l(
        "RenWeb",
        {
            Ability.CLASSES: _yes("Classes with their teachers and students, by OneRoster."),
            Ability.STUDENT_EMAILS: _TICKED,
        },
        "RenWeb is now called FACTS. Its OneRoster export has to be ordered, and FACTS charges for it.",
    ),
    _gg4l(
        "Veracross",
        {
            Ability.MEDICAL: _NO_HEALTH,
            Ability.DIETARY: _NO_HEALTH,
            Ability.CLASSES: _yes("Classes and enrolments."),
            Ability.STUDENT_EMAILS: _TICKED,
        },
    ),
    CSV,
)
