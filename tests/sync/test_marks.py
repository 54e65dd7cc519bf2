"""Marks from the MIS: what an attendance run takes in, what waits, and what it never touches (R14–R17)."""

import datetime
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any, ClassVar, Final

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from attendance.models import Mark as Row
from attendance.models import MarkChange
from attendance.operations import codes
from sync.connector import Connector
from sync.errors import Broken, Busy, Refused
from sync.models import Connection, Hold, MisIdentity, ParkedMark, Refusal, Run
from sync.operations import connections, marks, parking, runs
from sync.records import (
    Complete,
    Kind,
    Mark,
    MarkRecord,
    Meaning,
    Remark,
    RosterRecord,
    Session,
    Student,
    UnreadableMark,
)
from tenants import scope
from tenants.models import Closure, School
from tests.sync.contract.stands import SCHOOL, STANDS, Stand
from tests.sync.test_apply import written_by
from users.models import Student as StudentRow
from users.operations import turns

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

TODAY: Final = datetime.date(2026, 9, 15)  # a Tuesday
YESTERDAY: Final = TODAY - datetime.timedelta(days=1)
NAMES: Final = {"s1": "Ann", "s2": "Ben", "s3": "Cyd"}


def at(clock: str, day: datetime.date = TODAY) -> datetime.datetime:
    """An instant of the school's own day, which is one of London's in September."""
    return datetime.datetime.combine(day, datetime.time.fromisoformat(clock), tzinfo=datetime.UTC)


def mark(ref: str, meaning: Meaning, session: Session = Session.AM, **given: Any) -> Mark:
    code = {Meaning.PRESENT: "/", Meaning.ABSENT: "N", Meaning.LATE: "L", Meaning.NOT_TAKEN: ""}.get(meaning, "Q7")
    return Mark(**{"student_ref": ref, "date": TODAY, "session": session, "code": code, "meaning": meaning, **given})


class Registers(Connector):
    """Says what the test wants."""

    key: ClassVar[str] = "registers"
    label: ClassVar[str] = "Registers"
    sessions: ClassVar[frozenset[Session]] = frozenset(Session)
    refs: ClassVar[tuple[str, ...]] = ("s1", "s2")
    says: ClassVar[dict[datetime.date, list[MarkRecord]]] = {}
    fault: ClassVar[Exception | None] = None
    asked: ClassVar[list[datetime.date]] = []

    def roster(self) -> Iterator[RosterRecord]:
        for ref in self.refs:
            yield Student(ref=ref, given_name=NAMES[ref], family_name="Bell", date_of_birth=datetime.date(2015, 1, 2))
        yield Complete(kind=Kind.STUDENTS, rows=len(self.refs))

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        assert not connection.in_atomic_block, "read between two scopes"
        self.asked.append(day)
        yield from self.says.get(day, [])
        if self.fault:
            raise self.fault


@pytest.fixture
def mis(settings: Settings) -> type[Registers]:
    """One more connector in the registry, that says nothing yet."""
    settings.MORE_CONNECTORS = [f"{__name__}.Registers"]
    Registers.refs, Registers.says, Registers.fault, Registers.asked = ("s1", "s2"), {}, None, []
    return Registers


@pytest.fixture
def alder(mis: type[Registers]) -> School:
    """A school whose roster was synced last night."""
    school = School.objects.create(slug="alder", name="Alder School", opened_at=at("00:00", YESTERDAY))
    with scope.school(school.pk):
        connections.connect(school=school, connector="registers", given={})
    sync(school, at("01:30"))
    return school


def sync(school: School, now: datetime.datetime) -> Run:
    """Sync the roster at this moment."""
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=now, enqueue=False)
    return runs.perform(school=school, run=run.pk, clock=lambda: now)


def read(school: School, now: datetime.datetime) -> Run:
    """Read the marks at this moment."""
    with scope.school(school.pk):
        run = runs.request(school=school, kind=Run.Kind.ATTENDANCE, trigger=Run.Trigger.ONE_OFF, at=now, enqueue=False)
    return marks.perform(school=school, run=run.pk, clock=lambda: now)


def held(school: School) -> dict[tuple[str, datetime.date, str], str]:
    """What the marks say, by name, day and session."""
    with scope.school(school.pk):
        rows = Row.objects.select_related("student")
        return {(row.student.given_name, row.date, row.session): row.meaning for row in rows}


