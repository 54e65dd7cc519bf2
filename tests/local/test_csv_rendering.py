"""The CSV rendering: its form, its faults, and every story of the cast as a reader of the files would see it."""

import csv
import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from local.renderings.csv_files import main, write
from local.world import cast
from local.world.build import world
from local.world.model import NIGHTS
from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.http import Http
from sync.records import KIND_OF, Complete, Unreadable

Rows = list[dict[str, str]]
WORLD = world()
HEADERS = {
    "students": "ref,given_name,family_name,preferred_name,date_of_birth,email,year,form,upn,left_on",
    "guardians": "ref,title,given_name,family_name,email,phone",
    "staff": "ref,title,given_name,family_name,email,phone,left_on",
    "ties": "student_ref,guardian_ref,relationship,priority,parental_responsibility,restricted",
    "classes": "ref,name,year,subject",
    "enrolments": "class_ref,student_ref",
    "teaching": "class_ref,staff_ref",
    "medical": "student_ref,ref,condition,details",
    "dietary": "student_ref,ref,need",
}


class Feed:
    """The files of one school and night, read back."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, Rows] = {
            path.stem: list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))
            for path in folder.glob("*.csv")
        }

    def named(self, file: str, given: str, family: str) -> dict[str, str]:
        """Return the one row of this name."""
        (row,) = [row for row in self.files[file] if (row["given_name"], row["family_name"]) == (given, family)]
        return row

    def numbered(self, file: str, ref: str) -> dict[str, str] | None:
        """Return the row of this number, if it is there."""
        return next((row for row in self.files[file] if row["ref"] == ref), None)

    def has(self, file: str, given: str, family: str) -> bool:
        """Whether somebody of this name is there."""
        return any((row["given_name"], row["family_name"]) == (given, family) for row in self.files[file])

    def children_of(self, guardian_ref: str) -> set[str]:
        """Return the given names of the children of one contact."""
        refs = {tie["student_ref"] for tie in self.files["ties"] if tie["guardian_ref"] == guardian_ref}
        return {row["given_name"] for row in self.files["students"] if row["ref"] in refs}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    """Every night of every school, written once."""
    written = {}
    for school in WORLD.schools:
        for night in NIGHTS:
            folder = tmp_path_factory.mktemp(f"{school.slug}-{night}")
            write(school.at(night), folder)
            written[school.slug, night] = folder
    return written


@pytest.fixture(scope="module")
def northgate(folders: dict[tuple[str, int], Path]) -> dict[int, Feed]:
    """Northgate's feed by night."""
    return {night: Feed(folders["northgate", night]) for night in NIGHTS}


@pytest.fixture(scope="module")
def himal(folders: dict[tuple[str, int], Path]) -> dict[int, Feed]:
    """Himal's feed by night."""
    return {night: Feed(folders["himal", night]) for night in NIGHTS}


# --- the table of the fixture pack, row by row ---


def test_ana_and_tom_reyes_have_one_child(northgate: dict[int, Feed]) -> None:
    for feed in northgate.values():
        ana, tom = feed.named("guardians", "Ana", "Reyes"), feed.named("guardians", "Tom", "Reyes")
        assert feed.children_of(ana["ref"]) == feed.children_of(tom["ref"]) == {"Lucia"}
        assert ana["email"] != tom["email"]


def test_mei_and_bo_li_share_an_address_until_night_3(northgate: dict[int, Feed]) -> None:
    for night, feed in northgate.items():
        mei, bo = feed.named("guardians", "Mei", "Li"), feed.named("guardians", "Bo", "Li")
        assert mei["email"] == cast.LI_SHARED_ADDRESS
        assert bo["email"] == (cast.LI_SHARED_ADDRESS if night < 3 else cast.BO_LI_OWN_ADDRESS)


