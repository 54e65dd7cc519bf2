"""The Batch API: for one key one document, which is everything that the school ticked for it. Only GET (R20)."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from sync.connectors.isams.document import MESSAGE, Node, rows
from sync.connectors.isams.messages import explain, fault_in, fault_of
from sync.connectors.isams.settings import IsamsSettings
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from sync.keys import Bearer

_PATH: Final = "/api/batch/1.0/xml.ashx"
# Statuses with which iSAMS may say in a `<Message>` that the key is set up wrongly; which one it takes is not known.
_UNHANDLED: Final = 500
_ANSWERED: Final = frozenset({200, 400, 404, 405, _UNHANDLED})


def document(http: Http, settings: IsamsSettings, key: str) -> Iterator[tuple[str, Node]]:
    """Yield each row with the name of its list in lower case; it ends without an error only if the document ends.

    Raises:
        Refused, Busy, Broken: see `sync.errors`; also in the middle, so nothing may be done before the end.
    """
    with _body(http, settings, key) as body:
        for name, node in rows(body):
            if name == MESSAGE:
                raise fault_of(node)
            yield name, node


@contextlib.contextmanager
def _body(http: Http, settings: IsamsSettings, key: str) -> Iterator[BinaryIO]:
    headers = _authority(http, settings, key)
    with contextlib.ExitStack() as stack:
        try:
            stream = http.stream(settings.base + _PATH, params={"apiKey": key}, headers=headers, explain=explain)
            body = stack.enter_context(stream)
        except Broken as fault:
            error: SyncError = fault
        except Busy as fault:
            if fault.status != _UNHANDLED:
                raise
            error = fault
        else:
            yield body
            return
    raise _reason(error, http, settings.base + _PATH, key, headers)


def _reason(error: SyncError, http: Http, url: str, key: str, headers: dict[str, str]) -> SyncError:
    """Ask once more for the words of iSAMS: a key that is set up wrongly may come as any status, even as 500."""
    try:
        answer = http.get(url, params={"apiKey": key}, headers=headers, accept=_ANSWERED, explain=explain, keep=False)
    except SyncError:
        return error
    said = fault_in(answer) if answer.status != 200 else None
    if answer.status == 404 and not said:
        return Broken(f"There is no Batch API of iSAMS at {answer.host}; check the host in the settings.")
    return said if isinstance(said, Refused) else error


def _authority(http: Http, settings: IsamsSettings, key: str) -> dict[str, str]:
    """Return the header that newer keys want, which are client IDs, and older ones do not."""
    if not settings.batch_secret:
        return {}
    bearer = Bearer(
        token_url=settings.token_url, client_id=key, client_secret=settings.batch_secret, scope="apiv1", proof="form"
    )
    return bearer.headers(http)