def only(school: School) -> Row:
    with scope.school(school.pk):
        found: Row = Row.objects.get()
        return found


def counted(run: Run, *words: str) -> list[int]:
    return [run.counts["attendance"][word] for word in words]


def test_a_run_reads_its_day_and_the_school_day_before(alder: School, mis: type[Registers]) -> None:
    with scope.school(alder.pk):
        Closure.objects.create(first=YESTERDAY, last=YESTERDAY, name="Training day")
    friday = TODAY - datetime.timedelta(days=4)
    mis.says = {
        TODAY: [mark("s1", Meaning.ABSENT), mark("s2", Meaning.PRESENT)],
        friday: [mark("s1", Meaning.LATE, date=friday, minutes_late=7)],
    }
    done = read(alder, at("09:31"))
    assert (done.status, mis.asked) == (Run.Status.OK, [friday, TODAY])
    assert held(alder) == {
        ("Ann", friday, "am"): "late",
        ("Ann", TODAY, "am"): "absent",
        ("Ben", TODAY, "am"): "present",
    }
    assert counted(done, "rows", "new", "changed", "same", "absent", "parked", "refused") == [3, 3, 0, 0, 0, 0, 0]
    assert done.counts["attendance"]["meanings"] == {"late": 1, "absent": 1, "present": 1}


def test_an_absence_that_becomes_a_lateness_is_one_mark_with_its_history(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT)]}
    first = read(alder, at("09:31"))
    mis.says = {TODAY: [mark("s1", Meaning.LATE, minutes_late=25)]}
    second = read(alder, at("14:31"))
    row = only(alder)
    assert (row.code, row.meaning, row.minutes_late, row.run) == ("L", "late", 25, second.pk)
    assert (row.first_fetched_at, row.fetched_at, row.changed_at) == (at("09:31"), at("14:31"), at("14:31"))
    assert counted(second, "changed", "withdrawn") == [1, 1]
    with scope.school(alder.pk):
        change = MarkChange.objects.get()
        assert (change.run, change.at, change.old_code, change.new_code) == (second.pk, at("14:31"), "N", "L")
        assert (change.old_meaning, change.new_meaning) == ("absent", "late")
    assert first.pk != second.pk


def test_the_same_again_moves_the_age_and_nothing_else(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT)]}
    first = read(alder, at("09:31"))
    done = read(alder, at("14:31"))
    row = only(alder)
    assert (row.fetched_at, row.changed_at, row.run) == (at("14:31"), at("09:31"), first.pk)
    assert counted(done, "new", "changed", "same") == [0, 0, 1]
    with scope.school(alder.pk):
        assert not MarkChange.objects.exists()


def test_a_mark_that_does_not_come_again_stays_with_its_age(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT)]}
    read(alder, at("09:31"))
    mis.says = {}
    assert read(alder, at("14:31")).status == Run.Status.OK
    row = only(alder)
    assert (row.meaning, row.fetched_at) == ("absent", at("09:31"))


def test_a_register_not_taken_is_neither_present_nor_absent(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.NOT_TAKEN), mark("s2", Meaning.ABSENT)]}
    read(alder, at("09:31"))
    assert held(alder) == {("Ann", TODAY, "am"): "not taken", ("Ben", TODAY, "am"): "absent"}
    mis.says = {TODAY: [mark("s2", Meaning.NOT_TAKEN)]}
    done = read(alder, at("14:31"))
    assert held(alder)["Ben", TODAY, "am"] == "not taken", "the office took the mark back"
    assert counted(done, "withdrawn") == [1]


def test_a_code_nobody_has_explained_is_kept_as_it_is_until_the_school_explains_it(
    alder: School, mis: type[Registers]
) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.UNKNOWN)]}
    read(alder, at("09:31"))
    row = only(alder)
    assert (row.code, row.said, row.meaning) == ("Q7", "unknown", "unknown")
    with scope.school(alder.pk):
        assert codes.say(code="Q7", meaning="elsewhere", by=None, at=at("10:00")) == 1
    assert only(alder).meaning == "elsewhere"
    read(alder, at("14:31"))
    row = only(alder)
    assert (row.said, row.meaning) == ("unknown", "elsewhere"), "what the school said holds for what comes later"
    with scope.school(alder.pk):
        assert [change.run for change in MarkChange.objects.all()] == [None]
        assert codes.unsay(code="Q7", by=None, at=at("15:00")) == 1
    assert only(alder).meaning == "unknown"