def test_jo_hart_becomes_a_contact_on_night_2_and_stops_teaching_on_night_4(northgate: dict[int, Feed]) -> None:
    assert [night for night, feed in northgate.items() if feed.has("staff", "Jo", "Hart")] == [1, 2, 3]
    assert [night for night, feed in northgate.items() if feed.has("guardians", "Jo", "Hart")] == [2, 3, 4, 5]
    feed = northgate[2]
    teacher, mother = feed.named("staff", "Jo", "Hart"), feed.named("guardians", "Jo", "Hart")
    assert teacher["email"] == mother["email"] == cast.JO_HART_ADDRESS
    assert feed.children_of(mother["ref"]) == {"Ivy", "Noah"}
    taught = {row["class_ref"] for row in feed.files["teaching"] if row["staff_ref"] == teacher["ref"]}
    ivy = feed.named("students", "Ivy", "Hart")["ref"]
    assert any(row["student_ref"] == ivy and row["class_ref"] in taught for row in feed.files["enrolments"])


def test_kit_moss_has_two_addresses_until_night_4(northgate: dict[int, Feed]) -> None:
    for night, feed in northgate.items():
        assert feed.named("staff", "Kit", "Moss")["email"] == cast.KIT_MOSS_STAFF_ADDRESS
        private, staff = cast.KIT_MOSS_PRIVATE_ADDRESS, cast.KIT_MOSS_STAFF_ADDRESS
        assert feed.named("guardians", "Kit", "Moss")["email"] == (private if night < 4 else staff)


def test_dev_rai_gets_his_private_address_on_night_5(himal: dict[int, Feed]) -> None:
    for night, feed in himal.items():
        assert feed.named("staff", "Dev", "Rai")["email"] == cast.DEV_RAI_STAFF_ADDRESS
        father = feed.named("guardians", "Dev", "Rai")
        assert father["email"] == (cast.DEV_RAI_STAFF_ADDRESS if night < 5 else cast.DEV_RAI_PRIVATE_ADDRESS)
        assert feed.children_of(father["ref"]) == {"Anil"}


def test_sam_cole_is_in_both_feeds_and_gets_one_address(northgate: dict[int, Feed], himal: dict[int, Feed]) -> None:
    for night in NIGHTS:
        here, there = (feeds[night].named("guardians", "Sam", "Cole") for feeds in (northgate, himal))
        assert here["email"] == there["email"] == ("" if night < 3 else cast.SAM_COLE_ADDRESS)
        assert here["ref"] != there["ref"]
        assert northgate[night].children_of(here["ref"]) == {"Ruby"}
        assert himal[night].children_of(there["ref"]) == {"Milo"}


def test_two_fathers_addresses_swap_on_night_3(northgate: dict[int, Feed]) -> None:
    for night, feed in northgate.items():
        owen, liam = feed.named("guardians", "Owen", "Price"), feed.named("guardians", "Liam", "Doyle")
        found, usual = (owen["email"], liam["email"]), (cast.OWEN_PRICE_ADDRESS, cast.LIAM_DOYLE_ADDRESS)
        assert found == (usual if night < 3 else usual[::-1])
    assert cast.OWEN_PRICE_CREDIT == 1200


def test_contacts_701_and_702_swap_on_night_4(northgate: dict[int, Feed]) -> None:
    for night, feed in northgate.items():
        carla, nina = ("701", "702") if night < 4 else ("702", "701")
        assert feed.named("guardians", "Carla", "Vance")["ref"] == carla
        assert feed.named("guardians", "Nina", "Ortega")["ref"] == nina
        assert feed.children_of(carla) == {"Finn"}
        assert feed.children_of(nina) == {"Leo"}


def test_student_55_leaves_and_somebody_else_is_55_on_night_5(northgate: dict[int, Feed]) -> None:
    who = {night: feed.numbered("students", "55") for night, feed in northgate.items()}
    assert {night for night, row in who.items() if row} == {1, 5}
    ann, bob = who[1], who[5]
    assert ann is not None
    assert bob is not None
    assert (ann["given_name"], ann["date_of_birth"]) == ("Ann", "18/10/2010")
    assert (bob["given_name"], bob["date_of_birth"]) == ("Bob", "08/10/2014")
    assert any(note["student_ref"] == "55" for note in northgate[1].files["medical"])
    assert northgate[1].numbered("staff", "55")  # other kinds count on their own
    assert northgate[1].numbered("guardians", "55")


