"""Troubles: one letter for each reason, not for each run. When one begins, whose turn it is is told; so is its end.

| Reason | Told | When |
|---|---|---|
| refused | the school's super users and us | at once, always: it begins again only after a person has mended it |
| doubtful, held | the super users; cases that come later, once a day | at once, but once a day |
| busy | the super users and us | once it has lasted: two slots, or a day |
| broken, slow, internal | us | at once; within a day of the last one's end, once it has lasted |

Whoever was told of a beginning is told of its end. Suspended schools and those that change their MIS get no letter.
"""

import datetime
import functools
import logging
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import transaction

from messaging import queries as letters
from messaging.operations import NoMailbox, Recipient, write
from sync import sentences
from sync.models import Connection, Run, Trouble
from sync.queries import holds, inbox, moving, troubles
from sync.queries.troubles import LASTS
from tenants import scope
from tenants.models import School
from users.queries import accounts_with

log = logging.getLogger(__name__)

HELD: Final = "held"
_SLOTS: Final = 2  # in so many slots a trouble was met when it has lasted
_ONCE_A_DAY: Final = frozenset({"doubtful", HELD})
_READ: Final = frozenset({Run.Status.OK, Run.Status.PARTIAL, Run.Status.HELD})  # the MIS was read and believed


@transaction.atomic
def hear(*, school: School, at: datetime.datetime) -> int:
    """Look at the runs that have ended at the open school, the earliest first; return how many nobody had looked at.

    Hearing of an end twice does nothing. What two workers would hear at the same time waits for its turn.
    """
    ended = list(Run.objects.select_for_update(no_key=True).filter(unheard=True).order_by("finished_at", "id"))
    for run in ended:
        if _matters(school, run):
            _look(school, run, at)
    Run.objects.filter(pk__in=[run.pk for run in ended]).update(unheard=False)
    return len(ended)


def go_round(*, at: datetime.datetime) -> int:
    """Hear what was not heard of because a message was lost, and tell of troubles that have lasted for a day.

    A school in which that fails is logged, and the next one has its turn. Returns how many schools were looked at.
    """
    found = troubles.to_go_round(at=at)
    for school in found:
        try:
            with scope.school(school.pk):
                hear(school=school, at=at)
                _tell_what_lasts(school, at)
        except Exception as fault:  # noqa: BLE001 - no other school waits for it
            log.error("troubles of school %s: %s", school.pk, type(fault).__name__)  # noqa: TRY400 - may quote rows
    return len(found)


def _matters(school: School, run: Run) -> bool:
    """Whether the end of a run says something about how this school's MIS is read."""
    if run.trigger == Run.Trigger.UNDO or run.status == Run.Status.CANCELLED or run.only:
        return False  # one person's run judges nothing of the others, and whoever asked for it sees how it ends
    if run.trigger == Run.Trigger.MIS_CHANGE and run.status == Run.Status.FAILED:
        return False  # whoever leads the change sees it on its page
    return _is_read(school) and Connection.objects.filter(active=True, generation=run.generation).exists()


def _is_read(school: School) -> bool:
    return school.status == School.Status.ACTIVE and not moving.frozen()


def _look(school: School, run: Run, at: datetime.datetime) -> None:
    waiting = _waiting(run, at)
    reason = run.error_kind if run.status == Run.Status.FAILED else HELD if waiting or run.error else ""
    if run.status in _READ:
        for trouble in troubles.open_here(kind=run.kind):
            if trouble.reason != reason:
                _over(school, trouble, at)
    if reason:
        _met(school, run, reason, waiting, at)


def _waiting(run: Run, at: datetime.datetime) -> list[str]:
    """Return the digests of what a run held and nobody has decided."""
    judged = holds.judged()
    if judged is None or judged.pk != run.pk:
        return []
    return [case.hold.digest for case in holds.cases(at=at) if not case.is_decided]


def _met(school: School, run: Run, reason: str, waiting: list[str], at: datetime.datetime) -> None:
    """Open the trouble of this reason, or count that it was met again; tell, if it is time."""
    open_ones = Trouble.objects.select_for_update().filter(kind=run.kind, reason=reason, over_at=None)
    says = run.error or f"{len(waiting):,} {'case' if len(waiting) == 1 else 'cases'} to decide."
    trouble: Trouble | None = open_ones.select_related("run").first()
    if trouble is None:
        since = run.finished_at or at
        trouble = Trouble.objects.create(kind=run.kind, reason=reason, says=says, since=since, last_at=since, run=run)
    else:
        trouble.says, trouble.last_at, trouble.run, trouble.times = says, run.finished_at or at, run, trouble.times + 1
        trouble.save(update_fields=["says", "last_at", "run", "times"])
    if trouble.told_at is None:
        if _is_to_be_told(school, trouble, at):
            _tell(school, trouble, "began", at)
    elif _day(school, trouble.told_at) < _day(school, at) and _has_come(waiting, since=trouble.told_at):
        _tell(school, trouble, f"more:{_day(school, at)}", at)