def test_marks_of_somebody_new_wait_for_the_next_roster_and_keep_their_age(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s3", Meaning.ABSENT), mark("s1", Meaning.PRESENT)]}
    done = read(alder, at("09:31"))
    assert (held(alder), counted(done, "parked")) == ({("Ann", TODAY, "am"): "present"}, [1])
    mis.says[TODAY][0] = mark("s3", Meaning.LATE)
    read(alder, at("14:31"))
    with scope.school(alder.pk):
        assert [(one.said, one.fetched_at) for one in ParkedMark.objects.all()] == [("late", at("14:31"))]
    mis.refs = ("s1", "s2", "s3")
    sync(alder, at("18:00"))
    with scope.school(alder.pk):
        row = Row.objects.get(student__given_name="Cyd")
        assert (row.meaning, row.fetched_at) == ("late", at("14:31"))
        assert not ParkedMark.objects.exists()


def test_marks_that_waited_never_write_over_later_ones(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s3", Meaning.ABSENT)]}
    read(alder, at("09:31"))
    mis.refs = ("s1", "s2", "s3")
    with scope.school(alder.pk):
        waiting = ParkedMark.objects.values().get()
    sync(alder, at("11:00"))
    mis.says = {TODAY: [mark("s3", Meaning.PRESENT)]}
    read(alder, at("14:31"))
    with scope.school(alder.pk):
        ParkedMark.objects.create(**waiting)
    sync(alder, at("18:00"))
    assert held(alder) == {("Cyd", TODAY, "am"): "present"}


def test_a_mark_that_nobody_comes_for_is_dropped_in_the_end(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s9", Meaning.ABSENT)]}
    read(alder, at("09:31"))
    sync(alder, at("09:31") + parking.KEPT)
    with scope.school(alder.pk):
        assert ParkedMark.objects.count() == 1
    sync(alder, at("09:32") + parking.KEPT)
    with scope.school(alder.pk):
        assert not ParkedMark.objects.exists()


@pytest.mark.parametrize("doubt", ["left", "held"])
def test_a_mark_never_goes_to_somebody_whose_id_may_be_anothers(
    alder: School, mis: type[Registers], doubt: str
) -> None:
    """A leaver's id that comes again, or one of which a person has yet to say whose it is (R23, R24)."""
    with scope.school(alder.pk):
        if doubt == "left":
            StudentRow.objects.filter(given_name="Ann").update(status="left", left_on=TODAY)
        else:
            run = Run.objects.rosters().latest("id")
            Hold.objects.create(run=run, kind="students", case="id reused", reason="somebody else", refs=["s1"])
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT), mark("s2", Meaning.PRESENT)]}
    done = read(alder, at("09:31"))
    assert (held(alder), counted(done, "parked")) == ({("Ben", TODAY, "am"): "present"}, [1])


def test_departures_that_are_held_keep_nobody_from_their_marks(alder: School, mis: type[Registers]) -> None:
    with scope.school(alder.pk):
        run = Run.objects.rosters().latest("id")
        Hold.objects.create(run=run, kind="students", case="departures", reason="too many", refs=["s1"])
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT)]}
    read(alder, at("09:31"))
    assert held(alder) == {("Ann", TODAY, "am"): "absent"}


