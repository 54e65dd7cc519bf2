"""PostgreSQL and Redis together, and the environment that leads SchoolsBuddy to them.

`python -m local.services --name dev` runs the pair until Ctrl-C and prints the environment as export lines.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping

from local import keys, postgres, redis
from local.places import Place, claim_first_free
from local.processes import LOOPBACK, StartError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """A running pair with the secrets of its place."""

    place: Place
    keys: Mapping[str, str]
    postgres: postgres.Postgres
    redis: redis.Redis

    def environment(self, *, web_port: int = 8000, mail_port: int = 1) -> dict[str, str]:
        """Return the variables that `schoolsbuddy/settings.py` reads; without a mail catcher, mail is refused."""
        return {
            "DATABASE_URL": self.postgres.url(role="schoolsbuddy_app"),
            "DATABASE_OWNER_URL": self.postgres.url(role="schoolsbuddy_owner"),
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": self.keys["SECRET_KEY"],
            "FIELD_KEYS": self.keys["FIELD_KEYS"],
            "SITE_URL": f"http://localhost:{web_port}",
            "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
            "DEBUG": "0",
            "INSECURE_LOCAL": "1",
            "EMAIL_HOST": LOOPBACK,
            "EMAIL_PORT": str(mail_port),
            "DEFAULT_FROM_EMAIL": "SchoolsBuddy <hello@schoolsbuddy.example>",
            "FILES_DIR": str(self.place.home / "files"),
            "STATIC_ROOT": str(self.place.home / "static"),
            "DJANGO_SETTINGS_MODULE": "schoolsbuddy.settings",
        }


@contextlib.contextmanager
def running(place: Place, *, durable: bool = False) -> Iterator[Services]:
    """Run the place's PostgreSQL and Redis inside the block; the caller has claimed the place. Raises StartError."""
    held = keys.of(place.home)
    for name in ("postgres", "redis"):
        place.log(name).unlink(missing_ok=True)
    (place.home / "files").mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as started:
        database = postgres.start(place, keys=held, durable=durable)
        started.callback(database.stop)
        cache = redis.start(place, keys=held)
        started.callback(cache.stop)
        yield Services(place=place, keys=held, postgres=database, redis=cache)


STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Turn Ctrl-C, SIGTERM and SIGHUP into an exception, so that every `finally` runs and no server stays behind."""
    for number in STOPPING:
        # nohup has us ignore SIGHUP: that stays.
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, _leave)


def _leave(number: int, _frame: object) -> None:
    for further in STOPPING:  # a second signal must not cut the tidying short
        signal.signal(further, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def main() -> int:
    """Run the pair until it is told to stop."""
    asked = argparse.ArgumentParser(prog="python -m local.services", description=__doc__)
    asked.add_argument("--name", default="dev", help="folder below .local/ (default: dev)")
    name: str = asked.parse_args().name
    exit_on_signals()
    with contextlib.suppress(KeyboardInterrupt), claim_first_free(name) as place, running(place) as services:
        for variable, value in services.environment().items():
            print(f"export {variable}={shlex.quote(value)}")
        sys.stdout.flush()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StartError as fault:
        sys.exit(str(fault))
