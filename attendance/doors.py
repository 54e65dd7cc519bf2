"""The only way a view gets a report of an absence: whoever may not see it meets 404."""

from django.http import Http404

from attendance.models import AbsenceReport
from users import queries
from users.doors import allow
from users.models import Guardian
from users.queries import Standing
from users.roles import Can


def report_by(guardian: Guardian, pk: int) -> AbsenceReport:
    """Return a report that this guardian made about a child to whom they have a tie in force (R50, R81).

    Raises:
        Http404: there is none; another guardian's is none, and so is one's own once the tie is blocked or has ended.
    """
    found: AbsenceReport | None = (
        AbsenceReport.objects.filter(pk=pk, guardian=guardian, student__in=queries.children_of(guardian))
        .select_related("student")
        .first()
    )
    if found is None:
        raise Http404("no such report")
    return found


def report_for(standing: Standing, pk: int) -> AbsenceReport:
    """Return a report of the open school to whoever settles absences.

    Raises:
        Http404: no such report here, or the account is no member of staff here.
        PermissionDenied: the right is missing.
    """
    found: AbsenceReport | None = AbsenceReport.objects.filter(pk=pk).select_related("student", "guardian").first()
    if found is None or standing.staff_member is None:
        raise Http404("no such report")
    allow(standing, Can.SETTLE_ABSENCES)
    return found
