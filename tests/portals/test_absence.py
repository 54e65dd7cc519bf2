"""The monitors' pages: every source shown, settled with a reason, nobody there who may not be (R4, R15, R16, R81)."""

import csv
import datetime
import io
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from attendance.models import AbsenceReport, Resolution
from sync.models import Run
from tenants import scope
from tenants.models import AuditEvent, Closure, School
from tests.conftest import Person
from tests.factories import attendance, people, runs
from tests.portals.conftest import EVERY_REQUEST
from users.models import Student, Tie

LIST = "/s/northgate/staff/absence/"
TUESDAY = datetime.date(2026, 11, 24)
MONDAY = datetime.date(2026, 11, 23)
FETCHED = datetime.datetime(2026, 11, 24, 9, 31, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """A Tuesday in November, a quarter to ten in London."""
    with time_machine.travel(datetime.datetime(2026, 11, 24, 9, 45, tzinfo=datetime.UTC), tick=False):
        yield


def page(client: Client, path: str = LIST, **query: str) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def post(client: Client, path: str, **data: str) -> str:
    response = client.post(path, data, follow=True)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


# Who may.


@pytest.mark.parametrize("path", ["", "file/", "call/", "call/{pk}/", "{pk}/settle/", "{pk}/reopen/"])
def test_a_teacher_is_told_which_right_is_missing(alice: Person, ana: Student, path: str) -> None:
    response = alice.client.get(LIST + path.format(pk=ana.pk))
    assert response.status_code == 403
    assert "absences" in response.content.decode()


def test_a_super_user_looks_and_settles_nothing(rhea: Person, northgate: School, ana: Student, marked: Run) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent", at=FETCHED)
        made = attendance.report(ana)
    text = page(rhea.client, show="all")
    assert "Ana Reyes" in text
    for button in ("Settle", "A call came in", "Withdraw"):
        assert button not in text
    for path in ("call/", f"call/{ana.pk}/", f"{ana.pk}/settle/", f"{ana.pk}/reopen/", f"reports/{made.pk}/withdraw/"):
        assert rhea.client.get(LIST + path).status_code == 403
        assert rhea.client.post(LIST + path).status_code in {403, 405}
    with scope.school(northgate.pk):
        assert not Resolution.objects.exists()


def test_the_way_to_it_is_shown_to_who_may(alice: Person, mona: Person) -> None:
    assert LIST not in page(alice.client, "/s/northgate/staff/")
    assert LIST in page(mona.client, "/s/northgate/staff/")


def test_another_schools_students_and_reports_are_404(mona: Person, himal: School, gita: Student) -> None:
    with scope.school(himal.pk):
        attendance.mark(gita, "absent")
        made = attendance.report(gita)
    assert "Gita" not in page(mona.client, show="all")
    for path in (f"call/{gita.pk}/", f"{gita.pk}/settle/", f"{gita.pk}/reopen/", f"reports/{made.pk}/withdraw/"):
        assert mona.client.get(LIST + path).status_code == 404
        assert mona.client.post(LIST + path, {"reason": "x"}).status_code == 404


# The list.


def test_all_sources_stand_side_by_side_with_their_age(
    mona: Person, bob: Person, northgate: School, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "present", at=FETCHED)
        attendance.report(ana, bob.guardian, note="Sore throat")
    text = page(mona.client)
    assert "present (AM mark, fetched 09:31)" in text
    assert "reported away by a guardian: the whole day" in text
    assert "Bob Reyes" in text
    assert "Sore throat" in text
    assert "Reported absent, but at school" in text


def test_an_unknown_code_is_shown_raw_and_a_register_not_taken_is_neither(
    mona: Person, northgate: School, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "unknown", code="<Q7>", at=FETCHED)
        attendance.mark(people.student("Kofi Mensah"), "not taken", at=FETCHED)
    assert "code “&lt;Q7&gt;”: nobody has said what it means (AM mark" in page(mona.client)
    text = page(mona.client, show="not-taken")
    assert "register not taken yet (AM mark, fetched 09:31)" in text
    assert "Kofi Mensah" in text
    assert "Ana Reyes" not in text
    assert "Kofi Mensah" not in page(mona.client)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    mona: Person, northgate: School, marked: Run, number: int, django_assert_num_queries: Any
) -> None:
    with scope.school(northgate.pk):
        for place in range(number):
            student = people.student(f"Child Number{place}")
            attendance.mark(student, "absent")
            attendance.report(student, people.guardian(f"Adult {place}"))
            attendance.settled(student, TUESDAY)
            attendance.corrected(attendance.mark(student, "absent", date=MONDAY), "present")
    page(mona.client, "/account/")  # the first request of a session notes the session
    # standing, roles, closures, list of four, corrections, counts, and four about the feed
    with django_assert_num_queries(EVERY_REQUEST + 13):
        assert page(mona.client, show="all").count('<h3><a class="link"') == number


