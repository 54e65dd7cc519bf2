"""What becomes of a correction made by hand when the MIS speaks again (R65, R66).

=================  ====================  ===================  ==============  ======================
The MIS            says what was wrong   says something new   says nothing    says what we corrected
=================  ====================  ===================  ==============  ======================
a name, a title    the edit stays        the MIS wins         the edit stays  they agree: it ends
a phone            the MIS wins          the MIS wins         the edit stays  they agree: it ends
an address         the MIS wins          the MIS wins         the edit stays  they agree: it ends
… it may not use   the edit stays        the edit stays       –               –
=================  ====================  ===================  ==============  ======================

Of somebody who is missing the MIS says nothing. Who may use which address is decided in `emails`.
"""

import enum
from collections.abc import Iterator, Mapping
from typing import Final

from sync.pipeline.held import PEOPLE, Edit, Held, Snapshot, Value
from sync.pipeline.plan.model import EditEnd
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Kind

REPLACED: Final = "Your correction was replaced by your MIS."
AGREED: Final = "Your MIS now says what you corrected."
UNUSABLE: Final = "The address you gave may no longer be used here."


class Ruling(enum.Enum):
    """What becomes of an edit tonight."""

    STAYS = ""
    AGREED = AGREED
    REPLACED = REPLACED
    UNUSABLE = UNUSABLE


def ruling(field: str, edit: Edit, says: object) -> Ruling:
    """Judge the edit of a name or a phone by what the MIS says of it."""
    if says is NOT_SHARED or not says:
        return Ruling.STAYS
    if says == edit.value:
        return Ruling.AGREED
    if says == edit.replaced and field != "phone":  # which is corrected until tonight only
        return Ruling.STAYS
    return Ruling.REPLACED


def stands(held: Held, field: str, says: Value) -> bool:
    """Whether an edit keeps this value of the MIS out."""
    edit = held.edits.get(field)
    return edit is not None and ruling(field, edit, says) is Ruling.STAYS


def why(held: Held, field: str) -> str:
    """Return what to say of a change to this field: whether it replaces a correction."""
    return REPLACED if field in held.edits else ""


def ends(
    snapshot: Snapshot,
    roster: Roster,
    doubted: Mapping[Kind, set[str]],
    addresses: Mapping[tuple[Kind, int], tuple[str, str]],
) -> tuple[EditEnd, ...]:
    """Return the edits that end tonight; `addresses` gives each row's (ref, address from now on)."""
    found = (
        end
        for kind in PEOPLE
        for row, held in snapshot.records[kind].items()
        if held.edits
        for end in _ends_of(snapshot, roster, doubted, kind, held, addresses[kind, row])
    )
    return tuple(sorted(found, key=lambda end: (end.kind, end.id, end.field)))


def _ends_of(
    snapshot: Snapshot,
    roster: Roster,
    doubted: Mapping[Kind, set[str]],
    kind: Kind,
    held: Held,
    address: tuple[str, str],
) -> Iterator[EditEnd]:
    ref, now = address
    record = None if ref in doubted.get(kind, ()) else roster.of(kind).get(ref)
    for field, edit in held.edits.items():
        says = getattr(record, field, NOT_SHARED)
        judged = _of_address(edit, says, now) if field == "email" else ruling(field, edit, says)
        if judged is not Ruling.STAYS:
            yield EditEnd(
                kind=kind,
                id=held.id,
                field=field,
                label=snapshot.name(kind, held.id),
                old=edit.value,
                new=now if field == "email" else str(says),
                why=judged.value,
            )


def _of_address(edit: Edit, says: object, now: str) -> Ruling:
    """Judge the edit of an address by what came of it: `now` is what the person uses from tonight."""
    if now == edit.value:
        return Ruling.AGREED if says == now else Ruling.STAYS
    return Ruling.REPLACED if now and says == now else Ruling.UNUSABLE
