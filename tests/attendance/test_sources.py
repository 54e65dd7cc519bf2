"""Three sources side by side: what they come to, and that none writes over another (R15, R16, R81)."""

import dataclasses
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.models import AWAY, AbsenceReport, Meaning, Session
from attendance.sources import Day, Part, Said, Told, Verdict, day_of, facts_of

AT = datetime.datetime(2026, 11, 24, 9, 31, tzinfo=datetime.UTC)
CODES = {"absent": "N", "present": "/", "late": "L", "unknown": "Q7", "not taken": ""}


def said(meaning: str, session: str = "am", **fields: object) -> Said:
    return Said(**{"session": session, "meaning": meaning, "code": CODES.get(meaning, "?"), "fetched_at": AT} | fields)  # type: ignore[arg-type]


def told(part: str = "day", report: int = 1) -> Told:
    return Told(report=report, part=part)


def verdict(*sources: Said | Told) -> Verdict:
    return of(*sources).verdict


def of(*sources: Said | Told) -> Day:
    return day_of([one for one in sources if isinstance(one, Said)], [one for one in sources if isinstance(one, Told)])


@pytest.mark.parametrize(
    ("meaning", "alone", "reported"),
    [
        ("absent", Verdict.UNREPORTED, Verdict.REPORTED),
        ("excused", Verdict.EXCUSED, Verdict.REPORTED),
        ("not expected", Verdict.CLEAR, Verdict.REPORTED),
        ("present", Verdict.CLEAR, Verdict.CONTRADICTION),
        ("elsewhere", Verdict.CLEAR, Verdict.CONTRADICTION),
        ("late", Verdict.LATE, Verdict.RETURNED),
        ("unknown", Verdict.UNKNOWN, Verdict.UNKNOWN),
        ("not taken", Verdict.NOT_TAKEN, Verdict.AWAITED),
        ("unconfirmed", Verdict.NOT_TAKEN, Verdict.AWAITED),
    ],
)
def test_each_meaning_alone_and_beside_a_report(meaning: str, alone: Verdict, reported: Verdict) -> None:
    for session in ("am", "pm", "day", "lesson"):
        assert verdict(said(meaning, session)) is alone
        assert verdict(said(meaning, session), told()) is reported


def test_every_meaning_there_is_has_a_verdict_and_words() -> None:
    for meaning in Meaning.values:
        assert isinstance(verdict(said(meaning)), Verdict)
        assert said(meaning).words


def test_nothing_said_is_nothing_known_and_a_report_without_a_register_is_awaited() -> None:
    assert verdict() is Verdict.NOTHING
    assert verdict(told()) is Verdict.AWAITED
    assert verdict(told("afternoon")) is Verdict.AWAITED


def test_a_report_of_one_half_says_nothing_about_the_other() -> None:
    assert verdict(said("absent"), told("afternoon")) is Verdict.UNREPORTED
    assert verdict(said("present"), told("afternoon")) is Verdict.AWAITED
    assert verdict(said("present", "pm"), told("morning")) is Verdict.AWAITED
    assert verdict(said("present", "pm"), told("afternoon")) is Verdict.CONTRADICTION


def test_who_comes_back_at_noon_has_come_back() -> None:
    assert verdict(said("absent"), said("present", "pm")) is Verdict.RETURNED
    assert verdict(said("absent"), said("late", "pm"), told()) is Verdict.RETURNED
    assert verdict(said("absent"), said("not taken", "pm")) is Verdict.UNREPORTED
    assert verdict(said("present"), said("absent", "pm")) is Verdict.UNREPORTED


def test_an_absence_that_is_known_beats_an_afternoon_that_is_awaited() -> None:
    assert verdict(said("absent"), told()) is Verdict.REPORTED
    assert verdict(said("absent"), said("not taken", "pm"), told()) is Verdict.REPORTED


def test_lessons_are_a_part_of_their_own() -> None:
    missed = said("absent", "lesson", lesson="2")
    assert verdict(said("present", "lesson", lesson="1"), missed) is Verdict.UNREPORTED
    # Nobody tells us in which half a lesson lies: the report of a half excuses it, and contradicts no other.
    assert verdict(said("present", "lesson", lesson="1"), missed, told("morning")) is Verdict.REPORTED
    assert verdict(said("present", "lesson", lesson="1"), told()) is Verdict.CONTRADICTION
    assert verdict(said("absent"), said("present", "pm"), missed) is Verdict.UNREPORTED


def test_words_are_those_of_a_register() -> None:
    assert said("absent").words == "absent from school"
    assert said("absent").source == "AM mark"
    assert said("late", minutes_late=12).words == "late, 12 minutes"
    assert said("late").words == "late"
    assert said("unknown").words == "code “Q7”: nobody has said what it means"
    assert said("unknown", label="On loan").words == "code “Q7” (On loan): nobody has said what it means"
    assert told("morning").words == "reported away by a guardian: the morning"
    assert Told(report=1, part="day", by_guardian=False).words == "reported away by the school: the whole day"


