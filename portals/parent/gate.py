"""Who gets into parent pages: guardians in parent mode, with a guardian's rights only, whatever else they are (R41)."""

from portals.gates import PortalRequest, View, guard
from users.models import Guardian


class ParentRequest(PortalRequest):
    """A request from a guardian in parent mode."""

    guardian: Guardian


def gate(view: View) -> View:
    """Guard a parent view; which child may be seen is the door's business (users.doors)."""
    return guard(view, mode="parent", right=None)
