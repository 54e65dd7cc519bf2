"""What keeps syncs from ending well, whose turn it is, and in which words it is said."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.urls import reverse

from sync.models import Run, Trouble
from tenants import scope
from tenants.models import School
from users.roles import Can

LASTS: Final = datetime.timedelta(hours=24)  # a trouble that is as old is told whatever it is


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """A reason in words: what happened, what to do next, and on which page; one pair for the school, one for us."""

    what: str
    next: str
    ours: str
    page: str = "reception:runs"
    turn: Can | None = None  # the right of those at the school whose turn it is; None: it is ours alone
    tells_us: bool = True


OF: Final[Mapping[str, Words]] = {
    "refused": Words(
        what="your MIS no longer lets us in",
        next="Look in your MIS whether our access and its permissions are still in force. Then save the connection’s "
        "settings again. Nothing is read by itself until you have.",
        ours="It is the school’s turn; it was told. Help it if it asks.",
        page="reception:connection",
        turn=Can.CONNECT_MIS,
    ),
    "busy": Words(
        what="your MIS has not answered for some time",
        next="You need not do anything: we go on trying. If nobody is working on your MIS, ask whoever runs it.",
        ours="Look whether other schools with this partner have the same trouble, then ask the partner.",
        turn=Can.SEE_SYNC,
    ),
    "slow": Words(
        what="your MIS answers too slowly to be read to the end",
        next="You need not do anything: our people have been told.",
        ours="Look at the stages of the run, and ask the partner what takes so long.",
    ),
    "broken": Words(
        what="your MIS’s answer cannot be read",
        next="You need not do anything: our people have been told.",
        ours="Look at the run and at the pages that were kept of it; the source or our connector is to be corrected.",
    ),
    "internal": Words(
        what="a fault of ours keeps us from reading your MIS",
        next="You need not do anything: our people have been told.",
        ours="The log names the run, the kind of fault and its place.",
    ),
    "doubtful": Words(
        what="what your MIS says cannot be believed",
        next="Look at the lists in your MIS, or at the files you gave us, and put them right. If they are right, tell "
        "our support.",
        ours="Nobody at the school can be written to. Ask it whether this can be true.",
        turn=Can.DECIDE,
        tells_us=False,
    ),
    "held": Words(
        what="something waits for your decision",
        next="Look at each case and choose. Until then all of them stay as they are.",
        ours="Nobody at the school can be written to. Ask it to decide.",
        page="reception:conflicts",
        turn=Can.DECIDE,
        tells_us=False,
    ),
}
_UNKNOWN: Final = OF["internal"]
_READ: Final = {Run.Kind.ROSTER: "people and classes", Run.Kind.ATTENDANCE: "attendance marks"}


def words(trouble: Trouble) -> Words:
    """Return a trouble's words."""
    return OF.get(trouble.reason, _UNKNOWN)


def read(trouble: Trouble) -> str:
    """Return what the troubled runs read, for a reader: “people and classes”."""
    return _READ[Run.Kind(trouble.kind)]


def page(trouble: Trouble, school: School) -> str:
    """Return the address of the page on which the school does something about it."""
    name = words(trouble).page
    if trouble.reason == "held" and trouble.run.error:  # the first sync: it waits on a page of its own
        name = "reception:joining"
    return settings.SITE_URL + reverse(name, kwargs={"school": school.slug})


def our_page(trouble: Trouble) -> str:
    """Return the address of the run in the admin, to be seen inside a look-in."""
    return settings.SITE_URL + reverse("admin:sync_run_change", args=[trouble.run_id])


def open_here(*, kind: str = "") -> list[Trouble]:
    """Return the open school's troubles that are not over, the oldest first; one query."""
    found = Trouble.objects.filter(over_at=None, **({"kind": kind} if kind else {}))
    return list(found.select_related("run").order_by("since", "id"))


def open_everywhere() -> list[Trouble]:
    """Return every school's troubles that are not over, the oldest first, for our support; one query."""
    with scope.everywhere(reason="the troubles of all schools, for support"):
        return list(Trouble.objects.filter(over_at=None).select_related("school").order_by("since", "id"))


def to_go_round(*, at: datetime.datetime) -> list[School]:
    """Return the schools where a run has ended unheard, or a trouble lasts of which nobody was told."""
    with scope.everywhere(reason="schools whose troubles are to be looked at"):
        unheard = Run.objects.filter(unheard=True).values_list("school_id", flat=True)
        lasts = Trouble.objects.filter(over_at=None, told_at=None, since__lte=at - LASTS)
        found = {*unheard, *lasts.values_list("school_id", flat=True)}
    return list(School.objects.filter(pk__in=found).order_by("pk"))
