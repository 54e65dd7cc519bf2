"""Writes an undo into the open school, whole sets at a time, in the caller's transaction.

As in `apply`, addresses are given up before addresses are taken, because the unique index looks at every row.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from sync.models import Change, Run
from sync.pipeline.apply import CHANGE, ChangeRow
from sync.pipeline.exact import Exact, Facts, encoded
from sync.pipeline.held import PEOPLE
from sync.pipeline.snapshot import ENDS, MODELS, STAKE_WORDS
from sync.pipeline.undoing import Done, Restore
from sync.records import Kind
from tenants import bulk
from tenants.models import School
from users.emails import dummy_address
from users.folding import fold
from users.models import Tie

_NAMES: Final = ("family_name", "given_name", "preferred_name")
_PLACES: Final = (Kind.ENROLMENTS, Kind.TEACHING)


def restore(restores: Iterable[Restore], *, run: Run, school: School, why: str) -> None:
    """Put every record back, and record it on the run that undoes, as exactly as the first time."""
    by_kind: dict[Kind, list[Restore]] = defaultdict(list)
    for one in restores:
        by_kind[one.done.kind].append(one)
    for kind in PEOPLE:
        _readdress(kind, by_kind[kind], school)
    for kind in (*PEOPLE, Kind.CLASSES):
        _set(kind, ((one.done.row, one.to or {}) for one in by_kind[kind]))
        _refold(kind, by_kind[kind])
    ties = (
        {(one, other): row for row, one, other in Tie.objects.values_list("id", *ENDS[Kind.TIES])}
        if by_kind[Kind.TIES]
        else {}
    )
    _set(Kind.TIES, ((ties[_ends(one.done)], one.to or {}) for one in by_kind[Kind.TIES]))
    for kind in _PLACES:
        _places(kind, by_kind[kind])
    changes = (_change(one, why) for all_of in by_kind.values() for one in all_of)
    bulk.insert(Change, CHANGE, ((run.pk, *change) for change in changes))


def _readdress(kind: Kind, restores: Iterable[Restore], school: School) -> None:
    """Put a dummy in place of every address that changes, before anybody takes one."""
    new = {one.done.row or 0: one.to["email"] for one in restores if one.to and "email" in one.to}
    if not new:
        return
    dummy = {row: dummy_address(school=school.slug, kind=STAKE_WORDS[kind], number=row) for row in new}
    columns = ("id", "email", "email_is_dummy")
    bulk.amend(MODELS[kind], columns, ((row, dummy[row], True) for row in new))
    bulk.amend(MODELS[kind], columns, ((row, address, False) for row, address in new.items() if address))


def _set(kind: Kind, rows: Iterable[tuple[int | None, Facts]]) -> None:
    """Set the columns of each row, all rows with the same columns at once."""
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row, to in rows:
        columns = tuple(sorted(to.keys() - {"email"}))
        alike[columns].append((row, *(to[name] for name in columns)))
    for columns, values in alike.items():
        if columns:
            bulk.amend(MODELS[kind], ("id", *columns), values)


def _refold(kind: Kind, restores: Iterable[Restore]) -> None:
    """Fold the names anew that have changed."""
    named = [one.done.row for one in restores if not (one.to or {}).keys().isdisjoint(_NAMES)]
    if not named or kind not in PEOPLE:
        return
    names = _NAMES if kind is Kind.STUDENTS else _NAMES[:2]
    found = MODELS[kind]._default_manager.filter(pk__in=named).values_list("id", *names)  # noqa: SLF001 the scoped one
    bulk.amend(MODELS[kind], ("id", "folded"), [(row, fold(*values)) for row, *values in found])


def _places(kind: Kind, restores: Iterable[Restore]) -> None:
    """Take places in classes away, or give them back."""
    gone = {_ends(one.done) for one in restores if one.to is None}
    back = [_ends(one.done) for one in restores if one.to is not None]
    if gone:
        one, other = ENDS[kind]
        found = MODELS[kind]._default_manager.filter(**{f"{one}__in": {ends[0] for ends in gone}})  # noqa: SLF001 the scoped one
        pairs = found.values_list("id", one, other)
        bulk.delete(MODELS[kind], [row for row, first, second in pairs if (first, second) in gone])
    if back:
        bulk.insert(MODELS[kind], ENDS[kind], back)


def _ends(done: Done) -> tuple[int, int]:
    """Return the two ends of a link.

    Raises:
        ValueError: it is none; nothing that is not known to the letter is ever restored.
    """
    if done.exact is None or done.exact.ends is None:
        raise ValueError("not a link")
    return done.exact.ends


def _change(one: Restore, why: str) -> ChangeRow:
    done, before = one.done, one.done.exact or Exact()
    exact = encoded(Exact(row=before.row, ends=before.ends, was=one.was, now=one.to))
    return (one.kind.value, done.row, one.label, done.ref, one.action, one.field, one.old, one.new, why, exact)