def test_what_cannot_be_used_is_refused_with_a_reason_and_the_rest_goes_in(alder: School, mis: type[Registers]) -> None:
    mis.says = {
        TODAY: [
            mark("s1", Meaning.ABSENT),
            mark("s2", Meaning.PRESENT),
            mark("s2", Meaning.ABSENT),
            mark("s2", Meaning.ABSENT, Session.PM, date=YESTERDAY),
            mark("s1", Meaning.PRESENT, Session.PM, code="\x00"),
            UnreadableMark(student_ref="s2", reason="The date cannot be read.", place="row 7"),
            Remark(text="The MIS is offline."),
            mark("s1", Meaning.ABSENT),
        ]
    }
    done = read(alder, at("09:31"))
    assert held(alder) == {("Ann", TODAY, "am"): "absent"}
    assert (done.status, done.remarks) == (Run.Status.OK, ["The MIS is offline."])
    with scope.school(alder.pk):
        assert Counter(Refusal.objects.filter(run=done).values_list("kind", "ref")) == {
            ("attendance", "s2"): 3,
            ("attendance", "s1"): 1,
        }


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"student_ref": " "}, "names no student"),
        ({"student_ref": "s\x002"}, "no text may hold"),
        ({"lesson": "\ud800", "session": Session.LESSON}, "no text may hold"),
        ({"label": "a\x00"}, "no text may hold"),
        ({"code": "N" * 3_000}, "too long"),
        ({"lesson": "9" * 3_000, "session": Session.LESSON}, "too long"),
    ],
)
def test_what_no_table_could_hold_ends_no_run(
    alder: School, mis: type[Registers], odd: dict[str, Any], why: str
) -> None:
    strange = UnreadableMark(student_ref="\x00" * 300, reason="The session cannot be read.")
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT), mark(**{"ref": "s2", "meaning": Meaning.LATE} | odd), strange]}
    done = read(alder, at("09:31"))
    assert (done.status, held(alder)) == (Run.Status.OK, {("Ann", TODAY, "am"): "absent"})
    with scope.school(alder.pk):
        assert Refusal.objects.filter(run=done, reason__contains=why).count() == 1
        assert Refusal.objects.filter(run=done).count() == 2


@pytest.mark.parametrize("other", [Meaning.LATE, Meaning.ABSENT])
def test_two_ids_of_a_student_are_one_mark_if_they_agree_and_none_if_not(
    alder: School, mis: type[Registers], other: Meaning
) -> None:
    with scope.school(alder.pk):
        ann = StudentRow.objects.get(given_name="Ann")
        MisIdentity.objects.create(
            generation=1, kind="students", external_id="s1b", student=ann, first_seen_on=YESTERDAY
        )
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT), mark("s1b", other), mark("s2", Meaning.PRESENT)]}
    done = read(alder, at("09:31"))
    agreed = {("Ann", TODAY, "am"): "absent"} if other is Meaning.ABSENT else {}
    assert held(alder) == {("Ben", TODAY, "am"): "present"} | agreed
    with scope.school(alder.pk):
        refs = set(Refusal.objects.filter(run=done, reason__contains="Two ids").values_list("ref", flat=True))
    assert refs == (set() if agreed else {"s1", "s1b"})
    assert counted(done, "refused") == [len(refs)]


def test_a_day_that_says_nothing_is_told_so(alder: School, mis: type[Registers]) -> None:
    assert read(alder, at("08:00")).remarks == ["No marks of Tuesday 15 September have come yet."]
    mis.says = {TODAY: [mark("s1", Meaning.NOT_TAKEN), mark("s2", Meaning.NOT_TAKEN)]}
    done = read(alder, at("09:31"))
    assert done.remarks == ["No register of Tuesday 15 September was taken yet, so nobody is marked present or absent."]
    mis.says[TODAY][0] = mark("s1", Meaning.PRESENT)
    assert read(alder, at("14:31")).remarks == []


def test_a_mark_belongs_to_the_registers_own_date_whatever_the_hour_says(alder: School, mis: type[Registers]) -> None:
    """At 23:30 UTC it is tomorrow in Kathmandu: a run that begins then reads tomorrow's registers."""
    late = at("23:30")
    School.objects.filter(pk=alder.pk).update(timezone="Asia/Kathmandu")
    alder.refresh_from_db()
    tomorrow = TODAY + datetime.timedelta(days=1)
    mis.says = {tomorrow: [mark("s1", Meaning.ABSENT, date=tomorrow, recorded_at=late)]}
    read(alder, late)
    assert mis.asked == [TODAY, tomorrow]
    row = only(alder)
    assert (row.date, row.recorded_at, row.fetched_at) == (tomorrow, late, late)


def test_the_marks_of_one_school_are_taken_in_one_after_the_other(alder: School, mis: type[Registers]) -> None:
    with scope.school(alder.pk):
        first = runs.request(
            school=alder, kind=Run.Kind.ATTENDANCE, trigger=Run.Trigger.ONE_OFF, at=at("09:30"), enqueue=False
        )
        Run.objects.filter(pk=first.pk).update(status=Run.Status.RUNNING, started_at=at("09:30"), attempts=1)
    with pytest.raises(runs.AnotherRunIsOn):
        read(alder, at("09:31"))
    assert mis.asked == []


