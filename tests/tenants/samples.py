"""Furnished schools: a row in every table that a school owns, so that there is always something that could leak."""

import dataclasses
import datetime
from typing import Any

from django.apps import apps
from django.db import models

from attendance.models import AbsenceReport, Code, Mark, MarkChange, Meaning, Resolution, Session
from messaging.models import Letter
from sync.models import (
    Change,
    CharacterReview,
    Connection,
    Decision,
    Hold,
    MisChange,
    MisIdentity,
    ParkedMark,
    Refusal,
    Run,
    RunRequest,
    Trial,
    Trouble,
)
from tenants import scope
from tenants.models import AuditEvent, Closure, School, SchoolOwned
from users.emails import dummy_address
from users.folding import fold
from users.models import (
    Account,
    DietaryNeed,
    Enrolment,
    Guardian,
    LocalEdit,
    MedicalNote,
    Membership,
    RoleGrant,
    SchoolClass,
    StaffMember,
    Student,
    Teaching,
    Tie,
)
from users.roles import AbsenceMonitoring, SuperUser

NIGHT = datetime.datetime(2026, 9, 14, 1, 0, tzinfo=datetime.UTC)
Model = type[models.Model]


def owned_models() -> list[Model]:
    """Every table that a school owns."""
    return [model for model in apps.get_models() if issubclass(model, SchoolOwned)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Furnished:
    """A school, one row of each of its tables, and a second parent row that nothing points at yet."""

    school: School
    rows: dict[Model, Any]
    spares: dict[Model, Any]

    @property
    def pk(self) -> int:
        """The school's id."""
        return self.school.pk

    def __getitem__(self, model: Model) -> Any:
        return self.rows[model]


def furnish(slug: str, *, status: str = School.Status.ACTIVE) -> Furnished:
    """Make a school with a row in every table of its own, and logins for its guardian and its super user."""
    school = School.objects.create(slug=slug, name=slug.title(), status=status)
    with scope.school(school.pk):
        parents = {model: make(model, slug, 1) for model in PARENTS}
        spares: dict[Model, Any] = {model: make(model, slug, 2) for model in parents}
        rows: dict[Model, Any] = parents | _children(parents)
        _memberships(school, parents)
    return Furnished(school=school, rows=rows, spares=spares)


PARENTS: tuple[Model, ...] = (Student, Guardian, StaffMember, SchoolClass, Run, Connection, Mark)


def make(model: Any, slug: str, number: int, **given: Any) -> Any:
    """Make one parent row in the open school."""
    if model is SchoolClass:
        return SchoolClass.objects.create(name=f"{slug} {number}", **given)
    if model is Connection:
        return Connection.objects.create(connector="csv_files", active=number == 1, **given)
    if model is Run:
        return Run.objects.create(
            trigger=Run.Trigger.ONE_OFF, local_date=NIGHT.date() + datetime.timedelta(number), queued_at=NIGHT, **given
        )
    if model is Mark:
        return mark(number, **given)
    return person(model, slug, number, **given)


def mark(number: int, **given: Any) -> Mark:
    """Make a mark of the first student in the open school, of another day for each number."""
    fetched = dict.fromkeys(("first_fetched_at", "fetched_at", "changed_at"), NIGHT)
    says = {"session": Session.AM, "code": "N", "said": Meaning.ABSENT, "meaning": Meaning.ABSENT, "run": 1}
    day = NIGHT.date() + datetime.timedelta(number)
    made: Mark = Mark.objects.create(
        **{"student": Student.objects.order_by("pk").first(), "date": day} | fetched | says | given
    )
    return made


def person(model: Any, slug: str, number: int, **given: Any) -> Any:
    """Make a person in the open school; without a given address, a dummy."""
    kind = model._meta.model_name
    address = dummy_address(school=slug, kind=kind, number=number)
    names = {"given_name": f"{slug.title()}{number}", "family_name": kind.title()}
    fields = names | {"email": address, "email_is_dummy": "email" not in given} | given
    return model.objects.create(folded=fold(fields["given_name"], fields["family_name"]), **fields)


def _children(parents: dict[Any, Any]) -> dict[Model, Any]:
    student, staff_member, run = parents[Student], parents[StaffMember], parents[Run]
    school_class = parents[SchoolClass]
    made = [
        Tie.objects.create(guardian=parents[Guardian], student=student),
        Enrolment.objects.create(school_class=school_class, student=student),
        Teaching.objects.create(school_class=school_class, staff_member=staff_member),
        MedicalNote.objects.create(student=student, ref="m1", condition="Asthma"),
        DietaryNeed.objects.create(student=student, ref="d1", need="No nuts"),
        *(
            RoleGrant.objects.create(staff_member=staff_member, role=role.key, granted_at=NIGHT, reason="runs it")
            for role in (SuperUser, AbsenceMonitoring)
        ),
        LocalEdit.objects.create(student=student, field="given_name", value="Sam", replaced="Sample", at=NIGHT),
        AuditEvent.objects.create(at=NIGHT, action="sample.made"),
        Closure.objects.create(first=NIGHT.date(), last=NIGHT.date(), name="Half-term"),
        Letter.objects.create(
            key="sample", address="office@sample.example", subject="s", text="t", written_at=NIGHT, due_at=NIGHT
        ),
        *_attendance(parents),
        RunRequest.objects.create(reason="new pupils", asked_by=_asker(), asked_at=NIGHT, answered_at=NIGHT, run=run),
        Trouble.objects.create(reason="busy", says="later", since=NIGHT, last_at=NIGHT, over_at=NIGHT, run=run),
        MisChange.objects.create(old=parents[Connection], opened_at=NIGHT),
        CharacterReview.objects.create(asked_at=NIGHT),
        Trial.objects.create(kind=Trial.Kind.PREVIEW, asked_at=NIGHT, ended_at=NIGHT, made_with="sample"),
        Change.objects.create(run=run, kind="students", label="Sample", action=Change.Action.ARRIVE),
        Refusal.objects.create(run=run, kind="students", reason="no name"),
        Hold.objects.create(run=run, kind="students", reason="too many would leave", digest="0" * 64),
        Decision.objects.create(digest="0" * 64, case="id reused", kind="students", choice="keep", says="", at=NIGHT),
        MisIdentity.objects.create(
            generation=1, kind="students", external_id="s1", student=student, first_seen_on=NIGHT.date()
        ),
    ]
    return {type(row): row for row in made}


def _attendance(parents: dict[Any, Any]) -> list[Any]:
    student, day = parents[Student], NIGHT.date()
    report = {"reason": AbsenceReport.Reason.ILL, "reported_by": _asker(), "reported_at": NIGHT}
    return [
        MarkChange.objects.create(mark=parents[Mark], at=NIGHT, old_meaning="not taken", new_meaning="absent"),
        Code.objects.create(code="N", said=Meaning.ABSENT, first_seen_at=NIGHT),
        AbsenceReport.objects.create(student=student, guardian=parents[Guardian], first=day, last=day, **report),
        Resolution.objects.create(student=student, date=day, facts="f", reason="rang", by=_asker(), at=NIGHT),
        ParkedMark.objects.create(
            generation=1, student_ref="s9", date=day, session="am", said="absent", fetched_at=NIGHT, run=1
        ),
    ]


def _asker() -> Account:
    """An account that is nobody's person: who asked, reported, settled."""
    return Account.objects.get_or_create(email="asker@people.example", defaults={"activated_at": NIGHT})[0]


def _memberships(school: School, parents: dict[Any, Any]) -> None:
    for model, column in ((Student, "student"), (Guardian, "guardian"), (StaffMember, "staff_member")):
        account = Account.objects.create(email=f"{column}@{school.slug}.example", activated_at=NIGHT)
        Membership.objects.create(account=account, school=school, confirmed_at=NIGHT, **{column: parents[model]})
