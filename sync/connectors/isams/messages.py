"""What iSAMS says instead of data, and which of our four errors that is.

The texts of iSAMS are never quoted: they may name the key. Methods that they name are looked up in our own list.
"""

import io
import re
from typing import Final

from sync.connectors.isams.document import MESSAGE, Node, rows
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Answer

HEALTH: Final = "Pupil_GetCurrentPupilsHealth"
METHODS: Final = {  # the list in the document → the method that the school ticks for the key
    "currentpupils": "Pupil_GetCurrentPupils",
    "contacts": "the plain Student Contacts",
    "currentstaff": "HumanResources_GetCurrentStaff",
    "forms": "School_GetSchoolForms",
    "years": "School_GetAllYears",
    "departments": "Teaching_GetDepartmentsAndSubjects",
    "sets": "Teaching_GetTeachingSets",
    "setlists": "Teaching_GetTeachingSetLists",
}
_METHOD: Final = re.compile(r"[a-z]+_[a-z]+", re.IGNORECASE)
_KNOWN: Final = {method.lower(): method for method in (*METHODS.values(), HEALTH)}
# How SQL Server says that somebody else was in the way.
_PASSING: Final = re.compile(r"Rerun the transaction\.\s*$|^Lock request time out period exceeded\.")


def fault_of(message: Node) -> SyncError:
    """Return the error that a `<Message>` means: the key or its methods, a database in its own way, or unknown."""
    description = message.said("Description") or ""
    match message.said("MessageId"):
        case "InvalidApiKey":
            return Refused(
                "iSAMS does not know the batch API key, or it is switched off. Make or activate it in iSAMS, "
                "Control Panel › API Services Manager, and enter it here."
            )
        case "MethodsNotAllocatedToKeyException":
            return Refused(f"The batch API key of iSAMS lacks methods: {_methods(description)}. Tick them for the key.")
        case "FiltersRequiredException":
            return Refused(
                "The batch API key of iSAMS has a method that works with a filter only (as ContactAdvanced_GetContacts "
                "does). Untick it, and tick the plain Student Contacts instead."
            )
        case "UnhandledException" if _PASSING.search(description):
            return Busy("The database of iSAMS is busy with something else; it will be asked again later.")
    return Broken("iSAMS answered with an error that we do not know.")


def fault_in(answer: Answer) -> SyncError | None:
    """Return what the body of an error says, None if it is no message of iSAMS."""
    try:
        return next((fault_of(node) for name, node in rows(io.BytesIO(answer.body)) if name == MESSAGE), None)
    except SyncError:
        return None  # a web page, or nothing: the status says all there is


def explain(answer: Answer) -> str:
    """Return why a 401 or 403 came, "" if iSAMS does not say.

    Raises:
        Busy: it is no refusal but a throttle: a 403 with a message about something else than the key.
    """
    fault = fault_in(answer)
    if isinstance(fault, Refused):
        return str(fault)
    if isinstance(fault, Busy) or (answer.status == 403 and fault):
        raise Busy("iSAMS does not want to be asked so often; it will be asked again later.")
    return ""


def _methods(description: str) -> str:
    named = sorted({_KNOWN[word.lower()] for word in _METHOD.findall(description) if word.lower() in _KNOWN})
    return ", ".join(named) or "see the list in the documentation"
