"""What the gallery shows: the properties each component declares, and plainly fictional data to show them with."""

import dataclasses
import datetime
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from django.conf import settings
from django.core.paginator import Paginator

from attendance.models import AbsenceReport
from attendance.queries.absences import DayCounts, StudentDay
from attendance.sources import Said, Told, day_of
from portals.chart import absences, chart
from portals.entrance.context import Door
from portals.health import Section
from portals.marks import MarkFeed
from portals.reception.next import Next, NextSlot
from portals.reception.person import Field
from sync import sentences
from sync.models import Decision, Hold, MisProduct, Run, Trial
from sync.queries import dossiers, inbox
from sync.queries.holds import OpenCase
from sync.queries.joining import system_of
from sync.queries.reports import Night
from sync.queries.sources import Freshness
from sync.queries.tallies import Tally, tiles
from users.models import LocalEdit, MedicalNote, Student
from users.reasons import Do, Reason

_DECLARATION: Final = re.compile(r"<c-vars\s(.*?)\s*/?>", re.DOTALL)
_FOLDER: Final = Path(settings.BASE_DIR) / "templates" / "cotton"


def declared() -> dict[str, str]:
    """Return what each component's `<c-vars>` says, by the component's name."""
    found = {}
    for file in sorted(_FOLDER.glob("*.html")):
        declaration = _DECLARATION.search(file.read_text(encoding="utf-8"))
        found[file.stem] = declaration.group(1) if declaration else ""
    return found


def sample_data() -> dict[str, Any]:
    """Return one value for each kind of thing a component takes."""
    nights = tuple(
        Night(
            date=datetime.date(2026, 11, day),
            tally=Tally(added=day % 7, updated=day * 3 % 41, gone=day % 3, held=day % 2),
        )
        for day in range(10, 24)
    )
    return {
        "declared": declared(),
        "child": Student(
            school_id=0, id=1, given_name="Ana", family_name="Reyes", year="4", form="4B", preferred_name=""
        ),
        "fresh": _FRESH,
        "overdue": dataclasses.replace(_FRESH, overdue="the last run failed"),
        "next": _NEXT,
        "item": Door(label="Students", icon="users", url="#nav_item", here=True),
        "page": Paginator(range(1284), 25).get_page(3),
        "runs": [Run(school_id=0, status=status) for status in Run.Status.values],
        "sentences": [sentences.say(change) for change in _CHANGES],
        "nights": nights,
        "chart": chart(nights),
        "lines": system_of(MisProduct(name="SIMS", partner="Wonde", connector="wonde")).lines[:2],
        "trials": [
            Trial(school_id=0, kind=Trial.Kind.TEST),
            Trial(school_id=0, kind=Trial.Kind.TEST, ended_at=_TRIED, error_kind="refused", error="Wrong token."),
            Trial(school_id=0, kind=Trial.Kind.PREVIEW, ended_at=_TRIED),
        ],
        "tiles": tiles({"students": {"arrived": 9, "amended": 22, "left": 3, "held": 2}}),
        "faults": [
            {"kind": "guardians", "reason": "Two people have this address.", "number": 2, "refs": ["G77", "G78"]}
        ],
        "cases": _cases(),
        "comparison": dossiers.comparisons(_SIDES)[0],
        "choices": _CHOICES,
        "sections": [
            Section(state="rows", rows=(MedicalNote(school_id=0, condition="Asthma", details="Inhaler"),)),
            Section(state="none"),
            Section(state="not_shared"),
            Section(state="off"),
        ],
        "fields": _FIELDS,
        "reasons": _REASONS,
        **_attendance(),
    }


