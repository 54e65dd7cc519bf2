"""Every address of the product: who guards it, and what a stranger with another school's ids gets (R9)."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path

from attendance.models import AbsenceReport, Code
from portals.gates import public
from sync.models import Run, RunRequest
from tenants import bulk, scope
from tenants.models import Closure
from tests.house.product import ROOMS
from tests.tenants.samples import Furnished, furnish
from users.models import Account, Guardian, LocalEdit, SchoolClass, StaffMember, Student, Tie

MODES = {"staff", "parent", "reception"}
GATES = {"public", "account", *MODES}
UNDER_A_SCHOOL = "s/<slug:school>/"

# Views of others, and what guards them.
GUARDED_BY_OTHERS = {
    "accounts/": "allauth's own views: for visitors, or behind its own login_required",
    "hooks/": "each address holds a secret, see tests/sync/test_webhooks.py",
    "admin/": "the admin site lets in our support only, see test_the_admin_is_for_support_only",
}
# Pages of a school that ask for an account only, and why.
ACCOUNT_ONLY = {"s/<slug:school>/joining/": "its owner has not yet said whether they belong to the school (R32)"}
# Pages of the admin for everybody, and why.
ADMIN_FOR_ALL = {
    "admin/login/": "sends to the one front door",
    "admin/logout/": "signs out",
    "admin/jsi18n/": "Django's own translations for scripts",
}

# A word that each further part of an address may be.
WORDS = {
    "digest": "0" * 64,
    "kind": "students",
    "batch": "20261124T081500Z-0a1b2c3d",
    "field": "given_name",
    "key": "malformed",
}
# Whose id an address takes, by the words before it; else a student's.
WHOSE: dict[str, type[Model]] = {
    "attendance/codes/": Code,
    "runs/ask/": RunRequest,  # before the runs, whose words stand in it as well
    "runs/": Run,
    "people/staff/": StaffMember,
    "people/guardians/": Guardian,
    "people/ties/": Tie,
    "people/edits/": LocalEdit,
    "staff/classes/": SchoolClass,
    "absence/reports/": AbsenceReport,
    "parent/absences/": AbsenceReport,
    "rules/open/closures/": Closure,
}


class Address(NamedTuple):
    """A pattern, written out from the root, and its view."""

    route: str
    view: Callable[..., Any]

    @property
    def gate(self) -> str | None:
        """What the view carries."""
        return getattr(self.view, "gate", None)

    def filled(self, *, school: str, pk: int) -> str:
        """The address with its parts filled in."""
        parts = {"slug": school, "int": str(pk)}
        return "/" + re.sub(r"<(\w+):(\w+)>", lambda part: parts.get(part[1]) or WORDS[part[2]], self.route)


def walk(patterns: list[Any], before: str = "") -> Iterator[Address]:
    """Every address below these patterns."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield Address(before + str(pattern.pattern), pattern.callback)


ADDRESSES = list(walk(get_resolver().url_patterns))
OF_A_SCHOOL = [address for address in ADDRESSES if address.route.startswith(UNDER_A_SCHOOL)]
WITH_AN_ID = [address for address in OF_A_SCHOOL if "<int:" in address.route]
PAGES = [address for address in OF_A_SCHOOL if address.route not in ACCOUNT_ONLY]
of_a_school = pytest.mark.parametrize("address", OF_A_SCHOOL, ids=lambda address: address.route)
each_page = pytest.mark.parametrize("address", PAGES, ids=lambda address: address.route)


def unguarded(addresses: list[Address]) -> list[str]:
    """Views without a known gate that nobody else guards."""
    return [
        address.route
        for address in addresses
        if address.gate not in GATES and not address.route.startswith(tuple(GUARDED_BY_OTHERS))
    ]


def in_the_wrong_mode(addresses: list[Address]) -> list[str]:
    """Views whose gate is not the mode in their address: `/s/<school>/staff/…` is for staff mode (R41)."""
    return [
        address.route
        for address in addresses
        if address.route not in ACCOUNT_ONLY
        and (address.gate in MODES or address.route.startswith(UNDER_A_SCHOOL))
        and not address.route.startswith(f"{UNDER_A_SCHOOL}{address.gate}/")
    ]


def test_there_are_addresses_to_look_at() -> None:
    assert {address.gate for address in OF_A_SCHOOL} == MODES | {"account"}
    assert len(WITH_AN_ID) >= 3


def test_every_view_has_a_gate() -> None:
    assert unguarded(ADDRESSES) == []


def test_every_gate_is_the_mode_in_the_address() -> None:
    assert in_the_wrong_mode(ADDRESSES) == []


def test_no_view_of_ours_hides_behind_somebody_elses_guard() -> None:
    ours = [
        address.route
        for address in ADDRESSES
        if address.route.startswith("accounts/") and address.view.__module__.partition(".")[0] in ROOMS
    ]
    assert [address.gate for address in ADDRESSES if address.route in ours and address.gate] == ["account"] * len(ours)


def test_the_lists_name_only_what_is_there() -> None:
    routes = {address.route for address in ADDRESSES}
    assert [start for start in GUARDED_BY_OTHERS if not any(route.startswith(start) for route in routes)] == []
    assert {*ACCOUNT_ONLY, *ADMIN_FOR_ALL} - routes == set()
    assert [route for route in ACCOUNT_ONLY if (route, "account") not in {(a.route, a.gate) for a in ADDRESSES}] == []