def test_days_lead_back_and_forth_over_what_is_no_school(
    mona: Person, northgate: School, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        Closure.objects.create(first=MONDAY, last=MONDAY, name="Training day")
        attendance.mark(ana, "absent", date=datetime.date(2026, 11, 20))
    assert "?day=2026-11-20" in page(mona.client)
    friday = page(mona.client, day="2026-11-20")
    assert "Ana Reyes" in friday
    assert "?day=2026-11-24" in friday
    closed = page(mona.client, day="2026-11-23")
    assert closed.count("No marks expected: Training day") == 2


@pytest.mark.parametrize("day", ["nonsense", "0001-01-01", "9999-12-31", "2024-01-01"])
def test_a_day_that_makes_no_sense_is_today(mona: Person, day: str) -> None:
    assert "Tuesday 24 November 2026, today" in page(mona.client, day=day, show="nonsense", page="x")


def test_not_shared_is_never_none(mona: Person, northgate: School, ana: Student) -> None:
    assert "Attendance marks are not shared by your MIS" in page(mona.client)  # nothing is connected
    with scope.school(northgate.pk):
        link = runs.connection()
        link.connector = "gg4l"  # GG4L has no attendance
        link.save()
    assert "Attendance marks are not shared by your MIS" in page(mona.client)
    with scope.school(northgate.pk):
        link.connector = "csv_files"
        link.save()
    assert "No marks have been fetched yet" in page(mona.client)


def test_an_empty_list_says_what_it_does_not_say(mona: Person, marked: Run) -> None:
    text = page(mona.client)
    assert "Nothing to look into" in text
    assert "neither present nor absent" in text
    assert "Nobody on this list" in page(mona.client, show="late")


def test_corrections_of_yesterday_are_told(mona: Person, northgate: School, ana: Student, marked: Run) -> None:
    with scope.school(northgate.pk):
        attendance.corrected(attendance.mark(ana, "absent", date=MONDAY), "present", at=FETCHED)
    text = page(mona.client)
    assert "morning of Monday 23 November: <del>present (/)</del> <ins>absent (N)</ins>" in text


def test_names_and_words_are_text_never_markup(mona: Person, northgate: School, bob: Person, marked: Run) -> None:
    with scope.school(northgate.pk):
        evil = people.student('<script>alert(1)</script> "><img src=x>')
        attendance.mark(evil, "absent")
        attendance.report(evil, bob.guardian, note="<b>note</b>")
        attendance.settled(evil, TUESDAY, reason="<i>reason</i>")
    paths = (LIST, f"{LIST}{evil.pk}/settle/", f"{LIST}{evil.pk}/reopen/", f"{LIST}call/", f"{LIST}call/{evil.pk}/")
    for path in paths:
        text = page(mona.client, path, show="all", q="script")
        for markup in ("<script>alert", "<img src=x", "<b>note", "<i>reason"):
            assert markup not in text, (path, markup)


# The file.


def test_the_file_is_the_list_and_nothing_in_it_is_a_formula(
    mona: Person, northgate: School, ana: Student, bob: Person
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent", at=FETCHED)
        attendance.report(ana, bob.guardian)
        attendance.settled(ana, TUESDAY, reason="=cmd|' /C calc'!A0")
        attendance.mark(people.student("@Late One"), "late")
    response = mona.client.get(f"{LIST}file/", {"show": "all"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert response["Content-Disposition"] == 'attachment; filename="absences-2026-11-24.csv"'
    assert rows[1] == [
        *("2026-11-24", "Ana Reyes", "4", "4B", "away, and reported", "absent from school (AM mark)"),
        *("the whole day, ill, by Bob Reyes", "yes", "'=cmd|' /C calc'!A0"),
    ]
    assert rows[2][1] == "'@Late One"
    with scope.school(northgate.pk):
        event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.reason) == ("absence.downloaded", "absences:2026-11-24", "2 rows")


# Settling.


def test_settled_with_a_reason_and_opened_again(mona: Person, northgate: School, ana: Student, marked: Run) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent", at=FETCHED)
    path = f"{LIST}{ana.pk}/settle/"
    shown = mona.client.get(path)
    facts = shown.context["row"].day.facts
    assert "absent from school (AM mark, fetched 09:31)" in shown.content.decode()
    assert "Ana Reyes: settled." in post(mona.client, path, facts=facts, reason="At the dentist.")
    assert "Ana Reyes" not in page(mona.client)
    text = page(mona.client, show="settled")
    assert "At the dentist." in text
    assert "mona@northgate-school.example" in text
    assert "“At the dentist.” is taken back" in page(mona.client, f"{LIST}{ana.pk}/reopen/")
    assert "Ana Reyes: open again." in post(mona.client, f"{LIST}{ana.pk}/reopen/")
    assert "Ana Reyes" in page(mona.client)
    assert "was not settled" in post(mona.client, f"{LIST}{ana.pk}/reopen/")


def test_what_moved_meanwhile_is_shown_and_not_settled(
    mona: Person, northgate: School, ana: Student, marked: Run
) -> None:
    path = f"{LIST}{ana.pk}/settle/"
    with scope.school(northgate.pk):
        mark = attendance.mark(ana, "absent")
    facts = mona.client.get(path).context["row"].day.facts
    with scope.school(northgate.pk):
        mark.meaning, mark.code = "late", "L"
        mark.save()
    response = mona.client.post(path, {"facts": facts, "reason": "Rang them."})
    assert "Something else is said of this day by now" in response.content.decode()
    now = response.context["row"].day.facts
    assert f'name="facts" value="{now}"' in response.content.decode()
    assert "settled." in post(mona.client, path, facts=now, reason="Rang them.")


def test_a_day_settled_once_says_so_when_something_else_is_said(
    mona: Person, northgate: School, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent")
        attendance.settled(ana, TUESDAY)
        attendance.mark(ana, "absent", "pm")
    assert "something else is said since" in page(mona.client)


@pytest.mark.parametrize("data", [{}, {"reason": ""}, {"reason": "x" * 301}, {"reason": "\x00"}, {"reason": "ok"}])
def test_a_form_that_makes_no_sense_settles_nothing(
    mona: Person, northgate: School, ana: Student, data: dict[str, str]
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent")
    assert mona.client.post(f"{LIST}{ana.pk}/settle/", data).status_code == 200
    with scope.school(northgate.pk):
        assert not Resolution.objects.exists()


# A call.


def test_a_call_is_noted_for_whoever_rang(mona: Person, bob: Person, northgate: School, ana: Student) -> None:
    assert f"{LIST}call/{ana.pk}/" in page(mona.client, f"{LIST}call/", q="reyes")
    assert "No student of this name" in page(mona.client, f"{LIST}call/", q="nobody")
    path = f"{LIST}call/{ana.pk}/"
    assert "Bob Reyes" in page(mona.client, path)
    who = str(bob.guardian.pk)  # type: ignore[union-attr] # Bob is a guardian
    said = {"first": "2026-11-24", "part": "morning", "reason": "appointment"}
    assert "reported absent" in post(mona.client, path, guardian=who, **said)
    assert "That is reported already" in post(mona.client, path, guardian=who, **said)
    assert "reported absent" in post(mona.client, path, guardian="", **said)
    with scope.school(northgate.pk):
        of = [(made.guardian, made.part, made.reported_by) for made in AbsenceReport.objects.order_by("id")]
    assert of == [(bob.guardian, "morning", mona.account), (None, "morning", mona.account)]


def test_many_students_of_a_name_ask_for_more_of_it(mona: Person, northgate: School) -> None:
    with scope.school(northgate.pk):
        for place in range(21):
            people.student(f"Child {place}")
    assert "Write more of it" in page(mona.client, f"{LIST}call/", q="child")


def test_only_contacts_in_force_can_be_named(mona: Person, bob: Person, northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        Tie.objects.update(restricted=True)
        stranger = people.guardian("Somebody Elses")
    said = {"first": "2026-11-24", "part": "day", "reason": "ill"}
    for who in (str(bob.guardian.pk), str(stranger.pk)):  # type: ignore[union-attr] # Bob is a guardian
        assert "Select a valid choice" in post(
            mona.client,
            f"{LIST}call/{ana.pk}/",
            guardian=who,
            **said,
        )
    with scope.school(northgate.pk):
        assert not AbsenceReport.objects.exists()


def test_a_report_is_withdrawn_for_whoever_made_it(mona: Person, bob: Person, northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        made = attendance.report(ana, bob.guardian)
        old = attendance.report(ana, bob.guardian, first=datetime.date(2026, 11, 2))
    path = f"{LIST}reports/{made.pk}/withdraw/"
    assert "Bob Reyes: the whole day, ill." in page(mona.client, path)
    assert "the report was withdrawn" in post(mona.client, path)
    assert "These days are over" in post(mona.client, f"{LIST}reports/{old.pk}/withdraw/")
    with scope.school(northgate.pk):
        made.refresh_from_db()
        assert made.withdrawn_by == mona.account
