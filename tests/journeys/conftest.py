"""A real Chromium against a real server, over rows that are committed once for all journeys and wiped at the end."""

import dataclasses
import datetime
import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from attendance.models import Code
from local.world.build import crowd
from sync.models import MisIdentity, MisProduct, ParkedMark, Refusal, Run
from sync.operations import catalogue
from sync.operations.connections import connect
from sync.pipeline.roster import Fault
from tenants import scope
from tenants.models import Closure, School, SchoolDomain
from tests.factories import attendance, holds, people, runs
from tests.factories.trials import FINDINGS, OUTLOOK, TONIGHT, trial
from tests.sync.conftest import Place
from users.models import (
    Account,
    DietaryNeed,
    Guardian,
    LocalEdit,
    MedicalNote,
    SchoolClass,
    StaffMember,
    Student,
    Tie,
)
from users.roles import AbsenceMonitoring

NARROW = (360, 780)
WIDE = (1280, 900)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """The running product and the rows that journeys name."""

    url: str
    school: School
    child: Student  # with contacts and medical notes
    parents_child: Student  # of Jo Hart, who is staff, guardian and super user
    run: int
    running: int
    broken: Student  # whose surname arrived as MuÃ±oz
    contact: Guardian  # of `child`
    restricted: Tie  # of `child`
    teacher: StaffMember
    case: str  # the digest of a case with two records side by side
    willow: int  # the class that Jo Hart teaches, with somebody for each look of the morning
    code: int  # of a mark that nobody has explained
    fetched: int  # a run that read attendance marks
    place: Place  # a small school where ten students would go


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a school with its cast; everything is committed, and wiped by the owner at the end."""
    with django_db_blocker.unblock():
        school = people.school("northgate", "Northgate School", weekdays=[1, 2, 3, 4, 5, 6, 7])  # whatever day it is
        with scope.school(school.pk):
            child, parents_child = fill()
            run, running, case = fill_runs()
            willow = fill_attendance()
            code, fetched = fill_clock()
        fill_joining()
        place = fill_waiting(tmp_path_factory.mktemp("cedar"))
        server = LiveServer("127.0.0.1")
        try:
            yield Site(
                url=server.url,
                school=school,
                child=child,
                parents_child=parents_child,
                run=run,
                running=running,
                case=case,
                place=place,
                willow=willow,
                code=code,
                fetched=fetched,
                **fill_people(school, child),
            )
        finally:
            server.stop()
            wipe()


def fill() -> tuple[Student, Student]:
    """Make the cast of the pictures."""
    jo = people.staff_member("Jo Hart", email="jo.hart@northgate-school.example", domain_recognised=True)
    kit = people.staff_member("Kit Moss", email="kit.moss@northgate-school.example", domain_recognised=True)
    names = "Ana Reyes|Łucja Żak|Zoë Muñoz|Kofi Mensah|Nguyễn Hoa|Sam Cole|Mei Li|Noah O’Brien|Aisha Rahman|Dev Rai"
    students = [
        people.student(name, year=str(3 + place % 4), form=f"{3 + place % 4}B", mis_email=None)
        for place, name in enumerate(names.split("|"))
    ]
    people.school_class("Willow", *students[:6], teacher=jo, subject="Registration")
    people.school_class("4B Mathematics", students[0], students[4], teacher=kit, subject="Mathematics")
    ana, tom = students[0], people.guardian("Tom Reyes", email="tom.reyes@mail.example", phone="07700 900123")
    people.tie(tom, ana, relationship="Father", priority=1, parental_responsibility=True)
    people.tie(
        people.guardian("Ines Reyes", email="ines.reyes@mail.example", phone=None),
        ana,
        relationship="Mother",
        priority=2,
    )
    people.tie(people.guardian("Ray Reyes", phone=""), ana, relationship="Uncle", restricted=True)
    contact = people.guardian("Jo Hart", email=jo.email, phone="07700 900456")
    people.tie(contact, students[1], relationship="Mother", priority=1)
    people.tie(contact, students[6], relationship="Step-mother", priority=2)
    MedicalNote.objects.create(student=ana, ref="1", condition="Asthma", details="Blue inhaler in the office")
    DietaryNeed.objects.create(student=ana, ref="1", need="No nuts")
    both = people.account("jo.hart@northgate-school.example")
    people.membership(both, staff_member=jo)
    people.membership(both, guardian=contact)
    people.super_user(jo)
    people.membership(people.account("kit.moss@northgate-school.example"), staff_member=kit)
    people.membership(people.account("tom.reyes@mail.example"), guardian=tom)
    people.account("dana@schoolsbuddy.example", is_support=True, is_superuser=True)
    return ana, students[1]


def fill_attendance() -> int:
    """Let the morning's marks say something different of each of the class, and somebody monitor absences."""
    mona = people.staff_member("Mona Ward", email="mona.ward@northgate-school.example", domain_recognised=True)
    people.membership(people.account(mona.email), staff_member=mona)
    people.role(mona, AbsenceMonitoring.key)
    runs.run(kind="attendance", kinds={})
    willow = SchoolClass.objects.get(name="Willow")
    ana, lucja, zoe, kofi, hoa, sam = Student.objects.filter(enrolments__school_class=willow).order_by("id")
    for student, meaning in ((ana, "present"), (lucja, "absent"), (zoe, "late"), (kofi, "unknown"), (hoa, "not taken")):
        attendance.mark(student, meaning)
        attendance.mark(student, "present", date=timezone.localdate() - datetime.timedelta(days=1))
    attendance.report(sam, part="morning")
    early = timezone.localdate() - datetime.timedelta(days=2)
    attendance.corrected(attendance.mark(zoe, "absent", date=early), "present")
    attendance.report(lucja, Guardian.objects.get(given_name="Jo"), first=early, note="A cold")
    return willow.pk


