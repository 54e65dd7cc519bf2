"""Files that a super user uploads: kept, looked at, put in force; wrong ones cost nothing."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from sync.models import Run
from sync.operations import connections, uploads
from tenants import scope
from tenants.models import AuditEvent, School
from tests.factories import people

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)
ROSTER = "ref,given_name,family_name\n1,Ann,Lee\n"


@pytest.fixture
def school(northgate: School, tmp_path: Path, settings: Settings) -> Any:
    """Northgate with its scope open, giving us its files by hand."""
    settings.FILES_DIR = tmp_path / "files"
    with scope.school(northgate.pk):
        connections.connect(school=northgate, connector="csv_files", given={})
        yield northgate


@pytest.fixture
def by(northgate: School) -> int:
    return people.account("rhea@northgate-school.example").pk


def file(name: str, text: str = ROSTER) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode())


def in_force() -> str:
    return str(connections.active().settings["folder"])


def batches(school: School) -> list[str]:
    folder = connections.default_folder(school)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def receive(school: School, by: int, *files: Any, at: datetime.datetime = NOW) -> str:
    return uploads.receive(school=school, streams=files, by=by, at=at)


def test_an_upload_changes_nothing_until_it_is_put_in_force(school: School, by: int) -> None:
    before = in_force()
    batch = receive(school, by, file("students.csv"), file("ties.csv"))
    assert batches(school) == [batch]
    assert in_force() == before
    assert not Run.objects.exists()
    run = uploads.use(school=school, batch=batch, by=by, at=NOW)
    folder = uploads.folder_of(school, batch)
    assert folder
    assert in_force() == str(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"students.csv": ROSTER, "ties.csv": ROSTER}
    assert (run.trigger, run.status, run.requested_by_id) == (Run.Trigger.ONE_OFF, Run.Status.QUEUED, by)


def test_who_uploaded_and_who_put_it_in_force_stands_in_the_trail(school: School, by: int) -> None:
    batch = receive(school, by, file("Ann Lee's class.csv"))
    uploads.use(school=school, batch=batch, by=by, at=NOW)
    events = AuditEvent.objects.filter(action__startswith="files.").order_by("id")
    assert [(e.action, e.actor_id, e.subject, e.reason, e.at) for e in events] == [
        ("files.uploaded", by, f"batch:{batch}", "1 file", NOW),
        ("files.used", by, f"batch:{batch}", "1 file", NOW),
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "Choose from 1 to 40 files"),
        ([f"{n}.csv" for n in range(41)], "Choose from 1 to 40 files"),
        (["students.csv", "photo.png"], "“photo.png” is not one of"),
        ([".csv"], "is not one of"),
        (["students.csv", "Students.csv"], "Two files have the same name"),
    ],
)
def test_what_cannot_be_taken_leaves_nothing_behind(school: School, by: int, names: list[str], words: str) -> None:
    with pytest.raises(uploads.NotAccepted, match=words):
        receive(school, by, *map(file, names))
    assert batches(school) == []
    assert not AuditEvent.objects.filter(action__startswith="files.").exists()


def test_sizes_are_bounded_alone_and_together(school: School, by: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "TOGETHER", len(ROSTER) + 1)
    with pytest.raises(uploads.NotAccepted, match="Together"):
        receive(school, by, file("students.csv"), file("ties.csv"))
    monkeypatch.setattr(uploads, "LARGEST", len(ROSTER) - 1)
    with pytest.raises(uploads.NotAccepted, match=r"“students\.csv” is larger"):
        receive(school, by, file("students.csv"))
    assert batches(school) == []


@pytest.mark.parametrize("name", ["../../students.csv", "/etc/students.csv", "C:\\Users\\rhea\\students.csv"])
def test_names_lead_nowhere(school: School, by: int, name: str) -> None:
    upload = ContentFile(ROSTER.encode(), name="x.csv")
    upload.name = name  # a SimpleUploadedFile would have cleaned it
    folder = uploads.folder_of(school, receive(school, by, upload))
    assert folder
    assert [path.name for path in folder.iterdir()] == ["students.csv"]


def test_a_transfer_that_breaks_off_leaves_nothing_behind(school: School, by: int) -> None:
    class Torn(SimpleUploadedFile):
        def chunks(self, chunk_size: int | None = None) -> Any:
            yield b"ref"
            raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        receive(school, by, Torn("students.csv", b"ref"))
    assert batches(school) == []


def test_marks_that_come_alone_keep_the_roster_in_force(school: School, by: int) -> None:
    uploads.use(school=school, batch=receive(school, by, file("students.csv")), by=by, at=NOW)
    folder = uploads.folder_of(school, receive(school, by, file("attendance.csv", "student_ref,date,code\n")))
    assert folder
    assert sorted(path.name for path in folder.iterdir()) == ["attendance.csv", "students.csv"]


@pytest.mark.parametrize("batch", ["..", "20261124T090000Z-0a1b2c3d", "../himal", ""])
def test_only_batches_of_this_school_are_found(school: School, by: int, batch: str) -> None:
    receive(school, by, file("students.csv"))
    assert uploads.folder_of(school, batch) is None
    with pytest.raises(uploads.NotAccepted, match="no longer there"):
        uploads.use(school=school, batch=batch, by=by, at=NOW)


def test_old_batches_go_but_never_the_one_in_force(school: School, by: int) -> None:
    long_ago = NOW - datetime.timedelta(days=40)
    used, unused = (receive(school, by, file("students.csv"), at=long_ago) for _ in range(2))
    uploads.use(school=school, batch=used, by=by, at=long_ago)
    young = receive(school, by, file("students.csv"), at=NOW - datetime.timedelta(days=29))
    new = receive(school, by, file("students.csv"))
    assert batches(school) == sorted([used, young, new])
    assert unused not in batches(school)


@pytest.mark.parametrize(
    "given",
    [{"place": "drop"}, {"place": "sftp", "host": "files.school.example", "user": "u", "password": "p"}],
)
def test_a_school_whose_files_come_by_themselves_uploads_none(school: School, by: int, given: dict[str, str]) -> None:
    batch = receive(school, by, file("students.csv"))
    connections.connect(school=school, connector="csv_files", given=given)
    assert not uploads.is_welcome()
    with pytest.raises(uploads.NotAccepted, match="does not come from uploaded"):
        receive(school, by, file("students.csv"))
    with pytest.raises(uploads.NotAccepted):
        uploads.use(school=school, batch=batch, by=by, at=NOW)


def test_a_school_with_another_mis_or_none_uploads_nothing(school: School) -> None:
    connections.connect(school=school, connector="managebac", given={"token": "x"})
    assert not uploads.is_welcome()
    link = connections.active()
    link.active = False
    link.save()
    assert not uploads.is_welcome()
