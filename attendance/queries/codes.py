"""Codes of the open school: what they mean, and which nobody has explained (R15)."""

from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from attendance.models import Code, Mark, Meaning

_UNEXPLAINED = Q(meaning="", said=Meaning.UNKNOWN)


def codes() -> "QuerySet[Code]":
    """Return every code that came, those first that nobody has explained, each with the `number` of its marks."""
    marks = Mark.objects.filter(code=OuterRef("code")).order_by().values("code").annotate(number=Count("id"))
    number = Coalesce(Subquery(marks.values("number"), output_field=IntegerField()), 0)
    waits = Case(When(_UNEXPLAINED, then=Value(0)), default=Value(1))
    found: QuerySet[Code] = (
        Code.objects.annotate(number=number, waits=waits).select_related("decided_by").order_by("waits", "code")
    )
    return found


def code(pk: int) -> Code | None:
    """Return one code of the open school, or None."""
    return codes().filter(pk=pk).first()


def unexplained() -> int:
    """Return how many codes nobody has explained."""
    return int(Code.objects.filter(_UNEXPLAINED).count())