def test_urgency_is_an_order_and_every_verdict_has_a_label() -> None:
    assert [one for one in Verdict if one.needs_a_look] == [
        *(Verdict.UNREPORTED, Verdict.CONTRADICTION, Verdict.UNKNOWN, Verdict.RETURNED),
    ]
    assert len({one.label for one in Verdict}) == len(Verdict)
    assert not of(said("present")).says_something
    assert of(said("not taken")).says_something


# Laws.

marks = st.builds(
    Said,
    session=st.sampled_from(Session.values),
    meaning=st.sampled_from(Meaning.values),
    code=st.sampled_from(["", "/", "N", "Q7"]),
    lesson=st.sampled_from(["", "1", "2"]),
    minutes_late=st.none() | st.integers(0, 60),
    fetched_at=st.datetimes(timezones=st.just(datetime.UTC)),
)
reports = st.builds(Told, report=st.integers(1, 9), part=st.sampled_from(AbsenceReport.Part.values))
days = st.tuples(st.lists(marks, max_size=5), st.lists(reports, max_size=3, unique_by=lambda one: one.report))


@given(days, st.randoms())
def test_order_never_matters(day: tuple[list[Said], list[Told]], dice: object) -> None:
    one = day_of(*day)
    mixed = [list(side) for side in day]
    for side in mixed:
        dice.shuffle(side)  # type: ignore[attr-defined] # a random.Random
    other = day_of(*mixed)  # type: ignore[arg-type] # two lists
    assert (one.verdict, one.facts) == (other.verdict, other.facts)
    assert [part.verdict for part in one.parts] == [part.verdict for part in other.parts]


@given(days)
def test_no_source_writes_over_another(day: tuple[list[Said], list[Told]]) -> None:
    said_, told_ = day
    found = day_of(said_, told_)
    assert sorted(map(repr, found.marks)) == sorted(map(repr, said_))
    assert sorted(map(repr, found.reports)) == sorted(map(repr, told_))
    assert {mark for part in found.parts for mark in part.marks} == set(said_)


@given(days)
def test_nobody_is_called_unreported_whom_a_report_of_the_whole_day_covers(day: tuple[list[Said], list[Told]]) -> None:
    marks_, reports_ = day
    assert day_of(marks_, [*reports_, told(report=99)]).verdict is not Verdict.UNREPORTED


@given(days)
def test_an_absence_nobody_told_us_of_is_never_hidden(day: tuple[list[Said], list[Told]]) -> None:
    """Whatever else is said: away in a part that no report covers comes first, unless they were seen since."""
    found = day_of(*day)
    untold = [part for part in found.parts if not part.reports and any(mark.meaning == "absent" for mark in part.marks)]
    if untold:
        seen_since = any(mark.is_seen for part in found.parts for mark in part.marks if part.part is Part.AFTERNOON)
        assert found.verdict is Verdict.UNREPORTED or (seen_since and found.verdict.needs_a_look)


@given(days)
def test_a_contradiction_needs_both_to_speak(day: tuple[list[Said], list[Told]]) -> None:
    marks_, reports_ = day
    assert day_of(marks_, []).verdict not in {Verdict.CONTRADICTION, Verdict.REPORTED, Verdict.AWAITED}
    assert day_of([], reports_).verdict in {Verdict.AWAITED, Verdict.NOTHING}


@given(days, st.datetimes(timezones=st.just(datetime.UTC)))
def test_the_age_of_a_mark_is_no_fact(day: tuple[list[Said], list[Told]], at: datetime.datetime) -> None:
    marks_, reports_ = day
    again = [dataclasses.replace(mark, fetched_at=at) for mark in marks_]
    assert facts_of(marks_, reports_) == facts_of(again, reports_)


@given(days, marks, reports)
def test_whatever_is_said_besides_is_another_fact(day: tuple[list[Said], list[Told]], mark: Said, report: Told) -> None:
    marks_, reports_ = day
    assert facts_of([*marks_, mark], reports_) != facts_of(marks_, reports_)
    assert facts_of(marks_, [*reports_, report]) != facts_of(marks_, reports_)
    other = "absent" if mark.meaning != "absent" else "present"
    assert facts_of([mark], []) != facts_of([dataclasses.replace(mark, meaning=other)], [])


@given(days)
def test_a_verdict_of_the_day_is_one_of_a_part_or_the_return(day: tuple[list[Said], list[Told]]) -> None:
    found = day_of(*day)
    assert found.verdict in {Verdict.RETURNED, *(part.verdict for part in found.parts)}
    assert [part.part for part in found.parts] == list(Part)
    assert all(mark.is_away == (mark.meaning in AWAY) for mark in found.marks)