def _is_to_be_told(school: School, trouble: Trouble, at: datetime.datetime) -> bool:
    if trouble.reason == "refused":
        return True
    if trouble.reason != "busy" and not _told_lately(school, trouble, at):
        return True
    return at - trouble.since >= LASTS or _slots(trouble) >= _SLOTS


def _told_lately(school: School, trouble: Trouble, at: datetime.datetime) -> bool:
    """Whether the last trouble of this reason was told so lately that letters about another would be a flood."""
    before = Trouble.objects.filter(kind=trouble.kind, reason=trouble.reason, told_at__isnull=False)
    last = before.exclude(pk=trouble.pk).order_by("-told_at").first()
    if last is None or last.told_at is None or last.over_at is None:
        return False
    if trouble.reason in _ONCE_A_DAY:
        return _day(school, last.told_at) == _day(school, at)
    return at - last.over_at < LASTS


def _slots(trouble: Trouble) -> int:
    """Return in how many slots the trouble was met; what was tried again belongs to the slot of its first try."""
    met = Run.objects.filter(kind=trouble.kind, finished_at__gte=trouble.since).exclude(slot="")
    return met.exclude(status=Run.Status.CANCELLED).order_by().values("local_date", "slot").distinct().count()


def _has_come(waiting: list[str], *, since: datetime.datetime) -> bool:
    """Whether something waits that did not when people were last told."""
    return any(first > since for first in inbox.since_when(waiting).values())


def _tell_what_lasts(school: School, at: datetime.datetime) -> None:
    if not _is_read(school):
        return
    for trouble in Trouble.objects.select_for_update().filter(over_at=None, told_at=None, since__lte=at - LASTS):
        _tell(school, trouble, "began", at)


def _over(school: School, trouble: Trouble, at: datetime.datetime) -> None:
    trouble.over_at = at
    trouble.save(update_fields=["over_at"])
    told = letters.told(f"trouble:{trouble.pk}:began")
    theirs = [one for one in _super_users(trouble) if one.account in told]
    _write(school, trouble, "over", theirs, _ours() if None in told else [], at)


def _tell(school: School, trouble: Trouble, news: str, at: datetime.datetime) -> None:
    trouble.told_at = at
    trouble.save(update_fields=["told_at"])
    theirs = _super_users(trouble)
    _write(school, trouble, news, theirs, _ours() if troubles.words(trouble).tells_us or not theirs else [], at)


def _write(
    school: School,
    trouble: Trouble,
    news: str,
    theirs: Iterable[Recipient],
    ours: Iterable[Recipient],
    at: datetime.datetime,
) -> None:
    words = troubles.words(trouble)
    said = {
        "what": words.what,
        "read": troubles.read(trouble),
        "says": trouble.says,
        "since": sentences.moment(school.local(trouble.since), school.local(at)),
    }
    each = (
        (theirs, {"for_us": False, "next": words.next, "link": troubles.page(trouble, school)}),
        (ours, {"for_us": True, "next": words.ours, "link": troubles.our_page(trouble)}),
    )
    key, template = f"trouble:{trouble.pk}:{news}", f"trouble_{news.partition(':')[0]}"
    for to, more in each:
        write(key=key, to=to, template=template, context=said | more, by_school=school, at=at)


def _super_users(trouble: Trouble) -> list[Recipient]:
    """Return those at the school whose turn it is."""
    turn = troubles.words(trouble).turn
    return [Recipient.of(account) for account in accounts_with(turn)] if turn else []


def _ours() -> list[Recipient]:
    try:
        return [Recipient.ours(settings.SUPPORT_EMAIL)]
    except NoMailbox:
        _say_that_nobody_is_told()
        return []


@functools.cache
def _say_that_nobody_is_told() -> None:
    """Say it once a process, not once a letter."""
    log.warning("SUPPORT_EMAIL is no address: nobody of ours is told of troubles.")


def _day(school: School, at: datetime.datetime) -> datetime.date:
    return school.local(at).date()
