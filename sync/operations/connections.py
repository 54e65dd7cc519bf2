"""Connecting a school to its MIS, and the files of schools that have none."""

import dataclasses
import datetime
import math
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from sync import registry
from sync.connector import Connector
from sync.connectors.csv_files.folder import ENDINGS, is_usable
from sync.http import PACE, Http, PageStore
from sync.models import Connection, MisProduct
from sync.pace import RedisPace
from sync.queries import moving
from sync.sftp import Sftp
from tenants.models import School
from tenants.operations import record


class BadSettings(ValueError):
    """The settings do not fit the connector; the message names each fault."""


class NotConnected(LookupError):
    """The school has no active connection."""


class Paused(Exception):
    """The MIS refused us and nothing is read by itself until somebody has mended it; the message is its reason."""


class Frozen(Paused):
    """The school’s MIS is being changed: until that is over nobody has anything read. The message names it (R25)."""


class NoFiles(ValueError):
    """There is nothing to place: a path is missing or holds no file that can be read."""


def default_folder(school: School) -> Path:
    """Return where a school's CSV files lie unless told otherwise."""
    return Path(settings.FILES_DIR) / school.slug


def check_settings(key: str, given: Mapping[str, Any]) -> Any:
    """Return the connector's own settings value.

    Raises:
        BadSettings: a setting is unknown, missing or refused.
        sync.registry.UnknownConnector: no such connector.
    """
    kind: Any = registry.connector(key).Settings
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(given.keys() - fields.keys())
    if unknown:
        raise BadSettings(f"{key} has no setting {', '.join(unknown)}; it has: {', '.join(fields) or 'none'}")
    missing = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in given]
    if missing:
        raise BadSettings(f"{key} needs: {', '.join(missing)}")
    try:
        return kind(**given)
    except (TypeError, ValueError) as fault:
        raise BadSettings(str(fault)) from fault


@transaction.atomic
def connect(
    *, school: School, connector: str, given: Mapping[str, Any], product: MisProduct | None = None
) -> Connection:
    """Make this the open school's active connection; settings not given keep their present value.

    Raises:
        BadSettings, sync.registry.UnknownConnector: nothing was changed.
    """
    connection = Connection.objects.filter(active=True).first() or Connection(connector=connector)
    same = connection.connector == connector
    values = {**(connection.settings if same else {}), **given}
    names = {field.name for field in dataclasses.fields(registry.connector(connector).Settings)}
    if "folder" in names:
        values.setdefault("folder", str(default_folder(school)))
    check_settings(connector, values)
    connection.connector, connection.settings, connection.paused_reason = connector, values, ""
    connection.product = product or (connection.product if same else None)
    connection.save()
    return connection


def active() -> Connection:
    """Return the open school's connection.

    Raises:
        NotConnected: there is none; the message says what to run.
    """
    connection = Connection.objects.filter(active=True).select_related("product").first()
    if connection is None:
        raise NotConnected("this school is not connected to a MIS yet: run manage.py connect_school first")
    return connection


def pause(*, connection: Connection, reason: str, at: datetime.datetime, by: int | None = None) -> None:
    """Read nothing more by itself, because somebody has told us so; the same reason again changes nothing."""
    if connection.paused_reason == reason:
        return
    connection.paused_reason = reason
    connection.save(update_fields=["paused_reason"])
    record(action="sync.paused", by=by, at=at, subject=f"connection:{connection.pk}", reason=reason)


@transaction.atomic
def go_on(*, by: int | None, at: datetime.datetime) -> None:
    """Read at night again, because a person says so; where nothing is paused, nothing changes.

    Raises:
        Frozen: the MIS itself is being changed, and that ends with the change (R25).
        NotConnected: there is nothing to read.
    """
    connection = active()
    if words := moving.frozen():
        raise Frozen(words)
    if not connection.paused_reason:
        return
    was, connection.paused_reason = connection.paused_reason, ""
    connection.save(update_fields=["paused_reason"])
    record(action="sync.resumed", by=by, at=at, subject=f"connection:{connection.pk}", reason=was)


def resume(*, was: str) -> None:
    """Note that the open school's MIS answers again, if it is still paused for the reason that it `was` paused for."""
    Connection.objects.filter(active=True, paused_reason=was).exclude(paused_reason="").update(paused_reason="")


def build(connection: Connection, http: Http) -> Connector:
    """Return the connector of a connection, with its settings; nothing is fetched yet."""
    kind = registry.connector(connection.connector)
    sftp = Sftp(loopback=settings.INSECURE_LOCAL)
    return kind(check_settings(connection.connector, connection.settings), http, sftp=sftp)


@contextmanager
def reader(connection: Connection, *, pages: PageStore | None = None) -> Iterator[Connector]:
    """Yield the connector of a connection with a way out of its own, for one reading."""
    with way_out(pace=registry.connector(connection.connector).pace, pages=pages) as http:
        yield build(connection, http)


@contextmanager
def way_out(*, pace: float = PACE, pages: PageStore | None = None) -> Iterator[Http]:
    """Open the way to one partner, at the pace (requests per second to each of its hosts) that all workers share.

    Only the local demo may reach its own machine: there its simulators are, and they need no pace.
    """
    pace_of = dict.fromkeys(("127.0.0.1", "::1", "localhost"), math.inf)
    with (
        RedisPace(settings.REDIS_URL, pace_of, otherwise=pace) as shared,
        Http(pace=shared, pages=pages, loopback=settings.INSECURE_LOCAL) as http,
    ):
        yield http


def place_files(*, school: School, paths: Sequence[Path], at: datetime.datetime) -> Path:
    """Copy a school's files into a new batch of their own and point its connection at it.

    The batch is complete before it is used, so a run never reads half an upload. Returns the batch's folder.

    Raises:
        NoFiles: a path does not exist, or no file among them can be read.
        NotConnected: the school has no connection.
    """
    connection = active()
    batch = new_batch(school=school, at=at)
    gather(paths=paths, into=batch)
    put_in_force(connection, batch=batch)
    return batch


def new_batch(*, school: School, at: datetime.datetime) -> Path:
    """Return a folder that nobody has used yet, for files that come together; it is not made."""
    return default_folder(school) / f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def put_in_force(connection: Connection, *, batch: Path) -> None:
    """Have the next run read this batch."""
    connection.settings = {**connection.settings, "folder": str(batch), "place": "upload"}
    connection.save(update_fields=["settings"])


def gather(*, paths: Sequence[Path], into: Path) -> None:
    """Copy the files that can be read among these files and folders into one folder.

    Raises:
        NoFiles: a path does not exist, or no file among them can be read.
    """
    files = [file for path in paths for file in _usable_files(path)]
    if not files:
        raise NoFiles(f"no file was given that can be read ({', '.join(ENDINGS)})")
    into.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, into / file.name)


def _usable_files(path: Path) -> list[Path]:
    if not path.exists():
        raise NoFiles(f"{path} does not exist")
    if path.is_dir():
        return sorted(file for file in path.iterdir() if is_usable(file.name))
    return [path]