def fill_clock() -> tuple[int, int]:
    """Let marks come whose code nobody has explained, marks of a stranger, and days without school."""
    now = timezone.now()
    fetched = runs.run(kind="attendance", slot="morning", late=True, kinds={})
    attendance.mark(Student.objects.get(given_name="Dev"), "unknown", code="Zq")
    code = Code.objects.create(code="Zq", said="unknown", label="Zoo trip", first_seen_at=now)
    Code.objects.create(code="/", said="present", label="Present AM", first_seen_at=now)
    day = timezone.localdate()
    ParkedMark.objects.create(
        generation=1, student_ref="S-404", date=day, session="am", said="absent", fetched_at=now, run=fetched.pk
    )
    Closure.objects.create(
        first=day + datetime.timedelta(days=30), last=day + datetime.timedelta(days=40), name="Half-term"
    )
    return code.pk, fetched.pk


def fill_runs() -> tuple[int, int, str]:
    """Make a fortnight of finished runs, one of them with everything a report can show, and one under way."""
    link = runs.connection()
    night = timezone.now().replace(hour=2, minute=13, second=7)
    for ago in range(13, 0, -1):
        counts = {"students": {"arrived": ago % 4, "amended": ago * 7 % 31, "left": ago % 2}}
        runs.run(at=night, ago=ago, local_date=datetime.date(2026, 11, 23 - ago), counts=counts)
    last = runs.run(
        status="partial",
        at=night,
        local_date=datetime.date(2026, 11, 23),
        counts={
            "students": {"arrived": 9, "amended": 22, "left": 3, "held": 2},
            "guardians": {"arrived": 5, "amended": 19},
        },
        stages=[
            {"name": "extract", "seconds": 41, "note": "9 files, 1,284 rows"},
            {"name": "normalise", "seconds": 3, "note": "2 refusals"},
            {"name": "plan", "seconds": 1, "note": "58 changes"},
            {"name": "apply", "seconds": 8, "note": "2 held"},
            {"name": "report", "seconds": 0.2, "note": ""},
        ],
        remarks=["students.csv was read as Windows-1252; save it as UTF-8 to be sure of every letter."],
    )
    case = fill_conflicts(last)
    trial(link, kind="tonight", summary=TONIGHT)
    Refusal.objects.create(
        run=last,
        kind="students",
        ref="0041",
        reason="The date of birth lies in the future.",
        place="students.csv, line 14",
    )
    form = people.school_class("9B Latin", subject="Latin").pk
    exact = {"row": form, "was": {"subject": "Greek"}, "now": {"subject": "Latin"}}
    told = {"kind": "classes", "field": "subject", "old": "Greek", "new": "Latin"}
    runs.change(last, "9B Latin", "amend", person_id=form, exact=exact, **told)
    fill_quality(last)
    runs.change(last, "Noah O’Brien", new="3 · 3B", ref="118")
    runs.change(
        last,
        "Mei Li",
        "amend",
        kind="guardians",
        field="email",
        old="li@mail.example",
        new="mei.li@mail.example",
        ref="702",
    )
    runs.change(last, "Zoë Muñoz", "amend", field="family_name", old="MuÃ±oz", new="Muñoz", ref="207")
    runs.change(last, "Ana Reyes", kind="ties", new="Tom Reyes (Father)")
    runs.change(last, "Isla Robertson", "leave", new="2026-11-20", ref="90")
    runs.change(last, "Ana Reyes", kind="medical", new="")
    return last.pk, runs.run(status="running").pk, case


