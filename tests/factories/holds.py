"""What waits for a person: one hold of each look, and decisions about them."""

import datetime
import hashlib
from typing import Any, Final

from django.utils import timezone

from sync.models import Decision, Hold, Run
from users.models import Guardian

KEEP: Final = {"key": "keep", "label": "Leave as it is", "effect": "Nothing changes until the MIS says something else."}
SAME: Final = {"key": "same", "label": "The same person", "effect": "They keep everything and take the new details."}
OTHER: Final = {"key": "other", "label": "Somebody new", "effect": "They are added, with nothing of anybody else."}


def hold(run: Run, case: str, **fields: Any) -> Hold:
    """Make a hold of a run; its digest is made from the case and the reason, so the same words are the same case."""
    reason = fields.pop("reason", f"Something about {case} waits.")
    return Hold.objects.create(
        **{
            "run": run,
            "case": case,
            "kind": "guardians",
            "reason": reason,
            "digest": hashlib.sha256(f"{case} {reason}".encode()).hexdigest(),
            "options": [KEEP],
            **fields,
        }
    )


def departures(run: Run, *names: str, **fields: Any) -> Hold:
    """Make a brake: these students would go."""
    approve = {"key": "approve", "label": f"Let these {len(names)} go", "effect": "The next sync lets them go."}
    reason = f"{len(names)} of 412 students would go, more than this school allows in one night. Nobody goes by itself."
    return hold(
        run,
        "departures",
        **{
            "kind": "students",
            "reason": reason,
            "labels": sorted(names),
            "refs": [str(place) for place in range(len(names))],
            "options": [approve, KEEP],
            **fields,
        },
    )


def id_reused(run: Run, ours: Guardian, *, ref: str = "702") -> Hold:
    """Make a case with two records side by side: the id of one of ours now describes somebody else."""
    held = [["given_name", ours.given_name], ["family_name", ours.family_name], ["email", ours.email]]
    said = [["given_name", ours.given_name], ["family_name", "Newcome"], ["phone", "07700 900999"]]
    return hold(
        run,
        "id reused",
        reason=f"The id {ref} belonged to {ours.given_name} {ours.family_name} and now describes somebody else.",
        labels=[f"{ours.given_name} {ours.family_name}"],
        refs=[ref],
        sides=[
            {"title": "What we hold", "kind": "guardians", "id": ours.pk, "ref": ref, "facts": held},
            {"title": "What the MIS says", "kind": "guardians", "id": None, "ref": ref, "facts": said},
        ],
        options=[KEEP, SAME],
    )


def new_id(run: Run, **fields: Any) -> Hold:
    """Make a case of somebody who may be known: nothing is at stake."""
    return hold(run, "new id", options=[KEEP, OTHER], **fields)


def decision(of: Hold, choice: str, **fields: Any) -> Decision:
    """Note what somebody decided about a hold, an hour ago unless told otherwise."""
    labels = {option["key"]: option["label"] for option in of.options}
    return Decision.objects.create(
        **{
            "digest": of.digest,
            "case": of.case,
            "kind": of.kind,
            "choice": choice,
            "says": f"{labels[choice]}. {of.reason}",
            "at": timezone.now() - datetime.timedelta(hours=1),
            **fields,
        }
    )
