"""One letter for each reason and not for each run: who is told of what, when, and that its end is told as well."""

import datetime
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from messaging.models import Letter
from sync.models import Connection, MisChange, Run, Trouble
from sync.operations import runs, troubles
from sync.operations.ends import end
from sync.queries import troubles as answers
from sync.signals import run_ended
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import holds, people
from tests.factories import runs as made

pytestmark = pytest.mark.django_db

RHEA: Final = "rhea@northgate-school.example"
OURS: Final = "help@schoolsbuddy.example"
MONDAY: Final = datetime.datetime(2026, 11, 9, 1, 30, tzinfo=datetime.UTC)
HOUR: Final = datetime.timedelta(hours=1)
DAY: Final = datetime.timedelta(days=1)


class Days:
    """A school whose runs end as the test says, each of them heard at once."""

    def __init__(self, school: School) -> None:
        self.school = school

    def ends(self, how: str, at: datetime.datetime, *, hear: bool = True, **fields: Any) -> Run:
        """End a run: “ok”, “held”, “partial”, or “failed” for the reason that is named."""
        status = how if how in Run.Status.values else "failed"
        error = {} if status != "failed" else {"error_kind": how, "error": f"It is {how}."}
        slot = fields.pop("slot", "night")
        trigger = fields.pop("trigger", "retry" if slot else "one_off")
        run = made.run(status="running", at=at, slot=slot, trigger=trigger, **fields)
        if status in {"held", "partial"} and "error" not in fields:
            holds.hold(run, "new id", reason=f"{fields.get('reason', 'Somebody')} waits.")
        end(run, Run.Status(status), at, **error)
        if hear:
            troubles.hear(school=self.school, at=at)
        return run

    def letters(self) -> list[tuple[str, str]]:
        """Everything that was written, as (news, address), the earliest first."""
        rows = Letter.objects.order_by("id").values_list("key", "address")
        return [(key.split(":")[2], address) for key, address in rows]


@pytest.fixture
def days(northgate: School, rhea: Person, alice: Person, settings: Settings) -> Any:
    """Northgate, connected, with Rhea who runs it, Alice who does not, and an address of ours."""
    settings.SUPPORT_EMAIL = OURS
    for person in (rhea, alice):
        person.account.activate(MONDAY)
        person.account.save()
    with scope.school(northgate.pk):
        made.connection()
        yield Days(northgate)


# Who is told, and when.


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("refused", [RHEA, OURS]),
        ("doubtful", [RHEA]),
        ("held", [RHEA]),
        ("partial", [RHEA]),
        ("busy", []),
        ("broken", [OURS]),
        ("slow", [OURS]),
        ("internal", [OURS]),
        ("something new", [OURS]),
        ("ok", []),
        ("cancelled", []),
    ],
)
def test_whose_turn_it_is_is_told_at_once_and_once(days: Days, reason: str, told: list[str]) -> None:
    for night in range(3):
        days.ends(reason, MONDAY + night * HOUR)
    assert days.letters() == [("began", address) for address in told]


def test_a_letter_says_what_since_when_and_what_to_do_and_where(days: Days) -> None:
    days.ends("refused", MONDAY)
    theirs, ours = Letter.objects.order_by("id")
    assert theirs.subject == "Northgate School: your MIS no longer lets us in"
    for part in ("01:30 today", "people and classes", "It is refused.", "What to do: Look in your MIS"):
        assert part in theirs.text
    assert "/s/northgate/reception/connection/" in theirs.text
    assert "/admin/sync/run/" in ours.text
    assert theirs.account_id
    assert ours.account_id is None


def test_a_busy_night_that_is_healed_by_trying_again_writes_nobody(days: Days) -> None:
    for tried in range(3):
        days.ends("busy", MONDAY + tried * HOUR / 4)
    assert [trouble.times for trouble in answers.open_here()] == [3]
    days.ends("ok", MONDAY + HOUR)
    assert (days.letters(), answers.open_here()) == ([], [])


