"""What the sync knows about one person: the ids their MIS gave them, and what ever happened to them (R13)."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django.core.paginator import Page, Paginator
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from sync import sentences
from sync.models import Change, Decision, Hold, MisIdentity, Refusal, Run
from sync.pipeline.roster import Fault
from sync.sentences import Sentence
from tenants.models import AuditEvent
from users.directory import COLUMNS, Feed, kind_of, ties_of
from users.models import Account, LocalEdit, Person
from users.operations.people import subject_of

ENTRIES_PER_PAGE: Final = 25
# Whose changes stand under a student's own row.
_ABOUT_STUDENTS: Final = ("students", "ties", "enrolments", "medical", "dietary")


def identities(person: Person) -> tuple[MisIdentity, ...]:
    """Return every id a MIS gave to a person, newest first: none is ever deleted (R23)."""
    found = MisIdentity.objects.filter(**{COLUMNS[kind_of(person)]: person})
    return tuple(found.order_by("-generation", "-id"))


def feed_about(person: Person, known: Iterable[MisIdentity]) -> Feed:
    """Return what the last run that reached the database could not take, or held back, about a person."""
    refs = [identity.external_id for identity in known]
    run = Run.objects.finished().rosters().order_by("-finished_at", "-id").first()
    if run is None or not refs:
        return Feed()
    here = {"run": run, "kind": kind_of(person)}
    faults = set(Refusal.objects.filter(**here, ref__in=refs, field="email").values_list("fault", flat=True))
    return Feed(
        malformed=not faults.isdisjoint({Fault.EMAIL, Fault.PLACEHOLDER}),
        mailbox=Fault.ROLE_MAILBOX in faults,
        held=Hold.objects.filter(_naming(refs), **here).exists(),
    )


def _naming(refs: Iterable[str]) -> Q:
    """Return what finds the holds that are about one of these ids."""
    found = Q(pk__in=[])
    for ref in refs:
        found |= Q(refs__contains=[ref])
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened to a person: what, who or what did it, and why. `run` leads to its report."""

    at: datetime.datetime
    sentence: Sentence
    by: str = ""
    why: str = ""
    run: int | None = None
    icon: str = "refresh-cw"


def history(person: Person, *, page: str | int | None = 1) -> "Page[Entry]":
    """Return what the sync, the school and our support did to or looked at of a person, newest first (R13, R63)."""
    subjects = [subject_of(person), *(f"tie:{tie.pk}" for tie in ties_of(person))]
    everything = _changes(person).union(_edits(person), _events(person, subjects), all=True)
    listed: Page[Any] = Paginator(everything.order_by("-moment", "-what", "-key"), ENTRIES_PER_PAGE).get_page(page)
    keys: dict[str, list[int]] = {"change": [], "edit": [], "event": []}
    for row in listed.object_list:
        keys[row["what"]].append(row["key"])
    found = _told(person, keys)
    listed.object_list = [found[row["what"], row["key"]] for row in listed.object_list]
    return listed


Rows = QuerySet[Any, dict[str, Any]]


def _keyed(rows: Any, what: str, at: Any) -> Rows:
    return cast("Rows", rows.order_by().values(what=Value(what, CharField()), key=F("pk"), moment=at))


def _changes(person: Person) -> Rows:
    kind = kind_of(person)
    kinds = _ABOUT_STUDENTS if kind == "students" else (kind,)
    rows = Change.objects.filter(kind__in=kinds, person_id=person.pk)
    return _keyed(rows, "change", Coalesce("run__finished_at", "run__queued_at"))


def _edits(person: Person) -> Rows:
    return _keyed(LocalEdit.objects.filter(**{COLUMNS[kind_of(person)]: person}), "edit", F("at"))


def _events(person: Person, subjects: list[str]) -> Rows:
    """Return the audit lines but those of a correction whose edit is listed, with its values, itself."""
    same = LocalEdit.objects.filter(**{COLUMNS[kind_of(person)]: person}, at=OuterRef("at"))
    rows = AuditEvent.objects.filter(subject__in=subjects).exclude(Q(action="person.corrected") & Exists(same))
    return _keyed(rows, "event", F("at"))


def _told(person: Person, keys: Mapping[str, list[int]]) -> dict[tuple[str, int], Entry]:
    """Return each entry under its key, in a query for each source, the approvals, and the names of who acted."""
    changes = Change.objects.filter(pk__in=keys["change"]).select_related("run")
    approvals = _approvals(person, changes)
    edits = LocalEdit.objects.filter(pk__in=keys["edit"]).select_related("by")
    events = list(AuditEvent.objects.filter(pk__in=keys["event"]))
    names = dict(Account.objects.filter(pk__in={event.actor_id for event in events}).values_list("pk", "email"))
    return {
        **{("change", change.pk): _change(change, approvals) for change in changes},
        **{("edit", edit.pk): _edit(edit) for edit in edits},
        **{("event", event.pk): _event(event, names.get(event.actor_id or 0, "")) for event in events},
    }


def _approvals(person: Person, changes: Iterable[Change]) -> dict[int, str]:
    """Return, by run, who approved that it did something about this person which would have waited (R12, R22)."""
    refs = {change.ref for change in changes if change.ref}
    about = Hold.objects.filter(_naming(refs), kind=kind_of(person)).values("digest")
    taken = Decision.objects.filter(run__in={change.run_id for change in changes}, digest__in=about)
    return {
        decision.run_id or 0: f"Approved by {decision.by or 'somebody'}: {decision.says}"
        for decision in taken.select_related("by").order_by("id")
    }


def _change(change: Change, approvals: Mapping[int, str]) -> Entry:
    run = change.run
    return Entry(
        at=run.finished_at or run.queued_at,
        sentence=sentences.say(change),
        by=f"{'Read alone on' if run.only else 'Sync of'} {run.local_date.day} {run.local_date:%B %Y}",
        why=" ".join(filter(None, (change.why, approvals.get(run.pk, "")))),
        run=run.pk,
    )


def _edit(edit: LocalEdit) -> Entry:
    return Entry(
        at=edit.at,
        sentence=sentences.corrected(edit.field, edit.replaced, edit.value),
        by=str(edit.by or ""),
        why=" ".join(filter(None, (edit.reason, f"No longer stands: {edit.closed_why}" if edit.closed_at else ""))),
        icon="pencil",
    )


# What an audit line says of a person; what is not listed is told by its own word.
_EVENTS: Final = {
    "person.corrected": "Corrected by hand",
    "person.edit_withdrawn": "Correction withdrawn",
    "identity.added": "Given a new MIS id by hand",
    "guardian.added": "Added by hand",
    "tie.added": "Tied by hand",
    "tie.ended": "Tie ended by hand",
    "tie.blocked": "Tie blocked for safety",
    "tie.unblocked": "Block of a tie lifted",
    "staff.deleted": "Deleted by hand",
    "staff.restored": "Restored",
    "role.granted": "Given a role",
    "medical.read": "Medical information opened",
}


def _event(event: AuditEvent, actor: str) -> Entry:
    words = _EVENTS.get(event.action, event.action.replace(".", ": ").replace("_", " ").capitalize())
    return Entry(
        at=event.at,
        sentence=sentences.plain(f"{words}."),
        by=actor or "SchoolsBuddy",
        why=event.reason,
        icon="eye" if event.action.endswith(".read") else "pencil",
    )