def fill_conflicts(run: Run) -> str:
    """Let some of everything wait after this run; return the digest of the case with records side by side."""
    tom = Guardian.objects.get(email="tom.reyes@mail.example")
    case = holds.id_reused(run, tom)
    holds.new_id(
        run, labels=["Ines Reyes"], reason="Ines Reyes comes with the new id 7021 and may be Ines Reyes (702)."
    )
    holds.departures(run, *(f"Child {place:03}" for place in range(130)))
    swap = holds.hold(
        run,
        "address moves",
        reason="Two guardians would swap their e-mail addresses.",
        labels=["Ian Ford", "Abe Stone"],
    )
    jo = Account.objects.get(email="jo.hart@northgate-school.example")
    holds.decision(swap, "keep", by=jo)
    going = holds.departures(run, "Ola Berg", "Ida Berg", kind="staff", reason="2 of 19 members of staff would go.")
    ends = timezone.now() + datetime.timedelta(days=1)
    holds.decision(going, "approve", by=jo, expires_at=ends, reason="They retired.")
    return case.digest


def fill_waiting(folder: Path) -> Place:
    """Make a small school whose second night has ten students fewer: they wait for a person, and nobody else does."""
    truth = crowd(students=60)
    school = people.school("cedar", "Cedar House School", timezone=truth.timezone, hue=262)
    SchoolDomain.objects.create(school=school, domain="cedar.example")
    place = Place(school=school, truth=truth, folder=folder)
    with scope.school(school.pk):
        connect(school=school, connector="csv_files", given={"folder": str(folder)})
    place.sync(1)
    students = next(path for path in folder.iterdir() if path.name.startswith("students"))
    lines = students.read_text(encoding="utf-8").splitlines(keepends=True)
    students.write_text("".join(lines[:-10]), encoding="utf-8")
    place.perform(2)
    with scope.school(school.pk):
        mira = people.staff_member("Mira Lind", email="mira.lind@cedar.example", domain_recognised=True)
        people.membership(people.account(mira.email), staff_member=mira)
        people.super_user(mira)
    return place


def fill_people(school: School, child: Student) -> dict[str, Any]:
    """Make what Reception's pages about people show: a broken name, ids, an edit, a block, and somebody deleted."""
    with scope.school(school.pk):
        broken = people.student("Lucía MuÃ±oz", year="4", form="4B", mis_email=None)
        contact, teacher = Guardian.objects.get(given_name="Tom"), StaffMember.objects.get(given_name="Kit")
        for kind, column, row, ref in (
            ("students", "student", child, "0118"),
            ("students", "student", broken, "0207"),
            ("guardians", "guardian", contact, "702"),
            ("staff", "staff_member", teacher, "31"),
        ):
            MisIdentity.objects.create(
                generation=1, kind=kind, external_id=ref, first_seen_on=datetime.date(2026, 9, 1), **{column: row}
            )
        at = timezone.now() - datetime.timedelta(days=2)
        Guardian.objects.filter(pk=contact.pk).update(phone="07700 900124")
        LocalEdit.objects.create(guardian=contact, field="phone", value="07700 900124", replaced="07700 900123", at=at)
        people.student("Mina Gone", status="left", left_on=datetime.date(2026, 11, 20))
        people.staff_member("Dee Leted", status="left", left_on=datetime.date(2026, 11, 20), deleted_at=at)
        restricted = Tie.objects.get(restricted=True)
        last = Run.objects.finished().latest("finished_at")
        runs.change(last, child.name, "amend", field="form", old="4A", new="4B", ref="0118", person_id=child.pk)
    return {"broken": broken, "contact": contact, "restricted": restricted, "teacher": teacher}