def test_busy_in_two_slots_is_told_and_so_is_its_end(days: Days) -> None:
    days.ends("busy", MONDAY, kind="attendance", slot="morning")
    days.ends("busy", MONDAY + 5 * HOUR, kind="attendance", slot="afternoon")
    days.ends("ok", MONDAY + DAY, kind="attendance", slot="morning")
    assert days.letters() == [("began", RHEA), ("began", OURS), ("over", RHEA), ("over", OURS)]
    assert "attendance marks" in Letter.objects.earliest("id").text


def test_busy_for_a_day_is_told_though_nothing_else_ends(days: Days) -> None:
    days.ends("busy", MONDAY)
    troubles._tell_what_lasts(days.school, MONDAY + DAY - HOUR)
    assert days.letters() == []
    troubles._tell_what_lasts(days.school, MONDAY + DAY)
    assert days.letters() == [("began", RHEA), ("began", OURS)]


def test_without_anybody_at_the_school_we_are_told(days: Days, rhea: Person) -> None:
    rhea.account.activated_at = None
    rhea.account.save()
    days.ends("doubtful", MONDAY)
    days.ends("ok", MONDAY + HOUR)
    assert days.letters() == [("began", OURS), ("over", OURS)]


@pytest.mark.parametrize("how", ["left", "revoked", "unconfirmed", "refused"])
def test_who_runs_the_school_no_more_is_not_told(days: Days, rhea: Person, how: str) -> None:
    assert rhea.staff_member
    membership = rhea.account.memberships.get()
    if how == "left":
        rhea.staff_member.status = "left"
        rhea.staff_member.save()
    elif how == "revoked":
        rhea.staff_member.role_grants.update(revoked_at=MONDAY)
    elif how == "unconfirmed":
        membership.confirmed_at = None
    else:
        membership.confirmed_at, membership.refused_at = None, MONDAY
    membership.save()
    days.ends("doubtful", MONDAY)
    assert days.letters() == [("began", OURS)]


