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
from sync.http import Http
from sync.models import Connection, MisProduct
from sync.pace import RedisPace
from tenants.models import School


class BadSettings(ValueError):
    """The settings do not fit the connector; the message names each fault."""


class NotConnected(LookupError):
    """The school has no active connection."""


class Paused(Exception):
    """The MIS refused us and nothing is read by itself until somebody has mended it; the message is its reason."""


class NoFiles(ValueError):
    """There is nothing to place: a path is missing or holds no CSV file."""


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


def resume() -> None:
    """Note that the open school's MIS answers again."""
    Connection.objects.filter(active=True).exclude(paused_reason="").update(paused_reason="")


def build(connection: Connection, http: Http) -> Connector:
    """Return the connector of a connection, with its settings; nothing is fetched yet."""
    return registry.connector(connection.connector)(check_settings(connection.connector, connection.settings), http)


@contextmanager
def way_out() -> Iterator[Http]:
    """Open the way to the partners for one reading, at the pace all workers share.

    Only the local demo may reach its own machine: there its simulators are, and they need no pace.
    """
    pace_of = dict.fromkeys(("127.0.0.1", "::1", "localhost"), math.inf)
    with (
        RedisPace(settings.REDIS_URL, pace_of) as pace,
        Http(pace=pace, loopback=settings.INSECURE_LOCAL) as http,
    ):
        yield http


def place_files(*, school: School, paths: Sequence[Path], at: datetime.datetime) -> Path:
    """Copy a school's CSV files into a new batch of their own and point its connection at it.

    The batch is complete before it is used, so a run never reads half an upload. Returns the batch's folder.

    Raises:
        NoFiles: a path does not exist, or there is no .csv among them.
        NotConnected: the school has no connection.
    """
    connection = active()
    batch = default_folder(school) / f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    gather(paths=paths, into=batch)
    connection.settings = {**connection.settings, "folder": str(batch)}
    connection.save(update_fields=["settings"])
    return batch


def gather(*, paths: Sequence[Path], into: Path) -> None:
    """Copy the CSV files among these files and folders into one folder.

    Raises:
        NoFiles: a path does not exist, or there is no .csv among them.
    """
    files = [file for path in paths for file in _csv_files(path)]
    if not files:
        raise NoFiles("no .csv file was given")
    into.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, into / file.name)


def _csv_files(path: Path) -> list[Path]:
    if not path.exists():
        raise NoFiles(f"{path} does not exist")
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix.lower() == ".csv")
    return [path]