def test_bad_views_would_be_noticed() -> None:
    def forgotten(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @public
    def wide_open(request: HttpRequest, school: str) -> HttpResponse:
        return HttpResponse()

    bad = list(walk([path("forgotten/", forgotten), path("s/<slug:school>/staff/wide-open/", wide_open)]))
    assert unguarded(bad) == ["forgotten/"]
    assert in_the_wrong_mode(bad) == ["s/<slug:school>/staff/wide-open/"]


# Who gets what. Both schools have a row in every table, so there is something to leak.


@pytest.fixture
def ours(db: None) -> Furnished:
    """The school of the visitor."""
    return furnish("oakfield")


@pytest.fixture
def theirs(ours: Furnished) -> Furnished:
    """Another school, whose ids are its own: ids of different tables run apart."""
    for number, model in enumerate((Student, Guardian, StaffMember, SchoolClass, Run), start=1):
        bulk.reserve_ids(model, number * 100)
    return furnish("elmfield")


def browser(email: str) -> Client:
    """A browser in which this account is signed in."""
    client = Client()
    client.force_login(Account.objects.get(email=email))
    return client


def right_browser(address: Address) -> Client:
    """A browser of somebody of our school who may see this page."""
    return browser(("guardian" if address.gate == "parent" else "staff_member") + "@oakfield.example")


def own_id(school: Furnished, address: Address) -> int:
    """The id of a row of this school that the address is about."""
    whose = next((model for words, model in WHOSE.items() if words in address.route), Student)
    pk: int = school[whose].pk
    return pk


def ids(school: Furnished) -> set[int]:
    """The ids of a school's rows, whatever the table."""
    return {row.pk for row in (*school.spares.values(), *school.rows.values())}


def statuses(client: Client, url: str) -> set[int]:
    """What a page answers to a look and to a push of its button; 405 says that it has no such answer."""
    return {client.get(url).status_code, client.post(url).status_code} - {405}


@each_page
def test_our_own_pages_do_open(ours: Furnished, address: Address) -> None:
    """Without this, a 404 further down would prove nothing. A button may lead on, within the same school."""
    pk = own_id(ours, address)
    client, url = right_browser(address), address.filled(school="oakfield", pk=pk)
    answers = [answer for answer in (client.get(url), client.post(url)) if answer.status_code != 405]
    assert answers
    for answer in answers:
        assert answer.status_code == 200 or answer["Location"].startswith("/s/oakfield/")


@pytest.mark.parametrize("address", WITH_AN_ID, ids=lambda address: address.route)
def test_an_id_of_another_school_is_404(ours: Furnished, theirs: Furnished, address: Address) -> None:
    client = right_browser(address)
    foreign = ids(theirs) - ids(ours)
    assert len(foreign) >= 10
    assert {code for pk in foreign for code in statuses(client, address.filled(school="oakfield", pk=pk))} == {404}


@of_a_school
@pytest.mark.parametrize("who", ["staff_member", "guardian", "student"])
def test_another_schools_page_is_404(ours: Furnished, theirs: Furnished, address: Address, who: str) -> None:
    client = browser(f"{who}@oakfield.example")
    for pk in (theirs[Student].pk, theirs[Run].pk, ours[Student].pk):
        assert statuses(client, address.filled(school="elmfield", pk=pk)) == {404}


@of_a_school
def test_a_visitor_is_sent_to_the_front_door(ours: Furnished, address: Address) -> None:
    url = address.filled(school="oakfield", pk=ours[Student].pk)
    for answer in (Client().get(url), Client().post(url)):
        assert answer.status_code in {302, 405}
        assert answer.status_code == 405 or answer["Location"].startswith("/accounts/login/")


@each_page
def test_nothing_of_a_person_stays_in_a_shared_browser(ours: Furnished, address: Address) -> None:
    pk = own_id(ours, address)
    answer = right_browser(address).get(address.filled(school="oakfield", pk=pk))
    if answer.status_code != 405:
        assert {"private", "no-store"} <= set(re.split(r",\s*", answer["Cache-Control"]))


def admin_pages() -> list[Address]:
    return [
        address for address in ADDRESSES if address.route.startswith("admin/") and address.route not in ADMIN_FOR_ALL
    ]


def admin_url(address: Address, pk: int) -> str:
    """An address of the admin, whose patterns are of more kinds than ours."""
    url = re.sub(r"\^?\(\?P<app_label>(\w+)[^)]*\)/\$", r"\1/", address.route)
    url = re.sub(r"\(\?P<url>\.\*\)\$", "nowhere", url)
    return "/" + re.sub(r"<\w+:\w+>", str(pk), url)


@pytest.mark.parametrize("email", [None, "staff_member@oakfield.example", "guardian@oakfield.example"])
def test_the_admin_is_for_support_only(ours: Furnished, email: str | None) -> None:
    client = browser(email) if email else Client()
    pages = admin_pages()
    assert len(pages) > 10
    with_answers = {address.route: statuses(client, admin_url(address, ours[Student].pk)) for address in pages}
    assert {route: codes for route, codes in with_answers.items() if not codes <= {302, 403, 404}} == {}


def test_no_school_stays_open_after_a_request(ours: Furnished) -> None:
    for address in OF_A_SCHOOL:
        right_browser(address).get(address.filled(school="oakfield", pk=ours[Student].pk))
        assert not scope.is_open()
