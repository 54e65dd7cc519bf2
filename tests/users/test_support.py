"""Support looks into a school for a reason and a while, and the school can see it."""

import datetime

import pytest
from django.utils import timezone

from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from users import queries
from users.operations import support

NOW = datetime.datetime(2026, 11, 23, 9, 0, tzinfo=datetime.UTC)


def events(school: School) -> list[tuple[str, str]]:
    with scope.school(school.pk):
        return list(AuditEvent.objects.order_by("id").values_list("action", "reason"))


def test_a_grant_opens_ends_by_itself_and_is_recorded(dana: Person, northgate: School):
    grant = support.open_grant(account=dana.account, school=northgate, reason=" ticket 7 ", at=NOW, minutes=30)
    assert grant.expires_at - grant.opened_at == datetime.timedelta(minutes=30)
    assert queries.open_grant(account_id=dana.account.pk, at=NOW) == grant
    assert queries.open_grant(account_id=dana.account.pk, at=grant.expires_at) is None
    assert events(northgate) == [("support.opened", "ticket 7")]


def test_closing_twice_says_it_once(dana: Person, northgate: School):
    grant = support.open_grant(account=dana.account, school=northgate, reason="ticket 7", at=NOW)
    support.close_grant(grant=grant, at=NOW)
    support.close_grant(grant=grant, at=NOW)
    assert queries.open_grant(account_id=dana.account.pk, at=NOW) is None
    assert [action for action, _ in events(northgate)] == ["support.opened", "support.closed"]


def test_one_look_at_a_time(dana: Person, northgate: School, himal: School):
    first = support.open_grant(account=dana.account, school=northgate, reason="ticket 7", at=NOW)
    second = support.open_grant(account=dana.account, school=himal, reason="ticket 8", at=NOW)
    assert queries.open_grant(account_id=dana.account.pk, at=NOW) == second
    first.refresh_from_db()
    assert first.closed_at == NOW


def test_only_support_with_a_reason(alice: Person, dana: Person, northgate: School):
    with pytest.raises(support.UnableToLookIn):
        support.open_grant(account=alice.account, school=northgate, reason="curious", at=NOW)
    with pytest.raises(support.UnableToLookIn):
        support.open_grant(account=dana.account, school=northgate, reason="  ", at=NOW)


def test_the_admin_shows_whose_school_is_open(dana: Person, northgate: School, alice: Person):
    assert "Looking into" not in dana.client.get("/admin/").content.decode()
    support.open_grant(account=dana.account, school=northgate, reason="ticket 7", at=timezone.now())
    page = dana.client.get("/admin/").content.decode()
    assert "Looking into Northgate School" in page
    assert "ticket 7" in page
    assert alice.client.get("/admin/").status_code == 302