def test_without_an_address_of_ours_nobody_of_ours_is_told_and_the_log_says_so_once(
    days: Days, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SUPPORT_EMAIL = ""
    troubles._say_that_nobody_is_told.cache_clear()
    with caplog.at_level(logging.WARNING):
        days.ends("broken", MONDAY)
        days.ends("internal", MONDAY)
    assert days.letters() == []
    assert caplog.text.count("SUPPORT_EMAIL is no address") == 1


# Whose runs count.


def test_suspended_schools_and_those_that_change_their_mis_get_no_letter(days: Days) -> None:
    days.school.status = School.Status.SUSPENDED
    days.ends("refused", MONDAY)
    days.school.status = School.Status.ACTIVE
    change = MisChange.objects.create(old=Connection.objects.get(), opened_at=MONDAY)
    days.ends("refused", MONDAY + HOUR)
    troubles._tell_what_lasts(days.school, MONDAY + 2 * DAY)
    assert (answers.open_here(), days.letters()) == ([], [])
    change.state = MisChange.State.CANCELLED
    change.save()
    days.ends("refused", MONDAY + 2 * HOUR)
    assert len(days.letters()) == 2


@pytest.mark.parametrize(
    "fields", [{"trigger": "undo"}, {"generation": 2}, {"trigger": "mis_change"}, {"only": "students:1"}]
)
def test_what_says_nothing_about_reading_the_mis_is_no_trouble(days: Days, fields: dict[str, Any]) -> None:
    days.ends("refused", MONDAY, slot="", **fields)
    assert answers.open_here() == []


def test_an_undo_ends_no_trouble(days: Days) -> None:
    days.ends("refused", MONDAY)
    days.ends("ok", MONDAY + HOUR, slot="", trigger="undo")
    assert [trouble.reason for trouble in answers.open_here()] == ["refused"]


def test_one_person_who_is_read_ends_no_trouble_of_the_school(days: Days) -> None:
    days.ends("partial", MONDAY)
    days.ends("ok", MONDAY + HOUR, slot="", only="students:1")
    assert [trouble.reason for trouble in answers.open_here()] == ["held"]


def test_a_roster_that_is_read_ends_no_trouble_of_the_marks(days: Days) -> None:
    days.ends("broken", MONDAY, kind="attendance", slot="morning")
    days.ends("ok", MONDAY + HOUR)
    assert [trouble.kind for trouble in answers.open_here()] == ["attendance"]
    assert answers.open_here(kind="roster") == []


# What is held.


def test_more_that_waits_is_told_once_a_day(days: Days) -> None:
    days.ends("partial", MONDAY, reason="Ian")
    days.ends("partial", MONDAY + HOUR, reason="Mei")
    assert days.letters() == [("began", RHEA)]
    days.ends("partial", MONDAY + DAY, reason="Ada")
    days.ends("partial", MONDAY + DAY + HOUR, reason="Bea")
    assert days.letters() == [("began", RHEA), ("more", RHEA)]
    for day in (2, 3):
        days.ends("partial", MONDAY + day * DAY, reason="Bea")
    assert days.letters()[2:] == [("more", RHEA)], "Bea came behind the letter of her day; then nobody came"
    days.ends("ok", MONDAY + 4 * DAY)
    assert days.letters()[3:] == [("over", RHEA)]


def test_what_is_decided_waits_for_nobody(days: Days) -> None:
    run = days.ends("partial", MONDAY)
    holds.decision(run.holds.get(), "keep")
    days.ends("partial", MONDAY + DAY)
    assert (days.letters(), answers.open_here()) == ([("began", RHEA), ("over", RHEA)], [])


def test_a_first_sync_that_waits_leads_to_its_page(days: Days) -> None:
    days.ends("held", MONDAY, error="Your MIS has changed since the preview.", slot="", trigger="first")
    assert "/reception/joining/" in Letter.objects.get().text


# Flapping.


def test_what_fails_and_works_and_fails_again_within_a_day_writes_no_flood(days: Days) -> None:
    for turn in range(12):
        days.ends("broken", MONDAY + 2 * turn * HOUR, slot="")
        days.ends("ok", MONDAY + (2 * turn + 1) * HOUR, slot="")
    assert days.letters() == [("began", OURS), ("over", OURS)]
    days.ends("broken", MONDAY + 26 * HOUR, slot="")
    assert days.letters()[2:] == [("began", OURS)], "a day after the last letter it may be told again"


def test_what_comes_back_and_stays_is_told_though_it_was_told_lately(days: Days) -> None:
    days.ends("internal", MONDAY)
    days.ends("ok", MONDAY + HOUR, slot="")
    days.ends("internal", MONDAY + 8 * HOUR, kind="roster", slot="")
    assert len(days.letters()) == 2
    troubles._tell_what_lasts(days.school, MONDAY + 32 * HOUR)
    assert days.letters()[2:] == [("began", OURS)]


def test_a_second_refusal_is_told_at_once_because_a_person_believes_to_have_mended_it(days: Days) -> None:
    for hour in range(0, 4, 2):
        days.ends("refused", MONDAY + hour * HOUR)
        days.ends("ok", MONDAY + (hour + 1) * HOUR)
    assert Counter(days.letters()) == {(news, who): 2 for news in ("began", "over") for who in (RHEA, OURS)}


EVENTS: Final = st.lists(
    st.tuples(
        st.integers(10, 30 * 60),  # minutes since the one before
        st.sampled_from(["ok", "held", "partial", "refused", "busy", "slow", "broken", "internal", "doubtful"]),
        st.sampled_from([("roster", "night"), ("roster", ""), ("attendance", "morning"), ("attendance", "afternoon")]),
        st.booleans(),  # whether the message arrives
    ),
    max_size=25,
)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS)
def test_every_told_beginning_has_one_end_and_no_trouble_more_than_two_letters_each(
    days: Days, events: list[tuple[int, str, tuple[str, str], bool]]
) -> None:
    with transaction.atomic():
        _live_through(days, events)
        for trouble in Trouble.objects.all():
            written = Letter.objects.filter(key__startswith=f"trouble:{trouble.pk}:")
            began = Counter(written.filter(key__endswith=":began").values_list("address", flat=True))
            over = Counter(written.filter(key__endswith=":over").values_list("address", flat=True))
            assert trouble.over_at
            assert began == over
            assert set(began.values()) <= {1}
            assert bool(began) == (trouble.told_at is not None)
            more = [letter for letter in written if ":more:" in letter.key]
            assert len(more) <= max((trouble.over_at - trouble.since).days + 1, 0)
        _no_flood(days.school)
        event(f"{Letter.objects.count() // 4 * 4} letters or some more")
        transaction.set_rollback(True)


