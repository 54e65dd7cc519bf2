"""The only way a view gets a person: a stranger meets 404, who is known but may not meets 403."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from users import queries
from users.directory import MODELS
from users.models import Guardian, LocalEdit, Person, SchoolClass, Student, Tie
from users.queries import Standing
from users.roles import Can


def student_for(standing: Standing, pk: int, *, right: Can = Can.SEE_STUDENTS) -> Student:
    """Return a student of the open school to a member of staff who holds the right (R9, R34, R35).

    Raises:
        Http404: no such student here, or the account is no member of staff here.
        PermissionDenied: the right is missing; the message is the right to ask for.
    """
    if standing.staff_member is None:
        raise Http404("no such student")
    student = Student.objects.filter(pk=pk).first()
    if student is None:
        raise Http404("no such student")
    allow(standing, right)
    return student


def person_for(standing: Standing, kind: str, pk: int, *, right: Can = Can.SEE_SYNC) -> Person:
    """Return a student, guardian or member of staff of the open school, left or not, to who runs it (R9, R47).

    Raises:
        Http404: no such kind, no such person here, or the account is no member of staff here.
        PermissionDenied: the right is missing; the message is the right to ask for.
    """
    found = MODELS[kind].objects.filter(pk=pk).first() if kind in MODELS and standing.staff_member else None
    if found is None:
        raise Http404("no such person")
    allow(standing, right)
    return found


def tie_for(standing: Standing, pk: int) -> Tie:
    """Return a tie of the open school to who may edit people.

    Raises:
        Http404: no such tie here, or the account is no member of staff here.
        PermissionDenied: the right is missing.
    """
    found: Tie | None = Tie.objects.filter(pk=pk).select_related("guardian", "student").first()
    if found is None or standing.staff_member is None:
        raise Http404("no such tie")
    allow(standing, Can.EDIT_PEOPLE)
    return found


def edit_for(standing: Standing, pk: int) -> LocalEdit:
    """Return a correction of the open school to who may edit people.

    Raises:
        Http404: no such correction here, or the account is no member of staff here.
        PermissionDenied: the right is missing.
    """
    found: LocalEdit | None = LocalEdit.objects.filter(pk=pk).first()
    if found is None or standing.staff_member is None:
        raise Http404("no such correction")
    allow(standing, Can.EDIT_PEOPLE)
    return found


def class_for(standing: Standing, pk: int) -> SchoolClass:
    """Return a class of today to who teaches it, any class to who sees every student's marks (R16).

    Raises:
        Http404: no such class here, or one outside their own.
    """
    mine = queries.classes_taught(standing) if Can.SEE_MARKS not in standing.rights else queries.classes()
    found = mine.filter(pk=pk).first() if standing.staff_member else None
    if found is None:
        raise Http404("no such class")
    return found


def child_for(guardian: Guardian, pk: int) -> Student:
    """Return a student to whom this guardian has a tie in force (R50, R69).

    Raises:
        Http404: there is none; an ended or restricted tie is no tie.
    """
    child = queries.children_of(guardian).filter(pk=pk).first()
    if child is None:
        raise Http404("no such child")
    return child


def allow(standing: Standing, right: Can) -> None:
    """Let pass whoever holds the right.

    Raises:
        PermissionDenied: the right is missing; the message is the right to ask for.
    """
    if right not in standing.rights:
        raise PermissionDenied(right.value)
