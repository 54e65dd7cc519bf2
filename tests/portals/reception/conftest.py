"""Who tries the pages about people: a super user, with people to look at and another school's that could leak."""

import dataclasses
import datetime
from collections.abc import Iterator

import pytest

from sync.models import MisIdentity, MisProduct, Run
from tenants import scope
from tenants.models import School, SchoolDomain
from tests.conftest import Person
from tests.factories import people, runs
from users.models import Guardian, StaffMember, Student, Tie

BASE = "/s/northgate/reception/"
PEOPLE = f"{BASE}people/"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Here:
    """The rows the tests name."""

    school: School
    run: Run
    zoe: Student
    mei: Guardian
    kit: StaffMember
    tie: Tie

    def url(self, kind: str, rest: str = "") -> str:
        """The address of the page of one of them, or of something below it."""
        row = {"students": self.zoe, "guardians": self.mei, "staff": self.kit}[kind]
        return f"{PEOPLE}{kind}/{row.pk}/{rest}"


@pytest.fixture
def here(northgate: School, rhea: Person) -> Iterator[Here]:
    """Northgate, read from SIMS, with a student whose name arrived broken, her mother, and a teacher."""
    SchoolDomain.objects.create(school=northgate, domain="northgate-school.example")
    with scope.school(northgate.pk):
        runs.connection(product=MisProduct.objects.create(name="SIMS here", partner="Wonde", connector="csv_files"))
        run = runs.run()
        zoe = people.student("Zoe MuÃ±oz", year="4", form="4B", date_of_birth=datetime.date(2017, 3, 2), upn=None)
        mei = people.guardian("Mei Li", email="mei.li@mail.example", phone="07700 900111")
        kit = people.staff_member("Kit Moss", email="kit@northgate-school.example", domain_recognised=True)
        StaffMember.objects.update(domain_recognised=True)
        tie = people.tie(mei, zoe, relationship="Mother", priority=1)
        people.school_class("Willow", zoe, teacher=kit)
        for kind, column, row, ref in (
            ("students", "student", zoe, "0207"),
            ("guardians", "guardian", mei, "702"),
            ("staff", "staff_member", kit, "9"),
        ):
            MisIdentity.objects.create(
                generation=1, kind=kind, external_id=ref, first_seen_on=datetime.date(2026, 9, 1), **{column: row}
            )
        runs.change(run, zoe.name, new="Year 4 · 4B", ref="0207", person_id=zoe.pk)
    yield Here(school=northgate, run=run, zoe=zoe, mei=mei, kit=kit, tie=tie)
    assert not scope.is_open()