def test_on_a_day_without_school_no_marks_are_expected(alder: School, mis: type[Registers]) -> None:
    with scope.school(alder.pk):
        Closure.objects.create(first=TODAY, last=TODAY, name="Half-term")
    done = read(alder, at("09:31"))
    assert (done.status, mis.asked) == (Run.Status.OK, [YESTERDAY])
    assert done.remarks == ["No marks are expected on this day: Half-term."]


@pytest.mark.parametrize(
    ("fault", "kind"), [(Busy("later"), "busy"), (Broken("odd"), "broken"), (RuntimeError("Ann Bell"), "broken")]
)
def test_a_run_that_breaks_off_takes_nothing_in_and_the_next_repairs(
    alder: School, mis: type[Registers], fault: Exception, kind: str
) -> None:
    mis.says, mis.fault = {TODAY: [mark("s1", Meaning.ABSENT)]}, fault
    done = read(alder, at("09:31"))
    assert (done.status, done.error_kind, held(alder)) == (Run.Status.FAILED, kind, {})
    assert "Ann" not in done.error
    mis.fault = None
    read(alder, at("09:45"))
    assert held(alder) == {("Ann", TODAY, "am"): "absent"}


def test_who_keeps_the_marks_from_us_does_not_stop_the_nights(alder: School, mis: type[Registers]) -> None:
    mis.fault = Refused("The scope attendance.read is missing.")
    done = read(alder, at("09:31"))
    assert (done.status, done.error_kind) == (Run.Status.FAILED, "refused")
    with scope.school(alder.pk):
        assert Connection.objects.get().paused_reason == ""
    assert sync(alder, at("18:00")).status == Run.Status.OK


def test_marks_change_no_person(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT), mark("s9", Meaning.ABSENT)]}
    written = written_by(lambda: read(alder, at("09:31")))
    assert {table for table in written if table.startswith("users_")} == set()
    assert {"attendance_mark", "attendance_code", "sync_parkedmark"} <= written.keys()


def test_a_night_that_is_on_keeps_no_marks_waiting(alder: School, mis: type[Registers]) -> None:
    """Not while it runs, nor while it is held (R17)."""
    with scope.school(alder.pk):
        night = runs.request(school=alder, trigger=Run.Trigger.ONE_OFF, at=at("09:00"), enqueue=False)
        Run.objects.filter(pk=night.pk).update(status=Run.Status.RUNNING, started_at=at("09:00"), attempts=1)
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT)]}
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s, %s)", [turns.ROSTER, alder.pk])
    try:
        assert read(alder, at("09:31")).status == Run.Status.OK
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s, %s)", [turns.ROSTER, alder.pk])
    assert held(alder) == {("Ann", TODAY, "am"): "absent"}


def test_a_school_whose_mis_has_no_marks_is_told_so(alder: School, mis: type[Registers]) -> None:
    mis.sessions = frozenset()
    try:
        with scope.school(alder.pk), pytest.raises(runs.NotShared, match="cannot be read"):
            runs.request(school=alder, kind=Run.Kind.ATTENDANCE, trigger=Run.Trigger.ONE_OFF, at=at("09:31"))
    finally:
        mis.sessions = frozenset(Session)


@pytest.mark.parametrize("stand", [one for one in STANDS if one.connector.sessions], ids=lambda one: one.key)
def test_every_connectors_marks_come_in_as_they_were_read(stand: Stand) -> None:
    """From the simulator over HTTP, or from files, through the real pipeline; twice, to the same rows."""
    day = SCHOOL.at(1).date
    now = datetime.datetime.combine(day, datetime.time(14, 31), tzinfo=datetime.UTC)
    school = School.objects.create(slug="oak", name="Oak School", weekdays=[1, 2, 3, 4, 5, 6, 7])
    with stand.serve(SCHOOL, frozenset()) as served:
        with scope.school(school.pk):
            connections.connect(school=school, connector=stand.key, given=served.settings)
        assert sync(school, now - datetime.timedelta(hours=12)).status == Run.Status.OK
        first, again = read(school, now), read(school, now + datetime.timedelta(minutes=5))
        with scope.school(school.pk):
            link = connections.active()
        with connections.reader(link) as connector:
            said = [one for one in connector.attendance(day) if isinstance(one, Mark)]
    assert (first.status, again.status) == (Run.Status.OK, Run.Status.OK), first.error
    with scope.school(school.pk):
        ids = MisIdentity.objects.filter(kind="students").values_list("external_id", "student_id")
        of = dict(ids)
        rows = Row.objects.filter(date=day).values_list("student_id", "session", "lesson", "code", "meaning")
        assert Counter(rows) == Counter(
            (of[one.student_ref], one.session.value, one.lesson, one.code, one.meaning.value) for one in said
        )
        assert not ParkedMark.objects.exists()
        assert not MarkChange.objects.exists()
    assert counted(again, "new", "changed") == [0, 0]
    assert len({one.student_ref for one in said}) > 20


