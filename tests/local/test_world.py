"""The demo world: deterministic, the right size, free of contradictions, and alive at the right pace."""

import collections
import datetime
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from local.world import cast
from local.world.build import crowd, world
from local.world.cast import abroad
from local.world.families import NOT_ADDRESSES
from local.world.model import (
    NIGHTS,
    Alters,
    Arrives,
    Contradiction,
    GuardianTruth,
    Leaves,
    Night,
    NoSuchNight,
    NoSuchSchool,
    SchoolWorld,
    StudentTruth,
    Truth,
    following,
)

ROOT = Path(__file__).resolve().parents[2]
WORLD = world()
NORTHGATE, HIMAL = WORLD.school("northgate"), WORLD.school("himal")
TAMARIND, HERON_FORK, KAREEDAL = (WORLD.school(slug) for slug in ("tamarind", "heronfork", "kareedal"))
# The first birthday of anybody in the first year, where the school year does not begin at four in September.
FIRST_BIRTHDAYS = {HERON_FORK.slug: datetime.date(2020, 9, 1), KAREEDAL.slug: datetime.date(2020, 1, 1)}
PICTURES = [(school, school.at(night)) for school in WORLD.schools for night in NIGHTS]
FINGERPRINT = """
import hashlib, pathlib, sys, tempfile
from local.renderings.csv_files import write
from local.world.build import world
digest = hashlib.sha256()
with tempfile.TemporaryDirectory() as folder:
    for school in world().schools:
        for night in range(1, 6):
            for path in write(school.at(night), pathlib.Path(folder)):
                digest.update(path.read_bytes())
print(digest.hexdigest())
"""

pictures = pytest.mark.parametrize(
    ("school", "night"), PICTURES, ids=[f"{school.slug}-{night.number}" for school, night in PICTURES]
)
schools = pytest.mark.parametrize("school", WORLD.schools, ids=[school.slug for school in WORLD.schools])


def fingerprint(hash_seed: str) -> str:
    """Return a hash of everything that is rendered in a fresh process whose sets are ordered by `hash_seed`."""
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINT],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def changed_share(before: dict[str, Truth], after: dict[str, Truth]) -> float:
    """Return the share of records that came, went or differ, in percent."""
    touched = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return 100 * len(touched) / len(before)


# --- determinism ---


def test_every_process_renders_the_same_bytes() -> None:
    first = fingerprint("1")
    assert len(first.strip()) == hashlib.sha256().digest_size * 2
    assert fingerprint("2") == first


def test_another_seed_is_another_world_with_the_same_cast() -> None:
    other = world(7).school("northgate").at(1)
    mine = NORTHGATE.at(1)
    assert other.students.keys() == mine.students.keys()
    assert other.students["crowd-child-0001"] != mine.students["crowd-child-0001"]
    assert other.students[cast.ANN_BELL] == mine.students[cast.ANN_BELL]


def test_the_world_is_made_in_under_a_second() -> None:
    start = time.process_time()
    world()
    assert time.process_time() - start < 1


# --- shape ---


def test_the_schools_are_set_up_as_the_story_needs() -> None:
    assert (NORTHGATE.timezone, NORTHGATE.currency, NORTHGATE.mis_product, NORTHGATE.mis_partner) == (
        "Europe/London",
        "GBP",
        "SIMS",
        "Wonde",
    )
    assert NORTHGATE.domains == ("northgate-school.example", "northgate-sixth.example")
    assert NORTHGATE.year_labels[0] == "Reception"
    assert NORTHGATE.year_labels[-1] == "Year 13"
    assert not NORTHGATE.block_own_domains_for_guardians
    assert NORTHGATE.faults == {4: "half", 5: "empty"}
    assert (HIMAL.timezone, HIMAL.currency, HIMAL.mis_product, HIMAL.mis_partner) == (
        "Asia/Kathmandu",
        "NPR",
        "ManageBac",
        "",
    )
    assert HIMAL.domains == ("himal.example",)
    assert HIMAL.block_own_domains_for_guardians
    assert (NORTHGATE.am_slot, HIMAL.am_slot) == (datetime.time(9, 30), datetime.time(10, 30))