def test_student_90_leaves_and_returns_unchanged_on_night_5(northgate: dict[int, Feed]) -> None:
    who = {night: feed.numbered("students", "90") for night, feed in northgate.items()}
    assert {night for night, row in who.items() if row} == {1, 5}
    assert who[1] == who[5]
    assert northgate[1].children_of("680") == northgate[5].children_of("680") == {"Nell"}
    assert northgate[3].numbered("guardians", "680") is None


def test_student_100_becomes_2100_on_night_3(northgate: dict[int, Feed]) -> None:
    rows = {night: feed.named("students", "Tess", "Hale") for night, feed in northgate.items()}
    assert [row["ref"] for row in rows.values()] == ["100", "100", "2100", "2100", "2100"]
    assert len({(row["upn"], row["date_of_birth"], row["email"]) for row in rows.values()}) == 1
    assert all(feed.children_of("690") == {"Tess"} for feed in northgate.values())
    assert not any(feed.numbered("students", "2100") for night, feed in northgate.items() if night < 3)


def test_zoe_munoz_is_mojibake_until_night_5(northgate: dict[int, Feed]) -> None:
    for night, feed in northgate.items():
        row = feed.numbered("students", "130")
        assert row is not None
        assert (row["given_name"], row["family_name"]) == (cast.ZOE_WRONG if night < 5 else cast.ZOE_RIGHT)
    wrong = tuple(name.encode("cp1252").decode() for name in cast.ZOE_WRONG)
    assert wrong == cast.ZOE_RIGHT


def test_the_feed_is_cut_on_night_4_and_empty_on_night_5(tmp_path: Path) -> None:
    school = WORLD.school("northgate")
    whole = {path.stem: path.read_bytes() for path in write(school.at(4), tmp_path / "true")}
    for path in write(school.at(4), tmp_path / "4", fault=school.faults[4]):
        found = path.read_bytes()
        assert whole[path.stem].startswith(found)
        assert 0.3 < len(found) / len(whole[path.stem]) < 0.7
    assert all(path.read_bytes() == b"" for path in write(school.at(5), tmp_path / "5", fault=school.faults[5]))


def test_staff_on_the_second_domain_and_on_one_that_looks_alike(northgate: dict[int, Feed]) -> None:
    for feed in northgate.values():
        assert feed.named("staff", "Ruth", "Vale")["email"].endswith("@northgate-sixth.example")
        assert feed.named("staff", "Max", "Wren")["email"].endswith("@evil-northgate-school.example")


def test_the_coach_is_in_no_feed(northgate: dict[int, Feed], himal: dict[int, Feed]) -> None:
    for feed in (*northgate.values(), *himal.values()):
        everybody = [*feed.files["staff"], *feed.files["guardians"]]
        assert cast.THE_COACH.email not in {row["email"] for row in everybody}


# --- the edges beside the table ---


def test_golden_names_arrive_letter_by_letter(northgate: dict[int, Feed]) -> None:
    for given, family in cast.GOLDEN_NAMES.values():
        assert northgate[1].has("students", given, family)
    given, family = cast.GOLDEN_NAMES["golden-spanish"]
    assert northgate[3].has("students", unicodedata.normalize("NFD", given), family)


def test_a_student_on_the_mothers_address_and_a_mother_held_twice(northgate: dict[int, Feed]) -> None:
    feed = northgate[1]
    assert feed.named("students", "Asta", "Lund")["email"] == feed.named("guardians", "Petra", "Lund")["email"]
    twice = [row for row in feed.files["guardians"] if row["family_name"] == "Karim" and row["given_name"] == "Nadia"]
    assert len({row["ref"] for row in twice}) == 2
    assert len({row["email"] for row in twice}) == 1