def _attendance() -> dict[str, Any]:
    """Return what the parts about attendance take."""
    absent, back, report = _said("am", "absent", "N"), _said("pm", "present", "\\"), Told(report=1, part="day")
    days = [
        day_of([absent], []),
        day_of([absent], [report]),
        day_of([_said("am", "present", "/")], [report]),
        day_of([absent, back], []),
        day_of([_said("am", "unknown", "Q7")], []),
        day_of([_said("am", "not taken", "")], []),
        day_of([], []),
    ]
    counts = [
        DayCounts(date=_DAY - datetime.timedelta(ago), absent=ago % 5, excused=3, late=ago % 4) for ago in (2, 1, 0)
    ]
    fresh = Freshness(source="SIMS via Wonde", at=_TRIED, kinds=frozenset())
    return {
        "attendance_days": days,
        "verdicts": [(day.verdict.value, day.verdict.label) for day in days],
        "student_days": [StudentDay(date=_DAY, day=days[3], marks=(), reports=())],
        "mark_feeds": [MarkFeed(state=state, fresh=fresh) for state in ("shared", "never", "not_shared")],
        "counts": counts,
        "absences": absences(counts),
        "report": AbsenceReport(
            school_id=0, id=1, first=_DAY, last=_DAY, reason="ill", note="Back on Monday.", reported_at=_TRIED
        ),
    }


def _said(session: str, meaning: str, code: str) -> Said:
    return Said(session=session, meaning=meaning, code=code, fetched_at=_TRIED)


def _cases() -> list[inbox.Item]:
    """Return one case that waits, and one that is decided."""
    hold = Hold(
        school_id=0,
        kind="guardians",
        case="id reused",
        labels=["Joan Bell"],
        reason="The id 702 belonged to Joan Bell and now describes Joan Newcome.",
        options=[{"key": "same", "label": "The same person", "effect": ""}],
    )
    decided = Decision(school_id=0, choice="same", at=_TRIED, says="The same person. They married.")
    return [
        inbox.Item(case=OpenCase(hold=hold, decision=each, expired=False), since=_TRIED) for each in (None, decided)
    ]


_FRESH: Final = Freshness(
    source="SIMS via Wonde",
    at=datetime.datetime(2026, 11, 23, 2, 14, tzinfo=datetime.UTC),
    kinds=frozenset(),
    then=datetime.datetime(2026, 11, 24, 1, 40, tzinfo=datetime.UTC),
)
_NEXT: Final = (
    Next(
        halted="",
        slots=(
            NextSlot(label="The afternoon’s marks", when="today at 14:30"),
            NextSlot(label="People and classes", when="tonight about 01:40"),
            NextSlot(label="The morning’s marks", when="on Monday at 09:30", passed_over="Half-term"),
        ),
        reads_marks=True,
    ),
    Next(halted="reading is paused", slots=(), reads_marks=True),
)
_SIDES: Final = (
    {
        "title": "What we hold",
        "ref": "702",
        "facts": [["given_name", "Joan"], ["family_name", "Bell"], ["email", "joan.bell@mail.example"]],
    },
    {
        "title": "What the MIS says",
        "ref": "702",
        "facts": [["given_name", "Joan"], ["family_name", "Newcome"]],
    },
)
_CHOICES: Final = (
    dossiers.Choice(
        key="keep", label="Leave as it is", effect="Nothing changes until the MIS says something else.", harmful=False
    ),
    dossiers.Choice(
        key="same", label="The same person", effect="She keeps everything and takes the new details.", harmful=True
    ),
)
_TRIED: Final = datetime.datetime(2026, 11, 23, 9, 30, tzinfo=datetime.UTC)
_DAY: Final = datetime.date(2026, 11, 23)
_FIELDS: Final = (
    Field(
        name="family_name",
        label="Surname",
        value="Muñoz",
        correctable=True,
        edit=LocalEdit(school_id=0, value="Muñoz", replaced="MuÃ±oz"),
        said="MuÃ±oz",
    ),
    Field(name="email", label="E-mail", value="", correctable=True, said="office@mail.example", placeholder=True),
    Field(name="year", label="Year", value="Year 4", correctable=False),
    Field(name="upn", label="UPN", value=None, correctable=False),
)
_REASONS: Final = (
    Reason(text="Your MIS has no address for them.", remedy="Put one there.", do=Do.CORRECT_EMAIL, field="e-mail"),
    Reason(text="They have never signed in.", remedy="They ask for a code.", do=Do.OWNER, blocks=False),
)
_CHANGES: Final = (
    SimpleNamespace(kind="students", label="Ana Reyes", action="arrive", field="", old="", new="Year 4, form 4B"),
    SimpleNamespace(
        kind="guardians", label="Mei Li", action="amend", field="email", old="li@mail.example", new="mei@mail.example"
    ),
    SimpleNamespace(kind="students", label="Kofi Mensah", action="miss", field="", old="", new=""),
)