def test_five_schools_are_on_five_systems_in_five_zones_and_currencies() -> None:
    assert {(school.mis_product, school.mis_partner) for school in WORLD.schools} == {
        ("SIMS", "Wonde"),
        ("ManageBac", ""),
        ("iSAMS", ""),
        ("PowerSchool", "GG4L"),
        ("CSV files", ""),
    }
    for told in ("slug", "timezone", "currency", "country", "hue", "domains"):
        assert len({getattr(school, told) for school in WORLD.schools}) == 5, told
    assert TAMARIND.school_days == (7, 1, 2, 3, 4), "Sunday to Thursday"


@schools
def test_years_and_super_users_exist(school: SchoolWorld) -> None:
    assert set(school.primary_years) | set(school.student_access_years) <= set(school.year_labels)
    assert school.super_user in school.at(1).staff
    assert school.super_user in school.at(5).staff


def test_the_schools_have_the_sizes_of_real_ones() -> None:
    big, small = NORTHGATE.at(1), HIMAL.at(1)
    assert len(big.students) == 1200
    assert len(big.staff) == 140
    assert 1500 < len(big.guardians) < 2400
    assert len(small.students) == 400
    assert all(120 <= len(school.at(1).students) <= 260 for school in (TAMARIND, HERON_FORK, KAREEDAL))
    for night in (big, small):
        noted = {note.student for note in night.medical.values()}
        fed = {need.student for need in night.dietary.values()}
        assert 0.09 < len(noted) / len(night.students) < 0.15
        assert 0.12 < len(fed) / len(night.students) < 0.18


def test_families_have_the_shapes_of_real_ones() -> None:
    night = NORTHGATE.at(1)
    adults = collections.Counter(tie.student for tie in night.ties.values())
    children = collections.Counter(tie.guardian for tie in night.ties.values())
    assert set(adults.values()) == {1, 2, 3, 4}
    assert set(children.values()) == {1, 2, 3, 4}
    homes = {child: {night.guardians[tie.guardian].household for tie in night.ties_of(child)} for child in adults}
    assert 0.1 < sum(len(found) > 1 for found in homes.values()) / len(homes) < 0.35
    assert any(tie.restricted for tie in night.ties.values())


def test_some_addresses_are_missing_wrong_or_an_office() -> None:
    emails = collections.Counter(one.email for one in NORTHGATE.at(1).guardians.values())
    assert 40 < emails[""] < 100
    assert emails["n/a"] > 0
    assert sum(emails[text] for text in NOT_ADDRESSES) >= 10
    assert emails["office@northgate-school.example"] >= 20
    assert "" in {one.email for one in NORTHGATE.at(1).staff.values()}


def test_some_staff_are_parents_under_one_address_and_some_under_two() -> None:
    for school in WORLD.schools:
        night = school.at(1)
        both = [key for key in night.staff if key in night.guardians]
        same = [key for key in both if night.staff[key].email == night.guardians[key].email]
        assert 0 < len(same) < len(both)


@pictures
def test_nothing_contradicts_itself(school: SchoolWorld, night: Night) -> None:
    for shelf in (night.students, night.guardians, night.staff, night.classes):
        refs = [one.ref for one in shelf.values()]
        assert len(refs) == len(set(refs))
    assert all(tie.student in night.students and tie.guardian in night.guardians for tie in night.ties.values())
    assert set(night.guardians) == {tie.guardian for tie in night.ties.values()}
    assert set(night.students) == {tie.student for tie in night.ties.values()}
    assert all(one.class_key in night.classes and one.student in night.students for one in night.enrolments.values())
    assert all(one.class_key in night.classes and one.staff in night.staff for one in night.teaching.values())
    assert all(student in night.students for student, _ in (*night.medical, *night.dietary))
    forms = {one.key: one.year for one in night.classes.values() if not one.subject}
    assert all(forms[one.form] == one.year for one in night.students.values())
    assert night.number in NIGHTS
    assert school.at(night.number) == night


