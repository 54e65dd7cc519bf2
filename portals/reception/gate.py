"""Who gets into Reception: super users of the school (R45)."""

from collections.abc import Callable

from portals.gates import PortalRequest, View, guard
from users.models import StaffMember
from users.roles import Can


class ReceptionRequest(PortalRequest):
    """A request from somebody who runs the school here."""

    staff_member: StaffMember


def gate(right: Can = Can.SEE_SYNC) -> Callable[[View], View]:
    """Guard a Reception view."""

    def decorate(view: View) -> View:
        return guard(view, mode="reception", right=right)

    return decorate
