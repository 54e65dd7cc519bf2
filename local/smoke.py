"""`make smoke`: the whole demo unattended, on free ports, in a throw-away place; then its pages, opened as real people.

One line for each check; the exit status is 0 only if all are ok; nothing keeps running and nothing stays on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sys
import time
from collections.abc import Iterator

from local import demo, places, processes, services, stack
from local.places import InUseError, Place
from local.visitor import Page, RefusedError, Visitor
from local.world.model import SchoolWorld
from local.world.profiles import DEMO


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A page somebody opens. `{home}` is the person's own front page.

    `follow`: the pattern of a link on that page to open instead. `shows`: a pattern its text must have; it is reported.
    """

    who: str
    what: str
    path: str
    follow: str = ""
    shows: str = ""


def _first_night(school: SchoolWorld) -> Check:
    """Open the report of a school's only run, which ended well and names the MIS it was read from."""
    return Check(
        who="reception" if school.slug == "northgate" else school.slug,
        what=f"{school.slug}'s run",
        path="{home}runs/",
        follow=r"{home}runs/\d+/",
        shows=rf"Finished {school.mis_product}\b",
    )


CHECKS = (
    Check(who="staff", what="students list", path="{home}", shows=r"[\d,]+ students"),
    Check(who="staff", what="a student", path="{home}", follow=r"{home}students/\d+/"),
    Check(who="parent", what="home", path="{home}"),
    Check(who="reception", what="runs", path="{home}runs/"),
    *(_first_night(profile.school) for profile in DEMO),
    Check(who="support", what="schools in the admin", path="/admin/tenants/school/", shows=f"{len(DEMO)} schools"),
)


def main() -> int:
    """Run it all; 0 when every check is ok."""
    services.exit_on_signals()
    sweep()
    place = Place(name=f"smoke-{os.getpid()}")
    begun = time.monotonic()
    with place.claimed():
        try:
            ports = {name: processes.free_port() for name in ("web_port", "mail_port", "control_port")}
            with stack.running(place, **ports, night=1, durable=False) as site:
                results = [_report(check, site=site) for check in CHECKS]
                _explain(site, results)
        except processes.StartError as fault:
            print(f"FAIL {fault}")
            results = [False]
        finally:
            demo.wipe(place)
    print(f"{sum(results)} of {len(CHECKS)} ok in {time.monotonic() - begun:.0f} s")
    return 0 if all(results) else 1


def sweep() -> None:
    """Remove what smoke runs that were killed have left, servers included."""
    for folder in sorted((places.ROOT / ".local").glob("smoke-*")):
        place = Place(name=folder.name)
        with contextlib.suppress(InUseError), place.claimed():
            demo.wipe(place)


def _report(check: Check, *, site: stack.Stack) -> bool:
    try:
        found = look(check, site=site)
    except (RefusedError, OSError, LookupError) as fault:
        print(f"FAIL {check.who}: {check.what}: {fault}", flush=True)
        return False
    print(f"ok   {check.who}: {check.what} {found}", flush=True)
    return True


def look(check: Check, *, site: stack.Stack) -> str:
    """Sign in, open the page, look at it; what was seen, in words. Raises LookupError, RefusedError or OSError."""
    login = site.logins().get(check.who)
    if login is None:
        raise LookupError(f"the seed wrote no login called {check.who}")
    visitor = Visitor(site.url)
    visitor.sign_in(email=login["email"], password=login["password"])
    page = _good(visitor.get(check.path.format(home=login["home"])))
    if check.follow:
        pattern = check.follow.replace("{home}", re.escape(login["home"]))
        link = page.link(pattern)
        if link is None:
            raise LookupError(f"{page.path} has no link like {pattern}")
        page = _good(visitor.get(link))
    return ", ".join([str(page.status), *_shown(page, check.shows)])


def _good(page: Page) -> Page:
    if page.status != 200:
        raise LookupError(f"{page.path} answered {page.status}: {page.text[:200]}")
    return page


def _shown(page: Page, pattern: str) -> Iterator[str]:
    if pattern:
        found = re.search(pattern, page.text)
        if found is None:
            raise LookupError(f"{page.path} does not show “{pattern}” but: {page.text[:300]}")
        yield found[0]


def _explain(site: stack.Stack, results: list[bool]) -> None:
    """Show the ends of the logs before they go, if anything failed."""
    if not all(results):
        for name in ("web", "worker", "simulators", "seed"):
            print(processes.tail(site.crew.place.log(name), lines=40))


if __name__ == "__main__":
    sys.exit(main())