@pictures
def test_everybody_present_sits_in_their_form(school: SchoolWorld, night: Night) -> None:
    assert school.slug
    seated = set(night.enrolments)
    for one in night.students.values():
        assert ((one.form, one.key) in seated) == (one.left_on is None)


@pictures
def test_children_are_as_old_as_their_year(school: SchoolWorld, night: Night) -> None:
    for one in night.students.values():
        number = school.year_labels.index(one.year)
        first = FIRST_BIRTHDAYS.get(school.slug, datetime.date(2021, 9, 1))
        start, end = (first.replace(year=first.year - number + more) for more in (0, 1))
        assert start <= one.date_of_birth < end, one


@pictures
def test_addresses_and_telephones_are_fiction(school: SchoolWorld, night: Night) -> None:
    for one in (*night.students.values(), *night.guardians.values(), *night.staff.values()):
        address = one.email.lower()
        assert address in {text.lower() for text in NOT_ADDRESSES} or not address or address.endswith(".example"), one
    phones = [one.phone for one in night.guardians.values()] + [one.phone for one in night.staff.values()]
    british = {"07700 900", "0113 496 0", "0117 496 0", "+44 7700 900", "+44 113 496 0"}
    american = {f"({area}) 555-0" for area in (312, 331, 618, 630, 708, 773, 815)}
    assert {phone[:-3] for phone in phones} <= {"", *(american if school.country == "US" else british)}
    assert all(phone[-3] == "1" for phone in phones if phone[:-3] in american)  # 555-0100 to 555-0199


def test_the_numbers_of_himal_begin_with_zeros() -> None:
    night = HIMAL.at(1)
    for one in (*night.students.values(), *night.guardians.values(), *night.staff.values()):
        assert len(one.ref) == 6
        assert one.ref.startswith("0")


def test_the_numbers_of_kareedal_are_text() -> None:
    night = KAREEDAL.at(1)
    refs = {one.ref for one in (*night.students.values(), *night.guardians.values(), *night.staff.values())}
    assert {ref for ref in refs if len(ref) != 7 or not ref.startswith("0")} == {"42"}
    thandi, pieter = night.students[abroad.THANDI_MAHLABA], night.students[abroad.PIETER_UYSLAND]
    assert thandi.ref.lstrip("0") == pieter.ref


@pytest.mark.parametrize("number", NIGHTS)
def test_kareedal_can_be_written_in_windows_1252_and_needs_it(number: int) -> None:
    night = KAREEDAL.at(number)
    names = [
        f"{one.given_name} {one.family_name}"
        for one in (*night.students.values(), *night.guardians.values(), *night.staff.values())
    ]
    assert all(name.encode("cp1252") for name in names)
    assert not all(name.isascii() for name in names)


def test_the_small_schools_teach_what_the_others_cannot() -> None:
    hugh = [TAMARIND.at(number).staff[abroad.HUGH_PENROSE].left_on for number in NIGHTS]
    assert hugh == [None, None, *[abroad.HUGH_PENROSE_LAST_DAY] * 3]
    rami = [tie.relationship for tie in TAMARIND.at(1).ties.values() if tie.guardian == abroad.RAMI_SALEH]
    assert sorted(rami) == ["Father", "Stepfather"]
    efua = TAMARIND.at(1).ties_of(abroad.EFUA_TETTEH)
    assert [(tie.relationship, tie.parental_responsibility) for tie in efua] == [
        ("Education guardian", False),
        ("Father", True),
    ]
    fork = HERON_FORK.at(1)
    assert len(fork.students[abroad.XIOMARA].family_name) > 50
    assert fork.staff[abroad.ANDRE_HOLLOWAY].email == fork.guardians[abroad.ANDRE_HOLLOWAY].email
    assert {HERON_FORK.at(number).guardians[abroad.ROSA_DELGADO].email for number in NIGHTS} == {""}
    luis = [HERON_FORK.at(number).guardians[abroad.LUIS_DELGADO].email for number in NIGHTS]
    assert luis == [*[abroad.LUIS_DELGADO_ADDRESS] * 3, "", ""]