def fill_quality(last: Run) -> None:
    """Give the data faults of most kinds, one of which was put right, and a mailbox that is an office's."""
    before = Run.objects.filter(local_date=datetime.date(2026, 11, 14)).get()
    Run.objects.filter(pk__in=[before.pk, last.pk]).update(plan_hash="judged")
    runs.refuse(before, "guardians", "G-12", Fault.EMAIL, field="email", reason="The e-mail address is malformed.")
    for place, (name, fault) in enumerate([("Ines Grün", Fault.EMAIL), ("Kofi Addo", Fault.PLACEHOLDER)]):
        one = people.guardian(name, mis_email="")
        runs.identity(one, f"G-4{place}")
        for run in (before, last):
            runs.refuse(run, "guardians", f"G-4{place}", fault, field="email", place=f"guardians.csv, line {place + 9}")
    for place in range(6):
        one = people.guardian(f"Parent Number{place}", mis_email="office@mail.example")
        runs.identity(one, f"G-5{place}")
        runs.refuse(last, "guardians", f"G-5{place}", Fault.SHARED_ADDRESS, field="email")
    runs.refuse(last, "enrolments", "S-404", Fault.DANGLING, other_ref="C-1", field="student_ref")
    people.staff_member("Lea Moss", status="missing", missing_since=datetime.date(2026, 11, 20))
    people.guardian("Zoë MuÃ±oz", email="zoe.munoz@mail.example")


def fill_joining() -> None:
    """Make a school half-way through joining: tested, previewed, and not yet confirmed."""
    catalogue.load()
    school = people.school("birch", "Birch House School", hue=30)
    SchoolDomain.objects.create(school=school, domain="birch.example")
    sims = MisProduct.objects.get(name="SIMS")
    with scope.school(school.pk):
        lena = people.staff_member("Lena Bell", email="lena.bell@birch.example")
        people.membership(people.account(lena.email), staff_member=lena)
        people.super_user(lena)
        given = {"token": "a-token-for-journeys", "school": "A1234567890"}
        link = connect(school=school, connector="wonde", given=given, product=sims)
        trial(link, findings=FINDINGS)
        trial(link, kind="preview", summary=OUTLOOK, plan_hash="of the journeys")


def wipe() -> None:
    """Empty every table by the owner; the site's role may not."""
    connections["default"].close()
    with connections["owner"].cursor() as cursor:
        cursor.execute("truncate tenants_school, users_account, django_session cascade")


@pytest.fixture(scope="package")
def browser(site: Site) -> Iterator[Browser]:
    """A Chromium of the machine; after the rows, because Django writes nothing beside Playwright's event loop."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.fail("no Chromium: install one, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody at a browser, and everything the browser complained about."""

    context: BrowserContext
    page: Page
    site: Site
    complaints: list[str]

    def go(self, path: str) -> None:
        """Open a page of the site."""
        self.page.goto(f"{self.site.url}{path}")

    def sign_in(self, email: str) -> None:
        """Sign in by password."""
        self.go("/accounts/login/")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(people.PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda url: "/accounts/login" not in url)

    def theme(self, name: str) -> None:
        """Choose light or dark."""
        self.context.add_cookies([{"name": "theme", "value": name, "url": self.site.url}])

    def faults(self) -> list[str]:
        """Return what axe, the console and a look at the width find wrong with the page as it stands."""
        found = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wide = [f"{found} px too wide"] if found > 0 else []
        heard = len(self.complaints)
        violations = self._axe()
        del self.complaints[heard:]  # axe tries style sheets of its own, and the policy forbids them
        return wide + violations + self.complaints

    def _axe(self) -> list[str]:
        # The policy of the page forbids added scripts, as it should; only the debugger may bring axe in.
        session = self.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": f"{AXE};0"})
        violations: list[dict[str, Any]] = self.page.evaluate(
            "async rules => (await axe.run(document, {runOnly: rules})).violations", RULES
        )
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary'][:200]}"
            for rule in violations
            for node in rule["nodes"]
        ]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Any]:
    """Return a way to open a browser of a certain size."""
    opened: list[BrowserContext] = []

    def visitor(size: tuple[int, int] = WIDE, **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        context.set_default_timeout(8000)
        opened.append(context)
        page = context.new_page()
        complaints: list[str] = []

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                complaints.append(f"console: {message.text}")

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        return Visitor(context=context, page=page, site=site, complaints=complaints)

    yield visitor
    for context in opened:
        context.close()


def tab_to(visitor: Visitor, name: str) -> None:
    """Press Tab until the element in focus says this, as somebody without a mouse does."""
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        focused = visitor.page.evaluate(
            "(e => e.labels?.[0]?.innerText || e.ariaLabel || e.innerText || '')(document.activeElement)"
        )
        if name in focused:
            outline = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"no focus to be seen on {name}"
            return
    pytest.fail(f"no way to {name} by keyboard")
