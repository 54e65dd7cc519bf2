"""Who belongs to whom: what parents state, and what students confirm."""

from collections.abc import Iterator
from typing import Final

from sync.connectors.managebac.tables import Tables
from sync.connectors.managebac.wire import ParentRow, StudentRow
from sync.records import NOT_SHARED, Kind, Text, Tie, Unreadable

_ONE_SIDED: Final = (
    "This student names a parent whose own record cannot be read or does not name the student. The tie is neither "
    "made nor ended; open the student in ManageBac and set the parent again."
)
_NO_TIES: Final = "parents: neither parents nor students say who belongs to whom, so ties are not shared."


def ties(tables: Tables) -> Iterator[Tie | Unreadable]:
    """Yield the ties that parents state, and where a parent states none at all, those that students state.

    A parent whom only the student names, or who cannot be read, keeps the tie from being made and from being ended.
    """
    unsaid: Text = "" if _relationships_shared(tables) else NOT_SHARED
    for parent in tables.parents.present():
        yield from _stated_by_parent(parent, tables, unsaid)
    for student in tables.enrolled():
        yield from _stated_by_child(student, tables)


def known(tables: Tables) -> bool:
    """Whether all ties were read; those of an unreadable parent only if every student says who the parents are."""
    if not (tables.students.whole and tables.parents.whole and _ties_shared(tables)):
        return False
    told = "parent_ids" in tables.students.shared and not tables.students.spoilt and not tables.parents.nameless
    return told or not tables.parents.spoilt


def remarks(tables: Tables) -> Iterator[str]:
    """Say so if nobody says who belongs to whom."""
    if len(tables.parents) and not _ties_shared(tables):
        yield _NO_TIES


def _stated_by_parent(parent: ParentRow, tables: Tables, unsaid: Text) -> Iterator[Tie]:
    for child, relationship in _children(parent).items():
        if tables.may_be_student(child):
            said = NOT_SHARED if parent.children is None else relationship or unsaid
            yield Tie(student_ref=child, guardian_ref=parent.ref, relationship=said)


def _stated_by_child(student: StudentRow, tables: Tables) -> Iterator[Tie | Unreadable]:
    for ref in dict.fromkeys(map(str, student.parent_ids or ())):
        parent = tables.parents.get(ref)
        if parent and not parent.archived and parent.children is None and parent.child_ids is None:
            yield Tie(student_ref=student.ref, guardian_ref=ref)
        elif ref in tables.parents and not (parent and (parent.archived or student.ref in _children(parent))):
            yield Unreadable(kind=Kind.TIES, ref=student.ref, other_ref=ref, reason=_ONE_SIDED, place="students")


def _children(parent: ParentRow) -> dict[str, str | None]:
    """Return the relationship to each child that a parent names."""
    if parent.children is not None:
        return {str(child.id): child.relationship for child in parent.children}
    return dict.fromkeys(map(str, parent.child_ids or ()))


def _ties_shared(tables: Tables) -> bool:
    return bool(tables.parents.shared & {"children", "child_ids"} or "parent_ids" in tables.students.shared)


def _relationships_shared(tables: Tables) -> bool:
    return any(child.relationship for row in tables.parents.present() for child in row.children or ())
