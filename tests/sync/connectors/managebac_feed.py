"""ManageBac's connector beside a running simulator, watched: nothing but reads and requests for a token may arrive."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from local.simulators.managebac import CLIENT_SECRET, TOKEN, ManageBac
from local.simulators.server import running
from sync.connector import Finding
from sync.connectors import managebac
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.records import MarkRecord, Record, Remark

R = TypeVar("R", bound=Record)


@contextmanager
def connected(
    simulator: ManageBac, *, timeout: tuple[float, float] = (10, 60), tries: int = 5, **given: Any
) -> Iterator[managebac.ManageBac]:
    """Yield a connector with the simulator's token, unless another way in is `given` among the settings."""
    way_in = {} if "client_id" in given else {"token": TOKEN}
    with running(simulator) as url, Http(loopback=True, sleep=lambda _: None, tries=tries, timeout=timeout) as http:
        try:
            yield managebac.ManageBac(managebac.ManageBacSettings(**{**way_in, "base_url": url, **given}), http)
        finally:
            sent = {(request.method, request.path) for request in simulator.requests if request.method != "GET"}
            assert sent <= {("POST", "/oauth/token")}
            asked = [f"{request.path} {request.queries}" for request in simulator.requests]
            assert not any(secret in address for address in asked for secret in (TOKEN, CLIENT_SECRET))


def pull(simulator: ManageBac, **given: Any) -> Extract:
    """Read the roster as the pipeline would."""
    with connected(simulator, **given) as connector:
        return extract(connector)


def attendance(simulator: ManageBac, day: datetime.date, **given: Any) -> list[MarkRecord]:
    """Read the marks of a day."""
    with connected(simulator, **given) as connector:
        return list(connector.attendance(day))


def probe(simulator: ManageBac, **given: Any) -> dict[str, Finding]:
    """Test the connection; the findings by their part."""
    with connected(simulator, **given) as connector:
        return {finding.part: finding for finding in connector.probe()}


def ask(simulator: ManageBac, path: str, **params: str) -> tuple[int, Any]:
    """Ask the simulator itself; status and body."""
    with running(simulator) as url, Http(loopback=True, tries=1) as http:
        some = frozenset({200, 400, 401, 403, 404})
        answer = http.get(f"{url}/v2/{path}", params=params, headers={"auth-token": simulator.token}, accept=some)
    return answer.status, answer.json()


def of(shape: type[R], found: Extract) -> list[R]:
    """Return the records of one kind."""
    return [record for record in found.records if isinstance(record, shape)]


def remarks(found: Extract) -> str:
    """Return all remarks, one a line."""
    return "\n".join(remark.text for remark in of(Remark, found))
