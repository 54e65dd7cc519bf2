"""The catalogue of systems is data: seventeen and CSV to begin with, and whatever support adds (R4, R6, R7)."""

from collections.abc import Iterator
from io import StringIO
from typing import ClassVar

import pytest
from django.core.management import call_command

from sync import registry
from sync.catalogue import SYSTEMS, Ability, Answer, Says, System, reads, shared
from sync.connector import Connector
from sync.models import MisProduct
from sync.operations import catalogue
from sync.queries import joining
from sync.records import Kind, RosterRecord, Session

# From the owner's list, where Bromcom stands twice.
THROUGH = {
    "": {"ManageBac", "iSAMS", "CSV files"},
    "Wonde": {
        *("WCBS", "Bromcom", "SIMS", "Engage", "Furlong/SchoolBase", "ScholarPack", "RM Integris", "Arbor"),
        "Synergetic",
    },
    "GG4L": {"TASS", "PowerSchool", "InResonance", "Schoology", "RenWeb", "Veracross"},
}
named = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


@pytest.mark.django_db
def test_seventeen_systems_and_csv_each_with_its_partner():
    assert catalogue.load() == (18, 0)
    rows = set(MisProduct.objects.values_list("partner", "name"))
    assert rows == {(partner, name) for partner, names in THROUGH.items() for name in names}


@pytest.mark.django_db
def test_loading_again_keeps_what_support_changed_and_mends_the_rest():
    catalogue.load()
    assert catalogue.load() == (0, 0)
    MisProduct.objects.filter(name="Arbor").update(notes="Ours.", ours=True)
    MisProduct.objects.filter(name="SIMS").update(notes="Out of date.", abilities={})
    MisProduct.objects.create(name="Skyward", partner="GG4L", connector="gg4l", ours=True)
    out = StringIO()
    call_command("load_catalogue", stdout=out)
    assert out.getvalue() == "0 systems added, 1 brought up to date\n"
    assert MisProduct.objects.get(name="Arbor").notes == "Ours."
    assert MisProduct.objects.get(name="SIMS").abilities["dietary"]["says"] == "yes"
    assert MisProduct.objects.count() == 19


@pytest.mark.django_db
def test_one_system_through_two_partners_is_two_rows_with_answers_of_their_own():
    catalogue.load()
    MisProduct.objects.create(name="SIMS", partner="GG4L", connector="gg4l")
    through = {joining.system(slug) for slug in ("sims-via-wonde", "sims-via-gg4l")}
    assert len({system.product.pk for system in through if system}) == 2


@named
def test_every_system_answers_every_question_with_a_sentence(system: System):
    assert set(system.answers) == set(Ability)
    for answer in (*system.answers.values(), *(Answer(Says.NO, note) for note in system.notes)):
        assert answer.note.endswith((".", "”."))


@named
def test_no_system_promises_what_its_connector_cannot_read(system: System):
    connector = registry.connector(system.connector)
    for ability, answer in system.answers.items():
        told = shared(answer, ability, connector)
        if not reads(connector, ability):
            assert told.says is Says.NO
            assert answer.says in {Says.NO, Says.UNKNOWN}  # what the system has is no use to a school if we leave it
        else:
            assert told == answer


@named
def test_staff_whom_only_a_super_user_removes_are_no_leavers(system: System):
    answer = system.answers[Ability.STAFF_LEAVERS]
    assert answer.says is {"managebac": Says.YES, "isams": Says.NO, "gg4l": Says.NO}.get(system.connector, answer.says)


class Halfway(Connector):
    """Reads students and morning marks only."""

    key = "halfway"
    label = "Halfway"
    capabilities: ClassVar[frozenset[Kind]] = frozenset({Kind.STUDENTS})
    sessions: ClassVar[frozenset[Session]] = frozenset({Session.AM})

    def roster(self) -> Iterator[RosterRecord]:
        """Yield nothing."""
        return iter(())


def test_a_promise_is_cut_down_to_what_the_connector_reads():
    promise = Answer(Says.YES, "All of it.")
    kept = {ability for ability in Ability if shared(promise, ability, Halfway).says is Says.YES}
    assert kept == {Ability.SESSIONS, Ability.STUDENT_EMAILS}
    assert shared(promise, Ability.MEDICAL, None).says is Says.NO  # a row that names no connector promises nothing
    assert shared(Answer(Says.NO, "Why."), Ability.MEDICAL, Halfway).note == "Why."


def test_words_that_nobody_knows_are_unknown():
    odd = MisProduct(name="Odd", connector="wonde", abilities={"medical": {"says": "surely"}, "gossip": {}})
    assert {line.word for line in joining.system_of(odd).lines if line.ability in {"medical", "dietary"}} == {"Unknown"}
