"""Who gets into staff pages: staff of the school, in staff mode, with the right that the view asks for."""

from collections.abc import Callable

from portals.gates import PortalRequest, View, guard
from users.models import StaffMember
from users.roles import Can


class StaffRequest(PortalRequest):
    """A request from a member of staff in staff mode."""

    staff_member: StaffMember


def gate(right: Can = Can.SEE_STUDENTS) -> Callable[[View], View]:
    """Guard a staff view; every member of staff may see students (R34)."""

    def decorate(view: View) -> View:
        return guard(view, mode="staff", right=right)

    return decorate
