"""Every change reads as a plain sentence."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from sync import sentences


def said(tense: sentences.Tense, **fields: Any) -> str:
    blank = {"kind": "students", "label": "Ana Reyes", "action": "arrive", "field": "", "old": "", "new": ""}
    return str(sentences.say(SimpleNamespace(**blank | fields), tense))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"new": "Year 4, form 4B"}, "Ana Reyes was added: Year 4, form 4B."),
        ({}, "Ana Reyes was added."),
        ({"kind": "classes", "label": "7B"}, "Class 7B was added."),
        (
            {"action": "amend", "field": "email", "old": "a@x", "new": "b@x"},
            "Ana Reyes’s e-mail changed from a@x to b@x.",
        ),
        ({"action": "amend", "field": "form", "new": "4B"}, "Ana Reyes’s form was set to 4B."),
        ({"action": "amend", "field": "form", "old": "4B"}, "Ana Reyes’s form was removed; it was 4B."),
        ({"action": "amend"}, "Ana Reyes’s record changed."),
        (
            {"action": "miss", "new": "2026-11-20"},
            "Ana Reyes is missing from the MIS since 20 November 2026. Nothing was taken away yet.",
        ),
        ({"action": "miss"}, "Ana Reyes is missing from the MIS. Nothing was taken away yet."),
        ({"action": "leave", "new": "2026-11-20"}, "Ana Reyes left on 20 November 2026."),
        ({"action": "leave", "kind": "classes", "label": "7B"}, "Class 7B ended."),
        ({"action": "leave", "new": "soon"}, "Ana Reyes left on soon."),
        ({"action": "rejoin"}, "Ana Reyes came back; everything was kept."),
        (
            {"action": "rekey", "old": "100", "new": "2100"},
            "Ana Reyes’s MIS reference changed from 100 to 2100; everything was kept.",
        ),
        (
            {"action": "rekey", "new": "650"},
            "Ana Reyes was known here before the MIS, which now has them as 650.",
        ),
        ({"action": "end"}, "Ana Reyes ended."),
        (
            {"action": "release", "field": "family_name", "old": "Reyés", "new": "Reyes"},
            "Your correction of Ana Reyes’s surname was replaced by your MIS: Reyés → Reyes.",
        ),
        (
            {"action": "release", "field": "family_name", "old": "Reyes", "new": "Reyes"},
            "Your MIS now says what you corrected: Ana Reyes’s surname.",
        ),
        (
            {"action": "release", "field": "email", "old": "a@x"},
            "Your correction of Ana Reyes’s e-mail ended; it was a@x.",
        ),
        ({"kind": "ties", "new": "Tom Reyes"}, "Tom Reyes became a contact of Ana Reyes."),
        ({"kind": "ties", "action": "end", "old": "Tom Reyes"}, "Tom Reyes is no longer a contact of Ana Reyes."),
        ({"kind": "enrolments", "new": "7B"}, "Ana Reyes joined 7B."),
        ({"kind": "enrolments", "action": "end", "old": "7B"}, "Ana Reyes is no longer in 7B."),
        ({"kind": "teaching", "label": "7B", "new": "Jo Hart"}, "Jo Hart now teaches 7B."),
        ({"kind": "teaching", "label": "7B", "action": "end", "old": "Jo Hart"}, "Jo Hart no longer teaches 7B."),
        ({"kind": "medical", "new": "Asthma"}, "A medical note of Ana Reyes was added."),
        ({"kind": "dietary", "action": "end", "old": "Nuts"}, "A dietary need of Ana Reyes was removed."),
        (
            {"kind": "medical", "action": "amend", "old": "Asthma", "new": "None"},
            "A medical note of Ana Reyes changed.",
        ),
    ],
)
def test_say(fields: dict[str, str], sentence: str):
    assert said("done", **fields) == sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"new": "Year 4, form 4B"}, "Ana Reyes would be added: Year 4, form 4B."),
        (
            {"action": "amend", "field": "email", "old": "a@x", "new": "b@x"},
            "Ana Reyes’s e-mail would change from a@x to b@x.",
        ),
        ({"action": "amend", "field": "form", "new": "4B"}, "Ana Reyes’s form would be set to 4B."),
        ({"action": "amend", "field": "form", "old": "4B"}, "Ana Reyes’s form would be removed; it is 4B."),
        ({"action": "amend"}, "Ana Reyes’s record would change."),
        (
            {"action": "miss", "new": "2026-11-20"},
            "Ana Reyes would be missing from the MIS since 20 November 2026. Nothing would be taken away yet.",
        ),
        ({"action": "leave", "new": "2026-11-20"}, "Ana Reyes would leave on 20 November 2026."),
        ({"action": "leave", "kind": "classes", "label": "7B"}, "Class 7B would end."),
        ({"action": "rejoin"}, "Ana Reyes would come back; everything would be kept."),
        (
            {"action": "rekey", "old": "100", "new": "2100"},
            "Ana Reyes’s MIS reference would change from 100 to 2100; everything would be kept.",
        ),
        (
            {"action": "rekey", "new": "650"},
            "Ana Reyes is known here already, and would stay the same person as the MIS’s 650.",
        ),
        ({"action": "end"}, "Ana Reyes would end."),
        (
            {"action": "release", "field": "family_name", "old": "Reyés", "new": "Reyes"},
            "Your correction of Ana Reyes’s surname would be replaced by your MIS: Reyés → Reyes.",
        ),
        (
            {"action": "release", "field": "family_name", "old": "Reyes", "new": "Reyes"},
            "Your correction of Ana Reyes’s surname would end, as your MIS now says the same.",
        ),
        (
            {"action": "release", "field": "email", "old": "a@x"},
            "Your correction of Ana Reyes’s e-mail would end; it is a@x.",
        ),
        ({"kind": "ties", "new": "Tom Reyes"}, "Tom Reyes would become a contact of Ana Reyes."),
        (
            {"kind": "ties", "action": "end", "old": "Tom Reyes"},
            "Tom Reyes would no longer be a contact of Ana Reyes.",
        ),
        ({"kind": "enrolments", "new": "7B"}, "Ana Reyes would join 7B."),
        ({"kind": "enrolments", "action": "end", "old": "7B"}, "Ana Reyes would no longer be in 7B."),
        ({"kind": "teaching", "label": "7B", "new": "Jo Hart"}, "Jo Hart would teach 7B."),
        ({"kind": "teaching", "label": "7B", "action": "end", "old": "Jo Hart"}, "Jo Hart would no longer teach 7B."),
        ({"kind": "medical", "new": "Asthma"}, "A medical note of Ana Reyes would be added."),
        ({"kind": "dietary", "action": "end", "old": "Nuts"}, "A dietary need of Ana Reyes would be removed."),
        ({"kind": "medical", "action": "amend", "new": "None"}, "A medical note of Ana Reyes would change."),
    ],
)
def test_what_a_plan_would_do_is_not_told_as_done(fields: dict[str, str], sentence: str):
    assert said("would", **fields) == sentence


NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime.datetime(2026, 11, 23, 2, 14, tzinfo=datetime.UTC), "02:14 today"),
        (datetime.datetime(2026, 11, 22, 23, 59, tzinfo=datetime.UTC), "23:59 yesterday"),
        (datetime.datetime(2026, 11, 2, 2, 0, tzinfo=datetime.UTC), "02:00 on 2 November"),
        (datetime.datetime(2025, 12, 31, 2, 0, tzinfo=datetime.UTC), "02:00 on 31 December 2025"),
    ],
)
def test_moment(at: datetime.datetime, words: str):
    assert sentences.moment(at, NOW) == words
    assert sentences.freshness(source="SIMS via Wonde", at=at, now=NOW) == f"From SIMS via Wonde, {words}"


def test_never_synced():
    assert sentences.freshness(source="SIMS", at=None, now=NOW) == "Never synced yet"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "under 1 s"), (53, "53 s"), (60, "1 min 0 s"), (125.4, "2 min 5 s")]
)
def test_duration(seconds: float, words: str):
    assert sentences.duration(datetime.timedelta(seconds=seconds)) == words


def test_a_quiet_night():
    quiet: dict[str, Any] = {"added": 0, "updated": 0, "gone": 0, "held": 0, "error": ""}
    assert sentences.night(status="ok", when="02:14 today", **quiet) == (
        "The sync finished at 02:14 today.",
        "Nothing had changed in your MIS.",
    )
    assert sentences.night(status="partial", when="x", **quiet | {"held": 2})[1] == (
        "Nothing changed; 2 held for a person to decide."
    )
    assert sentences.night(status="failed", when="x", **quiet)[1] == "Nothing was changed."


@pytest.mark.parametrize(("number", "words"), [(1, "1 student"), (1204, "1,204 students")])
def test_counted(number: int, words: str):
    assert sentences.counted(number, "students") == words


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "amend", "field": "form", "old": "8C", "new": "7B"}, "Ana Reyes’s form goes back from 8C to 7B."),
        ({"action": "amend", "field": "form", "new": "7B"}, "Ana Reyes’s form is set to 7B again."),
        ({"action": "amend", "field": "form", "old": "8C"}, "Ana Reyes’s form is empty again; it is 8C now."),
        ({"action": "amend"}, "Ana Reyes’s record goes back to what it was."),
        ({"action": "leave", "new": "2026-11-20"}, "Ana Reyes leaves again; nothing is deleted."),
        ({"action": "leave", "kind": "classes", "label": "7B"}, "Class 7B ends again; nothing is deleted."),
        (
            {"action": "miss", "new": "2026-11-20"},
            "Ana Reyes counts as missing again, since 20 November 2026.",
        ),
        ({"action": "rejoin"}, "Ana Reyes is here again, with everything kept."),
        ({"kind": "ties", "new": "Bo Reyes"}, "Bo Reyes is a contact of Ana Reyes again."),
        ({"kind": "ties", "action": "end", "old": "Bo Reyes"}, "Bo Reyes is no longer a contact of Ana Reyes."),
        ({"kind": "teaching", "label": "7B", "new": "Ruth Vale"}, "Ruth Vale teaches 7B again."),
        ({"kind": "teaching", "label": "7B", "action": "end", "old": "Ruth Vale"}, "Ruth Vale no longer teaches 7B."),
        ({"kind": "enrolments", "new": "7B"}, "Ana Reyes is in 7B again."),
        ({"kind": "enrolments", "action": "end", "old": "7B"}, "Ana Reyes is no longer in 7B."),
    ],
)
def test_what_an_undo_would_do_reads_as_a_sentence(fields: dict[str, str], sentence: str):
    blank = {"kind": "students", "label": "Ana Reyes", "action": "arrive", "field": "", "old": "", "new": ""}
    assert str(sentences.put_back(SimpleNamespace(**blank | fields))) == sentence
