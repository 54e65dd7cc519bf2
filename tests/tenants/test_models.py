"""Schools and their domains."""

import datetime
import zoneinfo
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import ProtectedError

from tenants import queries, scope
from tenants.models import School, SchoolDomain
from tests.tenants.samples import furnish

pytestmark = pytest.mark.django_db


def school(slug: str = "oakfield", **fields: Any) -> School:
    return School(**({"slug": slug, "name": "Oakfield"} | fields))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "two words"),
        ("slug", ""),
        ("name", ""),
        ("timezone", "London"),
        ("timezone", "Europe/Nowhere"),
        ("currency", "gbp"),
        ("currency", "POUND"),
        ("country", "GBR"),
        ("hue", 360),
        ("hue", -1),
        ("status", "asleep"),
        ("leaving_percent", 0),
        ("leaving_percent", 101),
    ],
)
def test_what_a_school_cannot_be(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        school(**{field: value}).full_clean()
    assert field in caught.value.message_dict


def test_an_ordinary_school_is_fine() -> None:
    school().full_clean()


@pytest.mark.parametrize(("field", "value"), [("hue", 360), ("leaving_percent", 0), ("leaving_percent", 101)])
def test_the_database_refuses_it_too(field: str, value: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        school(**{field: value}).save()


def test_a_slug_is_one_schools() -> None:
    school().save()
    with pytest.raises(IntegrityError), transaction.atomic():
        school().save()


def test_a_school_with_rows_is_not_deleted_by_accident() -> None:
    furnished = furnish("oakfield")
    with pytest.raises(DatabaseError, match="no school is open"), transaction.atomic():
        furnished.school.delete()
    with scope.school(furnished.pk), pytest.raises(ProtectedError), transaction.atomic():
        furnished.school.delete()
    assert School.objects.filter(pk=furnished.pk).exists()


def test_only_active_schools_are_found_by_slug() -> None:
    school().save()
    school("elmfield", status=School.Status.SUSPENDED).save()
    assert queries.school_by_slug("oakfield") is not None
    assert queries.school_by_slug("elmfield") is None
    assert queries.school_by_slug("nobody") is None


def test_a_school_reads_the_clock_of_its_own_zone() -> None:
    himal = school(timezone="Asia/Kathmandu")
    assert himal.zone == zoneinfo.ZoneInfo("Asia/Kathmandu")
    said = himal.local(datetime.datetime(2026, 9, 14, 20, 30, tzinfo=datetime.UTC))
    assert (said.day, said.hour, said.minute) == (15, 2, 15)


@pytest.mark.parametrize("domain", ["Oakfield.example", "oakfield", "@oakfield.example", "oak field.example", ""])
def test_what_a_domain_cannot_be(domain: str) -> None:
    owner = School.objects.create(slug="oakfield", name="Oakfield")
    with pytest.raises(ValidationError):
        SchoolDomain(school=owner, domain=domain).full_clean()


def test_a_domain_is_lower_case_in_the_database_too() -> None:
    owner = School.objects.create(slug="oakfield", name="Oakfield")
    with pytest.raises(IntegrityError, match="domain_is_lower_case"), transaction.atomic():
        SchoolDomain.objects.create(school=owner, domain="Oakfield.example")


def test_schools_of_one_trust_may_share_a_domain_but_each_names_it_once() -> None:
    first, second = (School.objects.create(slug=slug, name=slug) for slug in ("oakfield", "elmfield"))
    for owner in (first, second):
        SchoolDomain.objects.create(school=owner, domain="trust.example")
    with pytest.raises(IntegrityError, match="domain_once_per_school"), transaction.atomic():
        SchoolDomain.objects.create(school=first, domain="trust.example")
