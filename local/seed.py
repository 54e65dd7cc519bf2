"""Fills the demo: schools of the demo world, their nights through the real worker, and logins to look around with.

`python -m local.seed --night N`, with the migrations applied and a worker up. Running it again does only what is new.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")
django.setup()

# The models can be imported only now: this module is a program, not part of the product.
from allauth.account.models import EmailAddress  # noqa: E402
from django.utils import timezone  # noqa: E402

from local.renderings import csv_files  # noqa: E402
from local.world import cast  # noqa: E402
from local.world.build import world  # noqa: E402
from local.world.model import FIRST_DAY, NIGHTS, SchoolWorld  # noqa: E402
from sync.models import MisProduct, Run  # noqa: E402
from sync.operations import connections, runs  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import School, SchoolDomain  # noqa: E402
from users.models import Account, StaffMember  # noqa: E402
from users.operations.roles import designate_super_user  # noqa: E402

PATIENCE: Final = 120.0  # seconds a run may wait and work


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody to sign in as."""

    who: str
    email: str
    home: str
    note: str


class SeedError(Exception):
    """The demo could not be filled; the message says where."""


def main(argv: list[str] | None = None) -> int:
    """Fill the demo up to a night; 0 when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--night", type=int, choices=NIGHTS, default=1)
    night = parser.parse_args(argv).night
    try:
        for school_world in world().schools:
            school = make_school(school_world)
            for number in range(1, night + 1):
                play(school_world, school, number)
            make_super_user(school_world, school, night)
        write_logins(make_logins())
    except SeedError as fault:
        print(f"FAIL {fault}", flush=True)
        return 1
    return 0


def make_school(told: SchoolWorld) -> School:
    """Make one school with its domains, and connect it."""
    school, _ = School.objects.get_or_create(
        slug=told.slug,
        defaults={
            "name": told.name,
            "timezone": told.timezone,
            "locale": told.locale,
            "currency": told.currency,
            "country": told.country,
            "hue": told.hue,
            "primary_years": list(told.primary_years),
            "block_own_domains_for_guardians": told.block_own_domains_for_guardians,
            "staff_leavers_authoritative": told.staff_leavers_authoritative,
        },
    )
    for domain in told.domains:
        SchoolDomain.objects.get_or_create(school=school, domain=domain)
    product, _ = MisProduct.objects.get_or_create(name="CSV files", defaults={"connector": "csv_files"})
    with scope.school(school.pk):
        connections.connect(school=school, connector="csv_files", given={}, product=product)
    return school


def play(told: SchoolWorld, school: School, number: int) -> None:
    """Let one night pass, unless it has: first as the feed was when it failed, if it did, then as it is."""
    date = FIRST_DAY + datetime.timedelta(days=number - 1)
    fault = told.faults.get(number)
    feeds: list[Any] = [fault, None] if fault else [None]
    for feed in feeds:
        reason = f"night {number} of the demo" + (f", the feed came {feed}" if feed else "")
        with scope.school(school.pk):
            if Run.objects.filter(local_date=date, reason=reason).exclude(finished_at=None).exists():
                continue
        run = sync(told, school, number, date=date, reason=reason, fault=feed)
        print(f"ok   {school}: {reason}: {run.get_status_display()}", flush=True)


def sync(told: SchoolWorld, school: School, number: int, *, date: datetime.date, reason: str, fault: Any) -> Run:
    """Put a night's files in place, ask for a run, and wait until the worker has carried it out.

    Raises:
        SeedError: the run failed, or no worker took it.
    """
    with tempfile.TemporaryDirectory() as folder:
        csv_files.write(told.at(number), Path(folder), dates="dmy", fault=fault)
        with scope.school(school.pk):
            connections.place_files(school=school, paths=[Path(folder)], at=timezone.now())
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=timezone.now(), reason=reason, night=date)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with scope.school(school.pk):
            now: Run = Run.objects.get(pk=run.pk)
        if now.status == Run.Status.FAILED and not fault:
            raise SeedError(f"{school}: {reason}: {now.error_kind}: {now.error}")
        if now.is_over:
            return now
        time.sleep(0.2)
    raise SeedError(f"{school}: {reason}: no worker carried it out within {PATIENCE:.0f} s")


def make_super_user(told: SchoolWorld, school: School, night: int) -> None:
    """Designate the school's super user, as support would."""
    person = told.at(night).staff[told.super_user]
    with scope.school(school.pk):
        staff_member = StaffMember.objects.get(email=person.email)
        designate_super_user(staff_member=staff_member, by=None, reason="first super user", at=timezone.now())


def make_logins() -> list[tuple[Login, str]]:
    """Give the people one signs in as a password; a password once given stays, so that a second demo run keeps it."""
    northgate, himal = world().school("northgate"), world().school("himal")
    first, abroad = northgate.at(1), himal.at(1)
    support = "support@schoolsbuddy.example"
    if not Account.objects.filter(email=support).exists():
        Account.objects.create_superuser(support)
    logins = [
        Login(
            who="staff",
            email=first.staff[cast.RUTH_VALE].email,
            home="/s/northgate/staff/",
            note="teacher at Northgate",
        ),
        Login(
            who="parent",
            email=first.guardians[cast.ANA_REYES].email,
            home="/s/northgate/parent/",
            note="Ana Reyes, one child",
        ),
        Login(
            who="reception",
            email=first.staff[northgate.super_user].email,
            home="/s/northgate/reception/",
            note="super user of Northgate",
        ),
        Login(
            who="himal",
            email=abroad.staff[himal.super_user].email,
            home="/s/himal/reception/",
            note="super user of Himal",
        ),
        Login(
            who="both",
            email=cast.JO_HART_ADDRESS,
            home="/",
            note="teacher, and a parent from night 2 on",
        ),
        Login(who="support", email=support, home="/admin/", note="our support, Django admin"),
    ]
    known = read_logins()
    return [(login, _open(login, known.get(login.who, {}).get("password"))) for login in logins]


def _open(login: Login, password: str | None) -> str:
    account = Account.objects.get(email__iexact=login.email)
    secret = password or secrets.token_urlsafe(9)
    if not account.check_password(secret):
        account.set_password(secret)
        account.activate(timezone.now())
        account.save()
    EmailAddress.objects.update_or_create(
        user=account, email=account.email, defaults={"primary": True, "verified": True}
    )
    return secret


def logins_file() -> Path:
    """Where the logins are kept for the next run: beside the demo's other files."""
    return Path(os.environ["LOCAL_HOME"]) / "logins.json"


def read_logins() -> dict[str, dict[str, str]]:
    """Return the logins of an earlier run, by name."""
    path = logins_file()
    found: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def write_logins(logins: list[tuple[Login, str]]) -> None:
    """Keep the logins, readable by their owner only."""
    path = logins_file()
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                login.who: {"email": login.email, "password": password, "home": login.home, "note": login.note}
                for login, password in logins
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