# --- form ---


@pytest.mark.parametrize("slug", ["northgate", "himal"])
def test_the_files_are_readable_to_the_last_row(slug: str, folders: dict[tuple[str, int], Path]) -> None:
    for night in NIGHTS:
        folder = folders[slug, night]
        records = list(CsvFiles(CsvSettings(folder=str(folder)), Http()).roster())
        assert [record for record in records if isinstance(record, Unreadable)] == []
        counted = {record.kind: record.rows for record in records if isinstance(record, Complete)}
        assert counted == {kind: sum(KIND_OF.get(type(one)) == kind for one in records) for kind in counted}
        assert {str(kind): rows for kind, rows in counted.items()} == {
            name: len(rows) for name, rows in Feed(folder).files.items()
        }


def test_headers_are_the_fields_of_the_records(folders: dict[tuple[str, int], Path]) -> None:
    for name, header in HEADERS.items():
        content = (folders["himal", 1] / f"{name}.csv").read_bytes()
        assert content.split(b"\r\n")[0].decode() == header
    fields = {str(kind): set(record.__struct_fields__) for record, kind in KIND_OF.items()}
    assert {name: set(header.split(",")) for name, header in HEADERS.items()} == fields


def test_a_header_is_all_that_is_left(tmp_path: Path) -> None:
    for path in write(WORLD.school("himal").at(1), tmp_path, fault="header_only"):
        assert path.read_bytes() == f"{HEADERS[path.stem]}\r\n".encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_keep_every_letter(encoding: str, tmp_path: Path) -> None:
    night = WORLD.school("northgate").at(1)
    for path, usual in zip(write(night, tmp_path / "a", encoding=encoding), write(night, tmp_path / "b"), strict=True):
        assert path.read_bytes().decode(encoding) == usual.read_bytes().decode()


def test_windows_1252_loses_the_letters_it_does_not_have(tmp_path: Path) -> None:
    students, *_ = write(WORLD.school("northgate").at(1), tmp_path, encoding="cp1252")
    text = students.read_bytes().decode("cp1252")
    assert "Ñandú" in text
    assert "O’Brien" in text
    assert "??,?" in text  # 小明,王


def test_delimiter_and_order_of_dates(tmp_path: Path) -> None:
    night = WORLD.school("northgate").at(1)
    for dates, expected in {"dmy": "18/10/2010", "mdy": "10/18/2010", "ymd": "2010-10-18"}.items():
        students, *_ = write(night, tmp_path / dates, delimiter=";", dates=dates)
        ann = students.read_bytes().decode().split("\r\n")[1]
        assert ann.split(";")[:5] == ["55", "Ann", "Bell", "", expected]


def test_without_zeros_numbers_are_as_a_spreadsheet_saves_them(tmp_path: Path) -> None:
    night = WORLD.school("kareedal").at(1)
    for path in write(night, tmp_path, zeros=False):
        rows = Feed(tmp_path).files[path.stem]
        assert rows
        assert not any(cell.startswith("0") for row in rows for name, cell in row.items() if name.endswith("ref"))
    assert {row["phone"][:1] for row in Feed(tmp_path).files["guardians"]} == {"", "+"}
    assert any(row["date_of_birth"].startswith("0") for row in Feed(tmp_path).files["students"])


@pytest.mark.parametrize("wrong", [{"dates": "ydm"}, {"fault": "late"}])
def test_unknown_options_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Unknown"):
        write(WORLD.school("himal").at(1), tmp_path, **wrong)


def test_the_command_writes_the_same_bytes(
    tmp_path: Path, folders: dict[tuple[str, int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--school", "himal", "--night", "2", "--to", str(tmp_path)])
    printed = capsys.readouterr().out.split()
    assert [Path(line).stem for line in printed] == list(HEADERS)
    for line in printed:
        assert Path(line).read_bytes() == (folders["himal", 2] / Path(line).name).read_bytes()
