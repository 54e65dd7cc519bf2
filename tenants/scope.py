"""The open school. A school is always open, or nothing answers (walls 2 and 3).

A scope *is* a database transaction: the open school is set with `set_config(…, true)`, local to it, so that nothing
leaks through a pooled connection. This module is the only importer of django-scopes.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django_scopes import get_scope, scope, scopes_disabled

log = logging.getLogger(__name__)

READER_ROLE = "schoolsbuddy_reader"

_open: ContextVar[int | None] = ContextVar("open_school", default=None)
_everywhere: ContextVar[bool] = ContextVar("everywhere", default=False)

View = TypeVar("View", bound=Callable[..., Any])
M = TypeVar("M", bound=models.Model)


class NoSchoolOpen(RuntimeError):
    """Something asked for a school's data while no school was open."""


class AnotherSchoolOpen(RuntimeError):
    """A school was to be opened inside another one, or everywhere inside a school."""


def current() -> int:
    """Return the id of the open school.

    Raises:
        NoSchoolOpen: none is open.
    """
    pk = _open.get()
    if pk is None:
        raise NoSchoolOpen("no school is open: open one with tenants.scope.school(…)")
    return pk


def is_open() -> bool:
    """Whether a school is open here."""
    return _open.get() is not None


@contextmanager
def school(pk: int) -> Iterator[None]:
    """Open the school with this id for one transaction; opening it again inside itself is a savepoint.

    Raises:
        AnotherSchoolOpen: a different school is open already.
    """
    if _everywhere.get():
        raise AnotherSchoolOpen(f"all schools are being read; stop that before opening school {pk}")
    already = _open.get()
    if already not in (None, pk):
        raise AnotherSchoolOpen(f"school {already} is open; close it before opening school {pk}")
    token = _open.set(pk)
    try:
        with scope(school=pk), transaction.atomic():
            _tell_database(str(pk))
            yield
            # A released savepoint keeps SET LOCAL, so an enclosing transaction must not go on with this school.
            if already is None:
                _tell_database("")
    finally:
        _open.reset(token)


@contextmanager
def everywhere(*, reason: str) -> Iterator[None]:
    """Read across all schools, said aloud: the database role changes to one that can only read.

    Raises:
        AnotherSchoolOpen: a school is open; nothing of it may be read together with others.
        ValueError: no reason was given.
    """
    if not reason.strip():
        raise ValueError("reading across schools needs a reason")
    if is_open():
        raise AnotherSchoolOpen("a school is open; close it before reading across schools")
    log.info("reading across schools: %s", reason)
    within = _everywhere.get()
    token = _everywhere.set(True)
    try:
        with scopes_disabled(), transaction.atomic():
            _take_role(READER_ROLE)
            yield
            if not within:
                _take_role("none")
    finally:
        _everywhere.reset(token)


def outside(view: View) -> View:
    """Mark a view that calls the outside (MIS, Stripe): the middleware leaves it without a scope; it opens its own."""
    view.outside_scope = True  # type: ignore[attr-defined] # a mark read by tenants.middleware
    return view


class OwnedManager(models.Manager[M]):
    """The manager of a school's own rows: it refuses every use without an open school (wall 2).

    django-scopes' own manager does the same from inside a function, where no type checker can follow it.
    """

    def get_queryset(self) -> models.QuerySet[M]:
        """Return the open school's rows, or everybody's inside `everywhere`.

        Raises:
            NoSchoolOpen: neither is the case.
        """
        state = get_scope()
        if not state.get("_enabled", True):
            return super().get_queryset()
        if "school" not in state:
            raise NoSchoolOpen(f"{self.model.__name__} belongs to a school, and none is open")
        return super().get_queryset().filter(school=state["school"])


def _tell_database(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('app.school', %s, true)", [value])


def _take_role(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('role', %s, true)", [role])
