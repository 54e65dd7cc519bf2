"""What each kind of case is called, and what it means."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from sync.pipeline.plan.model import Case


@dataclasses.dataclass(frozen=True)
class Heading:
    """How a kind of case is called, and what it means."""

    title: str
    about: str


HEADINGS: Final[Mapping[Case, Heading]] = {
    Case.ID_REUSED: Heading(
        "An id that was used again",
        "An id of your MIS now describes somebody else. Nobody is ever given another person’s record.",
    ),
    Case.IDS_SWAPPED: Heading(
        "Ids that changed places",
        "Ids of your MIS now describe one another’s people. Nothing moves from one to the other by itself.",
    ),
    Case.NEW_ID: Heading(
        "Somebody new, or somebody you know",
        "A new id may belong to somebody who is here already. Two records of one person are as wrong as one of two.",
    ),
    Case.ADDRESS_MOVES: Heading(
        "An address that would move",
        "An e-mail address would go from one person to another, and one of them uses it.",
    ),
    Case.ADDRESS_SHARED: Heading(
        "Two people, one address",
        "Two records have one e-mail address, and their names differ.",
    ),
    Case.ROLE_LEAVES: Heading(
        "Somebody with a role would leave",
        "The feed no longer names somebody whom your school gave a role, and its absence counts as leaving.",
    ),
    Case.DEPARTURES: Heading(
        "Many would go at once",
        "More would go in one night than your school allows. A feed that lost its pages looks just like this.",
    ),
    Case.ID_SCHEME: Heading(
        "People who seem to be numbered anew",
        "So many ids changed in one night that your MIS may number people anew.",
    ),
    Case.EMPTY: Heading(
        "A list without a row",
        "A list that had rows came empty. That is never taken for everybody leaving.",
    ),
    Case.UNREADABLE: Heading(
        "A list with too many faults",
        "So many rows cannot be used that the others may be wrong too.",
    ),
}


_ELSE: Final = Heading("Something else that waits", "The sync would not do this by itself.")
ORDER: Final = {case.value: place for place, case in enumerate(HEADINGS)}


def heading(case: str) -> Heading:
    """Return the heading of a kind of case, by the word a hold keeps."""
    return HEADINGS.get(Case(case), _ELSE) if case in ORDER else _ELSE
