"""What happened to one person: the sync's changes, corrections, and the audit lines, in one list, newest first."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from sync.models import Decision, Hold, MisIdentity, Refusal, Run
from sync.queries import histories
from tenants import scope
from tenants.models import AuditEvent, School
from tests.factories import people, runs
from users.directory import Feed
from users.models import LocalEdit, Student

NIGHT = datetime.datetime(2026, 11, 23, 1, 0, tzinfo=datetime.UTC)


@pytest.fixture
def zoe(northgate: School) -> Iterator[Student]:
    """A student whom the MIS calls 7."""
    with scope.school(northgate.pk):
        student = people.student("Zoë Muñoz")
        MisIdentity.objects.create(
            generation=1, kind="students", external_id="7", student=student, first_seen_on=NIGHT.date()
        )
        yield student


def told(student: Student, page: int = 1) -> list[tuple[str, str, str]]:
    return [(str(e.sentence), e.by, e.why) for e in histories.history(student, page=page).object_list]


def hours(number: int) -> datetime.datetime:
    return NIGHT + datetime.timedelta(hours=number)


def test_everything_that_happened_newest_first(zoe: Student):
    rhea = people.account("rhea@northgate-school.example")
    run = runs.run(at=NIGHT)
    common: dict[str, Any] = {"person_id": zoe.pk, "ref": "7"}
    runs.change(run, zoe.name, "amend", field="family_name", old="Munoz", new="MuÃ±oz", why="R66", **common)
    runs.change(run, zoe.name, kind="ties", new="Mei Li (Mother)", person_id=zoe.pk)
    runs.change(run, "Somebody Else", person_id=zoe.pk, kind="guardians")
    runs.change(run, zoe.name, "amend", kind="medical", field="details", old="SECRET", new="SECRET", person_id=zoe.pk)
    LocalEdit.objects.create(
        student=zoe, field="family_name", value="Muñoz", replaced="MuÃ±oz", by=rhea, at=hours(5), reason="she said so"
    )
    tie = people.tie(people.guardian("Mei Li"), zoe)
    for hour, action, subject in (
        (5, "person.corrected", f"student:{zoe.pk}"),
        (6, "tie.blocked", f"tie:{tie.pk}"),
        (7, "medical.read", f"student:{zoe.pk}"),
        (8, "support.opened", "grant:1"),
        (9, "odd.new_action", f"student:{zoe.pk}"),
    ):
        AuditEvent.objects.create(
            at=hours(hour), action=action, subject=subject, actor_id=rhea.pk if hour < 9 else None
        )
    assert told(zoe) == [
        ("Odd: new action.", "SchoolsBuddy", ""),
        ("Medical information opened.", rhea.email, ""),
        ("Tie blocked for safety.", rhea.email, ""),
        ("Surname corrected from MuÃ±oz to Muñoz.", rhea.email, "she said so"),
        ("A medical note of Zoë Muñoz changed.", "Sync of 23 November 2026", ""),
        ("Mei Li (Mother) became a contact of Zoë Muñoz.", "Sync of 23 November 2026", ""),
        ("Zoë Muñoz’s surname changed from Munoz to MuÃ±oz.", "Sync of 23 November 2026", "R66"),
    ]


def test_an_edit_that_ended_says_why_and_correcting_twice_keeps_both_lines(zoe: Student):
    LocalEdit.objects.create(
        student=zoe, field="given_name", value="", at=hours(2), closed_at=hours(3), closed_why="The MIS says Zoe."
    )
    AuditEvent.objects.create(at=hours(1), action="person.corrected", subject=f"student:{zoe.pk}", reason="given_name")
    assert told(zoe) == [
        ("First name corrected to nothing.", "", "No longer stands: The MIS says Zoe."),
        ("Corrected by hand.", "SchoolsBuddy", "given_name"),
    ]


def test_it_says_who_approved(zoe: Student):
    rhea = people.account("rhea@northgate-school.example")
    before = runs.run(ago=1, status="partial")
    for digest, refs in (("d1", ["7"]), ("d2", ["8"])):
        Hold.objects.create(run=before, kind="students", digest=digest, refs=refs, reason="may be the same")
    run = runs.run()
    runs.change(run, zoe.name, "amend", field="year", new="8", person_id=zoe.pk, ref="7")
    for digest in ("d1", "d2"):
        Decision.objects.create(
            digest=digest,
            case="new id",
            kind="students",
            choice="same",
            says=f"Same ({digest})",
            by=rhea,
            at=NIGHT,
            run=run,
        )
    ((_, _, why),) = told(zoe)
    assert why == f"Approved by {rhea.email}: Same (d1)"


def test_it_pages_in_a_constant_number_of_queries(zoe: Student, django_assert_num_queries: Any):
    run = runs.run(at=NIGHT)
    runs.change(run, zoe.name, person_id=zoe.pk, ref="7")
    with django_assert_num_queries(5):  # ties, count, page, changes, approvals
        assert len(told(zoe)) == 1
    for number in range(29):
        runs.change(run, zoe.name, "amend", field=f"field_{number}", person_id=zoe.pk, ref="7")
    with django_assert_num_queries(5):
        assert len(told(zoe)) == 25
    assert len(told(zoe, page=2)) == 5


def test_nothing_has_happened_yet(zoe: Student):
    assert told(zoe) == []


def test_ids_newest_first_and_what_the_last_run_could_not_take(zoe: Student):
    MisIdentity.objects.create(generation=2, kind="students", external_id="9", student=zoe, first_seen_on=NIGHT.date())
    known = histories.identities(zoe)
    assert [identity.external_id for identity in known] == ["9", "7"]
    assert histories.feed_about(zoe, known) == Feed()
    old, last = runs.run(ago=1), runs.run()
    refuse(old, "7")
    assert histories.feed_about(zoe, known) == Feed()
    refuse(last, "7", fault="shared")
    refuse(last, "8")
    assert histories.feed_about(zoe, known) == Feed()
    refuse(last, "7", fault="address of many people")
    assert histories.feed_about(zoe, known) == Feed(mailbox=True)
    refuse(last, "7")
    Hold.objects.create(run=last, kind="students", refs=["1", "9"], reason="waits")
    assert histories.feed_about(zoe, known) == Feed(malformed=True, mailbox=True, held=True)
    assert histories.feed_about(zoe, ()) == Feed()


def refuse(run: Run, ref: str, fault: str = "email") -> None:
    Refusal.objects.create(run=run, kind="students", ref=ref, fault=fault, field="email", reason="malformed")