# What can be wrong with registers alone; what is wrong with all that a partner answers is tried in the contract.
FAULTS: Final = {
    "managebac": "no-add-on no-labels bad-marks class-only unauthorised forbidden html",
    "isams": """
        rest-no-right rest-no-right-200 rest-no-right-401 rest-expired rest-no-token rest-once rest-paged rest-page-lost
        rest-bare rest-untyped rest-lessons rest-yesterday rest-no-periods rest-no-government-codes rest-unknown-code
        rest-doubled rest-disagreeing rest-no-single rest-two-registers rest-foreseen rest-nobody html
    """,
    "wonde": """
        no-attendance no-codes attendance-codes-unknown lost-code null-codes own-codes untyped-codes bad-mark
        nobodys-mark duplicate-across-pages offline revoked-later unauthorised forbidden html
    """,
}


@pytest.mark.parametrize("stand", [one for one in STANDS if one.key in FAULTS], ids=lambda stand: stand.key)
def test_whatever_is_wrong_with_registers_ends_in_a_named_state_and_the_next_good_run_repairs(stand: Stand) -> None:
    day = SCHOOL.at(1).date
    school = School.objects.create(slug="oak", name="Oak School", weekdays=[1, 2, 3, 4, 5, 6, 7])

    def look(fault: str, hour: int) -> tuple[Run, dict[Any, str]]:
        with stand.serve(SCHOOL, frozenset(filter(None, [fault]))) as served:
            with scope.school(school.pk):
                connections.connect(school=school, connector=stand.key, given=served.settings)
            now = datetime.datetime.combine(day, datetime.time(8), tzinfo=datetime.UTC)
            now += datetime.timedelta(minutes=hour)
            if not hour:
                sync(school, now - datetime.timedelta(hours=6))
            done = read(school, now)
        with scope.school(school.pk):
            assert Connection.objects.get().paused_reason == ""
            rows = Row.objects.values_list("student_id", "date", "session", "lesson", "meaning")
            return done, {tuple(key): meaning for *key, meaning in rows}

    first, truth = look("", 0)
    assert (first.status, len(truth) > 20) == (Run.Status.OK, True)
    for number, fault in enumerate(FAULTS[stand.key].split(), start=1):
        done, marks_now = look(fault, 2 * number - 1)
        ended = (done.status, done.error_kind, bool(done.error))
        failed = {(Run.Status.FAILED, kind, True) for kind in ("refused", "busy", "broken", "doubtful")}
        assert ended in {(Run.Status.OK, "", False)} | failed, fault
        assert marks_now.keys() >= truth.keys(), fault  # nothing is taken away
        again, repaired = look("", 2 * number)
        assert again.status == Run.Status.OK, fault
        assert truth.items() <= repaired.items(), fault


def test_the_command_reads_marks_now(alder: School, mis: type[Registers]) -> None:
    mis.says = {TODAY: [mark("s1", Meaning.ABSENT), mark("s9", Meaning.LATE)]}
    out = StringIO()
    with time_machine.travel(at("09:31")):
        call_command("sync_school", "alder", "--kind", "attendance", stdout=out)
        said = out.getvalue().split()
        assert {"finished", "new,", "parked,"} <= set(said)
        assert " ".join(said).endswith("meanings 1 absent")
        with pytest.raises(CommandError, match="plan-only"):
            call_command("sync_school", "alder", "--kind", "attendance", "--plan-only", stdout=out)
    assert held(alder) == {("Ann", TODAY, "am"): "absent"}
