"""What iSAMS says instead of data, and which of our four errors that is.

The texts of iSAMS are never quoted: they may name the key. Methods that they name are looked up in our own list.
"""

import io
import re
from typing import Final, NoReturn

from sync.connectors.isams.document import Document, Node
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Answer

METHODS: Final = {  # the list in the document → the method that the school ticks for the key
    "currentpupils": "Pupil_GetCurrentPupils",
    "contacts": "the student contacts",
    "currentstaff": "HumanResources_GetCurrentStaff",
    "forms": "School_GetSchoolForms",
    "years": "School_GetAllYears",
    "departments": "Teaching_GetDepartmentsAndSubjects",
    "sets": "Teaching_GetTeachingSets",
    "setlists": "Teaching_GetTeachingSetLists",
}
_METHOD: Final = re.compile(r"[a-z]+_[a-z]+", re.IGNORECASE)
_KNOWN: Final = {method.lower(): method for method in METHODS.values()}
# How SQL Server says that somebody else was in the way.
_PASSING: Final = re.compile(r"Rerun the transaction\.\s*$|^Lock request time out period exceeded\.")


def complain(message: Node) -> NoReturn:
    """Raise the error that a `<Message>` means.

    Raises:
        Refused: the key, or what the school ticked for it.
        Busy: iSAMS is in its own way, or does not want us now.
        Broken: anything else.
    """
    raise _error(message)


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


def fault_in(answer: Answer) -> SyncError | None:
    """Return what the body of an error says, None if it is no message of iSAMS."""
    try:
        for _ in Document(io.BytesIO(answer.body), complain=_complain_within).rows():
            return None
    except _SaidError as said:
        return said.fault
    except SyncError:
        return None  # a web page, or nothing: the status says all there is
    return None


class _SaidError(Exception):
    def __init__(self, fault: SyncError) -> None:
        super().__init__()
        self.fault = fault


def _complain_within(message: Node) -> NoReturn:
    raise _SaidError(_error(message))


def _error(message: Node) -> SyncError:
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


def _methods(description: str) -> str:
    named = sorted({_KNOWN[word.lower()] for word in _METHOD.findall(description) if word.lower() in _KNOWN})
    return ", ".join(named) or "see the list in the documentation"