def test_names_come_in_many_scripts_and_survive() -> None:
    for key, names in cast.GOLDEN_NAMES.items():
        student = NORTHGATE.at(1).students[key]
        assert (student.given_name, student.family_name) == names
    letters = {letter for one in NORTHGATE.at(1).students.values() for letter in one.family_name}
    assert set("Żóñễ王م’' ") <= letters


def test_the_readme_names_every_school_and_its_size() -> None:
    readme = (ROOT / "README.md").read_text()
    for school in WORLD.schools:
        via = f" via {school.mis_partner}" if school.mis_partner else ""
        row = rf"^\| {school.name} \| {len(school.at(1).students):,} \| \w+ \| {school.mis_product}{via} \|$"
        assert re.search(row, readme, re.MULTILINE), school.name


# --- time ---


@schools
@pytest.mark.parametrize("number", NIGHTS[1:])
def test_each_night_changes_a_little(school: SchoolWorld, number: int) -> None:
    before, after = school.at(number - 1), school.at(number)
    most = 1 if len(before.students) >= 400 else 2  # something of everything happens in a small school too
    assert 0.5 <= changed_share(dict(before.students), dict(after.students)) <= 3 * most
    assert 0.2 <= changed_share(dict(before.guardians), dict(after.guardians)) <= 2.5 * most
    assert after.date == before.date + datetime.timedelta(days=1)


def test_crowd_nights_stay_between_half_and_two_percent() -> None:
    school = crowd(students=600)
    for number in NIGHTS[1:]:
        share = changed_share(dict(school.at(number - 1).students), dict(school.at(number).students))
        assert 0.5 <= share <= 2


@schools
def test_every_event_says_why_and_cosmetic_ones_exist(school: SchoolWorld) -> None:
    assert all(event.why and event.night in NIGHTS[1:] for event in school.events)
    noise = [event.change for event in school.events if event.cosmetic]
    assert noise
    assert {change.of for change in noise if isinstance(change, Alters)} <= {GuardianTruth, StudentTruth}


@pytest.mark.parametrize("number", [0, 6, -1])
def test_there_are_five_nights(number: int) -> None:
    with pytest.raises(NoSuchNight):
        NORTHGATE.at(number)


def test_another_school_is_not_there() -> None:
    with pytest.raises(NoSuchSchool):
        WORLD.school("eton")


@pytest.mark.parametrize(
    "change",
    [
        Arrives,
        lambda _: Leaves(StudentTruth, "nobody"),
        lambda _: Alters(GuardianTruth, "nobody", {"email": ""}),
    ],
)
def test_a_story_that_does_not_fit_is_refused(change: Callable[[StudentTruth], Arrives | Alters | Leaves]) -> None:
    night = NORTHGATE.at(1)
    with pytest.raises(Contradiction):
        following(night, [change(night.students[cast.ANN_BELL])])


def test_a_school_can_be_told_with_another_currency() -> None:
    assert msgspec.structs.replace(HIMAL, currency="KWD").at(1) == HIMAL.at(1)


# --- crowds ---


@pytest.mark.parametrize("students", [14, 200, 2000])
def test_crowds_have_the_size_asked_for(students: int) -> None:
    school = crowd(students=students)
    night = school.at(1)
    assert len(night.students) == students
    assert all("crowd-" in key for key in night.students)
    assert school == crowd(students=students)
    assert school.at(5).students


def test_a_crowd_needs_a_student_a_year() -> None:
    with pytest.raises(ValueError, match="14 years"):
        crowd(students=13)
