"""`make demo`: five demo schools, everything running, until Ctrl-C.

`python -m local.demo [--night N] [--port 8000]`; `--wipe` forgets the demo (asks first unless FORCE=1).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time

from local import crew, postgres, processes, redis, services, stack
from local.places import InUseError, Place

PORTS_TRIED = 100
MAIL_PORT = 8025
CONTROL_PORT = 8085
LAST_NIGHT = 5


def main() -> int:
    """Run the demo until it is told to stop; 1 when something of it fell over."""
    found = _asked()
    services.exit_on_signals()
    place = Place(name=found.name)
    try:
        with place.claimed():
            return _wipe(place) if found.wipe else _run(place, night=found.night, port=found.port)
    except InUseError:
        print(f"The demo already runs from this checkout{_where(place)}. Stop it with Ctrl-C in its window first.")
        return 1
    except (processes.StartError, PermissionError) as fault:
        print(f"\n{fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def wipe(place: Place) -> None:
    """Remove everything a place keeps, ending what a killed predecessor left running. The caller has claimed it."""
    crew.end_leftovers(place)
    redis.end_leftover(place)
    postgres.wipe(place)
    shutil.rmtree(place.home)


def _run(place: Place, *, night: int, port: int) -> int:
    address = place.home / "address"
    crew.end_leftovers(place)  # before we look for ports: they may hold ours
    ports = _ports(web_port=port, mail_port=MAIL_PORT, control_port=CONTROL_PORT)
    try:
        with stack.running(place, **ports, night=night, durable=True) as site:
            address.write_text(site.url)
            print(_welcome(site, night=night), flush=True)
            return _watch(site)
    finally:
        address.unlink(missing_ok=True)


def _watch(site: stack.Stack) -> int:
    while True:
        fallen = site.crew.fallen()
        if fallen is not None:
            log = site.crew.place.log(fallen.name)
            print(f"\nThe process “{fallen.name}” ended (status {fallen.process.returncode}); stopping the rest.")
            print(processes.tail(log))
            return 1
        time.sleep(0.5)


def _welcome(site: stack.Stack, *, night: int) -> str:
    logins = site.logins()
    width = max((len(login["email"]) for login in logins.values()), default=0)
    lines = [
        f"  {name:<10} {login['email']:<{width}}  {login['password']}   {site.url}{login.get('home', '/')}"
        for name, login in logins.items()
    ]
    return "\n".join(
        [
            "",
            f"SchoolsBuddy      {site.url}/",
            f"Mail it sent      {site.mail_url}/",
            f"The schools' MISs {site.control_url}/  move a night, switch a fault on",
            *(["", "Sign in as", *lines] if lines else []),
            "",
            "Ctrl-C stops everything. Next time:",
            *(
                [f"  make demo NIGHT={night + 1}   moves the schools' world on by a night"]
                if night < LAST_NIGHT
                else []
            ),
            "  make reset          begins anew",
        ]
    )


def _ports(**wanted: int) -> dict[str, int]:
    """Find a free port for each, none of them twice. Raises StartError when there is none."""
    found: dict[str, int] = {}
    for name, first in wanted.items():
        tried = (port for port in range(first, first + PORTS_TRIED) if port not in found.values())
        free = next((port for port in tried if processes.is_free(port)), None)
        if free is None:
            raise processes.StartError(f"ports {first} to {first + PORTS_TRIED - 1} are all taken; give another --port")
        if free != first:
            print(f"Port {first} is taken, so this uses {free}.")
        found[name] = free
    return found


def _where(place: Place) -> str:
    file = place.home / "address"
    return f" at {file.read_text()}" if file.exists() else ""


def _wipe(place: Place) -> int:
    if os.environ.get("FORCE") != "1":
        try:
            answer = input(f"Remove the demo's data in {place.home}? [y/N] ")
        except EOFError:
            print("\nNobody answered, so nothing was removed; FORCE=1 does not ask.")
            return 1
        if answer.strip().lower() not in {"y", "yes"}:
            print("Nothing was removed.")
            return 0
    wipe(place)
    print("The demo is gone; `make demo` makes a new one.")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Run the demo until Ctrl-C.")
    parser.add_argument(
        "--night", type=int, default=1, choices=range(1, LAST_NIGHT + 1), help="the night of the demo world, 1 to 5"
    )
    parser.add_argument("--port", type=int, default=8000, help="the site's port; the next free one if it is taken")
    parser.add_argument("--name", default="demo", help=argparse.SUPPRESS)
    parser.add_argument("--wipe", action="store_true", help="forget the demo")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
