"""Fills the demo: schools of the demo world, their nights through the real worker, and logins to look around with.

`python -m local.seed --night N --simulators URL`, with the migrations applied, a worker and the simulators up. Running
it again does only what is new.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")
django.setup()

# The models can be imported only now: this module is a program, not part of the product.
from allauth.account.models import EmailAddress  # noqa: E402
from django.utils import timezone  # noqa: E402

from local.simulators.remote import Remote, RemoteFeed, Unmoved  # noqa: E402
from local.world import cast  # noqa: E402
from local.world.build import world  # noqa: E402
from local.world.model import FIRST_DAY, NIGHTS, SchoolWorld  # noqa: E402
from sync.models import Connection, MisProduct, Run  # noqa: E402
from sync.operations import connections, runs  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import School, SchoolDomain  # noqa: E402
from users.models import Account, StaffMember  # noqa: E402
from users.operations.roles import designate_super_user, grant  # noqa: E402
from users.roles import AbsenceMonitoring  # noqa: E402

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DemoSchool:
    """A school of the world with its rows here."""

    told: SchoolWorld
    school: School


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A run that a worker is to carry out. `may_fail`: the feed is a bad one."""

    school: School
    run: Run
    may_fail: bool


def main(argv: list[str] | None = None) -> int:
    """Fill the demo up to a night; 0 when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--night", type=int, choices=NIGHTS, default=1)
    parser.add_argument("--simulators", required=True, metavar="URL", help="the control page of the simulators")
    asked = parser.parse_args(argv)
    try:
        fill(Remote(asked.simulators), night=asked.night)
    except (SeedError, Unmoved) as fault:
        print(f"FAIL {fault}", flush=True)
        return 1
    return 0


def fill(simulators: Remote, *, night: int) -> None:
    """Make the schools and let the nights pass; at the end every MIS is on the last one, without a fault.

    Raises:
        SeedError, Unmoved: it went no further.
    """
    feeds = simulators.feeds()
    schools = [DemoSchool(told=told, school=make_school(told, feeds[told.slug])) for told in world().schools]
    for number in range(1, night + 1):
        play(schools, simulators, number)
    for one in schools:
        latest = max(number for number in NIGHTS if is_played(one.school, reason_of(number)))
        simulators.move(one.told.slug, night=latest)
        make_super_user(one.told, one.school, latest)
        make_monitor(one.told, one.school, latest)
    read_marks(schools)
    write_logins(make_logins())


def make_school(told: SchoolWorld, feed: RemoteFeed) -> School:
    """Make one school with its domains, and connect it to its MIS.

    Raises:
        SeedError: it was filled through another connector, so that its references mean nothing to this one.
    """
    school, _ = School.objects.get_or_create(
        slug=told.slug,
        defaults={
            "name": told.name,
            "timezone": told.timezone,
            "locale": told.locale,
            "currency": told.currency,
            "country": told.country,
            "hue": told.hue,
            "weekdays": sorted(told.school_days),
            "primary_years": list(told.primary_years),
            "student_access_years": list(told.student_access_years),
            "block_own_domains_for_guardians": told.block_own_domains_for_guardians,
            "staff_leavers_authoritative": told.staff_leavers_authoritative,
        },
    )
    for domain in told.domains:
        SchoolDomain.objects.get_or_create(school=school, domain=domain)
    product, _ = MisProduct.objects.get_or_create(
        name=told.mis_product, defaults={"partner": told.mis_partner, "connector": feed.connector}
    )
    with scope.school(school.pk):
        if Connection.objects.filter(active=True).exclude(connector=feed.connector).exists():
            raise SeedError(f"{school} was filled by an older demo; run make reset first")
        connections.connect(school=school, connector=feed.connector, given=feed.settings, product=product)
    return school


def play(schools: Sequence[DemoSchool], simulators: Remote, number: int) -> None:
    """Let one night pass at all schools: first where the feed failed, as it was when it did, then as it is.

    The schools are synced side by side, and what has been played before is not played again.

    Raises:
        SeedError, Unmoved: a run failed, or nobody carried it out.
    """
    bad = [(one, fault) for one in schools if (fault := one.told.faults.get(number))]
    for wave in (bad, [(one, "") for one in schools]):
        due = [(one, fault) for one, fault in wave if not is_played(one.school, reason_of(number, fault))]
        for awaited in [ask(one, simulators, number, fault=fault) for one, fault in due]:
            wait(awaited)


def read_marks(schools: Sequence[DemoSchool]) -> None:
    """Have today's marks read for every school whose MIS shares any, as its morning would.

    Raises:
        SeedError: a run failed, or no worker took it.
    """
    for awaited in [asked for one in schools if (asked := ask_for_marks(one.school))]:
        wait(awaited)


def ask_for_marks(school: School) -> Awaited | None:
    """Ask for an attendance run; None where there is nothing to read."""
    with scope.school(school.pk):
        try:
            run = runs.request(
                school=school,
                kind=Run.Kind.ATTENDANCE,
                trigger=Run.Trigger.ONE_OFF,
                at=timezone.now(),
                reason="marks of the demo",
            )
        except runs.NotShared:
            return None
    return Awaited(school=school, run=run, may_fail=False)


def reason_of(number: int, fault: str = "") -> str:
    """Return why a run is asked for, by which a later seed knows it again."""
    return f"night {number} of the demo" + (f", the feed came {fault}" if fault else "")


def is_played(school: School, reason: str) -> bool:
    """Whether an earlier seed had this run carried out."""
    with scope.school(school.pk):
        return Run.objects.filter(reason=reason).exclude(finished_at=None).exists()


def ask(one: DemoSchool, simulators: Remote, number: int, *, fault: str) -> Awaited:
    """Let a school's MIS be on that night, with a fault of the world or none (""), and ask for the run.

    Raises:
        Unmoved: the simulators did not answer.
    """
    slug, school = one.told.slug, one.school
    simulators.move(slug, night=number, faults=simulators.feeds()[slug].bad_nights[fault] if fault else ())
    with scope.school(school.pk):
        run = runs.request(
            school=school,
            trigger=Run.Trigger.ONE_OFF,
            at=timezone.now(),
            reason=reason_of(number, fault),
            night=FIRST_DAY + datetime.timedelta(days=number - 1),
        )
    return Awaited(school=school, run=run, may_fail=bool(fault))


def wait(awaited: Awaited) -> None:
    """Wait until the worker has carried a run out, and say how it ended.

    Raises:
        SeedError: the run failed, or no worker took it.
    """
    school, reason = awaited.school, awaited.run.reason
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with scope.school(school.pk):
            now: Run = Run.objects.get(pk=awaited.run.pk)
        if now.status == Run.Status.FAILED and not awaited.may_fail:
            raise SeedError(f"{school}: {reason}: {now.error_kind}: {now.error}")
        if now.is_over:
            print(f"ok   {school}: {reason}: {now.get_status_display()}", flush=True)
            return
        time.sleep(0.1)
    raise SeedError(f"{school}: {reason}: no worker carried it out within {PATIENCE:.0f} s")


def make_super_user(told: SchoolWorld, school: School, night: int) -> None:
    """Designate the school's super user, as support would."""
    person = told.at(night).staff[told.super_user]
    with scope.school(school.pk):
        staff_member = StaffMember.objects.get(email=person.email)
        designate_super_user(staff_member=staff_member, by=None, reason="first super user", at=timezone.now())


