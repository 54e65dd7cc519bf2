"""A new MIS id by hand: it joins the ids of a person, and none is ever given to a second one (R22, R23)."""

import datetime
from collections.abc import Iterator

import pytest

from sync.models import Connection, MisIdentity
from sync.operations.identities import UnableToGiveId, give_id
from tenants import scope
from tenants.models import AuditEvent, School
from tests.factories import people, runs
from users.models import Student

AT = datetime.datetime(2026, 11, 23, 23, 30, tzinfo=datetime.UTC)


@pytest.fixture
def ann(himal: School) -> Iterator[Student]:
    """A student at a school whose clock is nearly six hours on; the MIS calls her 100."""
    with scope.school(himal.pk):
        runs.connection(generation=2)
        student = people.student("Ann Lee")
        identity(student, "100")
        yield student


def identity(student: Student, ref: str, generation: int = 2) -> MisIdentity:
    return MisIdentity.objects.create(
        generation=generation, kind="students", external_id=ref, student=student, first_seen_on=AT.date()
    )


def ids() -> list[tuple[str, int]]:
    return list(MisIdentity.objects.order_by("id").values_list("external_id", "student_id"))


def give(student: Student, ref: str, reason: str = "renumbered") -> MisIdentity:
    return give_id(student, ref=ref, by=None, at=AT, reason=reason)


def test_a_new_id_is_trimmed_keeps_its_zeros_and_is_audited(ann: Student):
    made = give(ann, "  00210 ", " renumbered ")
    assert ids() == [("100", ann.pk), ("00210", ann.pk)]
    assert (made.generation, made.kind, made.first_seen_on) == (2, "students", datetime.date(2026, 11, 24))
    event = AuditEvent.objects.get(action="identity.added")
    assert (event.subject, event.reason) == (f"student:{ann.pk}", "00210. renumbered")


@pytest.mark.parametrize("ref", ["", "   ", "a\nb", "\x00", "9" * 201])
def test_an_id_is_one_line(ann: Student, ref: str):
    with pytest.raises(UnableToGiveId, match="as your MIS shows it"):
        give(ann, ref)


def test_an_id_that_was_ever_used_is_refused(ann: Student):
    other = people.student("Bob Lee", status="left")
    identity(other, "55")
    with pytest.raises(UnableToGiveId, match="somebody’s already"):
        give(ann, "55")
    with pytest.raises(UnableToGiveId, match="of Ann Lee already"):
        give(ann, " 100 ")
    assert ids() == [("100", ann.pk), ("55", other.pk)]


def test_ids_of_another_kind_or_of_the_mis_before_are_other_spaces(ann: Student):
    other = people.student("Bob Lee")
    identity(other, "55", generation=1)
    MisIdentity.objects.create(
        generation=2, kind="guardians", external_id="55", guardian=people.guardian("G"), first_seen_on=AT.date()
    )
    assert give(ann, "55").student_id == ann.pk


def test_a_reason_a_mis_and_a_feed_are_needed(ann: Student):
    with pytest.raises(UnableToGiveId, match="Say why"):
        give(ann, "210", "  ")
    with pytest.raises(UnableToGiveId, match="added by hand"):
        give(people.student("By Hand", source="manual"), "210")
    Connection.objects.update(active=False)
    with pytest.raises(UnableToGiveId, match="not connected"):
        give(ann, "210")