def _live_through(days: Days, events: list[tuple[int, str, tuple[str, str], bool]]) -> None:
    """Let runs end one after the other, some unheard until the next round, and all be well at last."""
    at = MONDAY
    for minutes, how, (kind, slot), arrives in events:
        at += datetime.timedelta(minutes=minutes)
        days.ends(how, at, hear=arrives, kind=kind, slot=slot)
        if arrives:
            troubles._tell_what_lasts(days.school, at)
    for kind in ("roster", "attendance"):
        days.ends("ok", at + HOUR, kind=kind, slot="")
    assert not Run.objects.filter(unheard=True).exists()


def _no_flood(school: School) -> None:
    """Nobody is told twice a day that the same has begun, unless a person had mended it or it has lasted."""
    told = Trouble.objects.exclude(told_at=None).exclude(reason="refused")
    begun: Counter[tuple[Any, ...]] = Counter()
    for trouble in told:
        first = Letter.objects.get(key=f"trouble:{trouble.pk}:began", address__in=_someone(trouble))
        begun[trouble.kind, trouble.reason, school.local(first.written_at).date()] += 1
    assert max(begun.values(), default=0) <= 2


def _someone(trouble: Trouble) -> list[str]:
    """Whoever is always among those who are told."""
    return [RHEA] if answers.words(trouble).turn else [OURS]


# How it comes to be heard.


def test_the_end_of_a_run_is_told_on_commit_and_noted_for_whoever_misses_it(
    days: Days, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    told: list[dict[str, Any]] = []

    def listen(**said: Any) -> None:
        told.append(said)

    run_ended.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        run = days.ends("broken", MONDAY, hear=False)
        assert told == []
    run_ended.disconnect(listen)
    assert [(said["school"], said["run"]) for said in told] == [(days.school.pk, run.pk)]
    run.refresh_from_db()
    assert run.unheard


def test_hearing_twice_does_nothing(days: Days) -> None:
    days.ends("broken", MONDAY, hear=False)
    assert troubles.hear(school=days.school, at=MONDAY) == 1
    assert troubles.hear(school=days.school, at=MONDAY) == 0
    assert [trouble.times for trouble in answers.open_here()] == [1]


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_round_hears_what_was_not_heard_and_no_school_waits_for_another(
    northgate: School, himal: School, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SUPPORT_EMAIL = OURS
    for school in (northgate, himal):
        with scope.school(school.pk):
            made.connection()
            Days(school).ends("broken", MONDAY, hear=False)
    quiet = people.school("quiet", "Quiet School")
    assert [school.pk for school in answers.to_go_round(at=MONDAY)] == [northgate.pk, himal.pk]
    settings.SITE_URL = None  # whatever goes wrong …
    assert troubles.go_round(at=MONDAY) == 2
    settings.SITE_URL = "https://schoolsbuddy.example"
    assert troubles.go_round(at=MONDAY) == 2  # … is looked at again
    assert troubles.go_round(at=MONDAY) == 0
    assert {trouble.school for trouble in answers.open_everywhere()} == {northgate, himal}
    assert quiet.pk not in {school.pk for school in answers.to_go_round(at=MONDAY + 9 * DAY)}


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_run_whose_worker_was_lost_is_heard_of(northgate: School) -> None:
    with scope.school(northgate.pk):
        run = made.run(status="running", at=MONDAY, attempts=runs.MOST_ATTEMPTS)
    assert runs.release_stuck(at=MONDAY + 2 * HOUR) == 1
    with scope.school(northgate.pk):
        run.refresh_from_db()
        assert (run.status, run.error_kind, run.unheard) == (Run.Status.FAILED, "internal", True)