def make_monitor(told: SchoolWorld, school: School, night: int) -> None:
    """Let the school's attendance officer monitor absences, as its super user would."""
    person = told.at(night).staff[officer_of(told)]
    with scope.school(school.pk):
        staff_member = StaffMember.objects.get(email=person.email)
        why = "attendance officer"
        grant(staff_member=staff_member, role=AbsenceMonitoring.key, by=None, reason=why, at=timezone.now())


def officer_of(told: SchoolWorld) -> str:
    """Return the key of the first of a school's attendance officers."""
    return min(key for key, one in told.at(1).staff.items() if one.post == "Attendance officer")


def make_logins() -> list[tuple[Login, str]]:
    """Give the people one signs in as a password; a password once given stays, so that a second demo run keeps it."""
    schools = world()
    northgate = schools.school("northgate")
    first = northgate.at(1)
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
            who="absence",
            email=first.staff[officer_of(northgate)].email,
            home="/s/northgate/staff/absence/",
            note="attendance officer at Northgate",
        ),
        Login(
            who="reception",
            email=first.staff[northgate.super_user].email,
            home="/s/northgate/reception/",
            note="super user of Northgate",
        ),
        *(
            Login(
                who=other.slug,
                email=other.at(1).staff[other.super_user].email,
                home=f"/s/{other.slug}/reception/",
                note=f"super user of {other.name}",
            )
            for other in schools.schools
            if other is not northgate
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
