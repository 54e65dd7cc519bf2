"""The runner of `make check`: a step that fails fails, and one that could not judge says so."""

from __future__ import annotations

import sys

from local import check
from local.check import Step, Verdict

CLEAN = "No known vulnerabilities found"
FOUND = "Found 2 known vulnerabilities in 1 package"


def test_a_step_passes_or_fails_by_its_exit_status() -> None:
    assert check.run(Step("good", [sys.executable, "-c", ""])).verdict is Verdict.OK
    bad = check.run(Step("bad", [sys.executable, "-c", "raise SystemExit('line 7 is wrong')"]))
    assert (bad.verdict, bad.said.strip()) == (Verdict.FAIL, "line 7 is wrong")


def test_a_missing_tool_fails() -> None:
    assert check.run(Step("gone", ["no-such-tool-here"])).verdict is Verdict.FAIL


def test_a_closed_network_is_said_plainly() -> None:
    assert check.unreachable("requests.exceptions.ConnectionError: refused") == "no advisory service reachable"
    unknown = "Name Skip Reason\namqp Dependency not found on PyPI and could not be audited: amqp (5.4.2)"
    assert (
        check.unreachable(f"{CLEAN}\n{unknown}")
        == "no advisory service reachable (1 packages unknown to the one asked)"
    )


def test_findings_are_never_excused() -> None:
    assert check.unreachable(CLEAN) is None
    assert check.unreachable(f"{FOUND}\nConnectionError") is None
    assert check.unreachable(f"{FOUND}\namqp could not be audited") is None
