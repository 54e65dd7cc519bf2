"""The OneRoster and GG4L simulators speak as the specification and the partner's pages say."""

import base64
import datetime
import json
import urllib.parse
from typing import Any

import pytest

from local.renderings.oneroster import Dialect, collections_of
from local.simulators.gg4l import Gg4lSimulator
from local.simulators.oneroster import OneRosterSimulator
from local.simulators.server import Reply, Request
from local.world.build import crowd, world

SCOPES = {
    version: " ".join(
        f"https://purl.imsglobal.org/spec/or/{path}/scope/roster-{part}.readonly" for part in ("core", "demographics")
    )
    for version, path in {"1.1": "v1p1", "1.2": "v1p2"}.items()
}


def ask(served: OneRosterSimulator, path: str, token: str = "", **query: str) -> Reply:
    headers = {"authorization": f"Bearer {token}", "host": "mis.example"}
    return served.answer(
        Request(
            method="GET",
            path=path,
            query=query,
            queries={name: [said] for name, said in query.items()},
            headers=headers,
        )
    )


def token(served: OneRosterSimulator, *, scope: str = "") -> Reply:
    pair = base64.b64encode(b"demo-client:demo-client-secret").decode()
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    body = urllib.parse.urlencode(form).encode()
    headers = {"authorization": f"Basic {pair}"}
    return served.answer(
        Request(method="POST", path=served.token_path, query={}, queries={}, headers=headers, body=body)
    )


def opened(version: str = "1.1", *faults: str) -> tuple[OneRosterSimulator, str]:
    served = OneRosterSimulator(crowd(students=60), 1, version=version, faults=frozenset(faults))
    return served, json.loads(token(served, scope=SCOPES[version]).body)["access_token"]


def page(served: OneRosterSimulator, key: str, name: str, **query: str) -> Any:
    return json.loads(ask(served, f"{served.base}/{name}", key, **query).body)


@pytest.mark.parametrize(
    ("name", "wrapper"), [("schools", "orgs"), ("terms", "academicSessions"), ("teachers", "users")]
)
def test_parts_of_a_collection_stand_under_its_name(name: str, wrapper: str) -> None:
    served, key = opened()
    rows = page(served, key, name)[wrapper]
    assert 0 < len(rows) <= len(served.rows[wrapper])


def test_a_page_has_a_hundred_rows_unless_told_otherwise_a_total_and_a_next_page() -> None:
    served, key = opened()
    reply = ask(served, f"{served.base}/users", key)
    assert len(json.loads(reply.body)["users"]) == 100
    assert reply.headers["X-Total-Count"] == str(len(served.rows["users"]))
    assert reply.headers["Link"] == f'<http://mis.example{served.base}/users?limit=100&offset=100>; rel="next"'


def test_one_row_is_wrapped_in_the_singular_and_addresses_are_whole() -> None:
    served, key = opened()
    ref = served.rows["classes"][0]["sourcedId"]
    assert page(served, key, f"classes/{ref}")["class"]["sourcedId"] == ref
    assert ask(served, f"{served.base}/classes/none", key).status == 404
    href = page(served, key, "classes")["classes"][0]["school"]["href"]
    assert href == f"http://mis.example{served.base}/orgs/{served.school_ref}"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("role='student'", 200),
        ("role='parent' AND status='active'", 200),
        ("role='parent' OR role='guardian'", 200),
        ("givenName~'a'", 200),
        ("role=student", 400),
        ("role='a' AND role='b' AND role='c'", 400),
    ],
)
def test_filters_have_one_or_two_clauses(said: str, status: int) -> None:
    served, key = opened()
    reply = ask(served, f"{served.base}/users", key, filter=said, limit="5000", fields="sourcedId,role")
    assert reply.status == status
    if status == 200:
        rows = json.loads(reply.body)["users"]
        assert 0 < len(rows) < len(served.rows["users"])
        assert {name for row in rows for name in row} == {"sourcedId", "role"}


def test_scopes_are_enforced_and_needed() -> None:
    served = OneRosterSimulator(crowd(students=60), 1)
    assert token(served).status == 400
    key = json.loads(token(served, scope=SCOPES["1.1"].split()[0]).body)["access_token"]
    assert ask(served, f"{served.base}/users", key).status == 200
    assert ask(served, f"{served.base}/demographics", key).status == 403
    assert ask(served, f"{served.base}/users", "wrong").status == 401


def test_failures_are_said_in_each_version_s_way() -> None:
    for version, field in {"1.1": "statusInfoSet", "1.2": "imsx_CodeMinor"}.items():
        served, key = opened(version)
        reply = ask(served, f"{served.base}/nothing", key)
        assert (reply.status, field in json.loads(reply.body)) == (404, True)


def test_1_2_has_roles_and_1_1_a_role() -> None:
    old, new = (collections_of(world().school("northgate"), 1, Dialect(version=v))["users"] for v in ("1.1", "1.2"))
    assert all("role" in row and "roles" not in row for row in old)
    assert all("roles" in row and "role" not in row for row in new)
    assert {len(row["roles"]) for row in new} == {1, 2}
    assert len(new) < len(old)


def test_a_new_night_or_fault_is_another_feed() -> None:
    served, _ = opened()
    first = served.rows["users"]
    served.night = 2
    assert served.rows["users"] != first
    served.faults = frozenset({"no-users"})
    assert served.rows["users"] == []


def test_gg4l_s_events_are_kept_for_thirty_days() -> None:
    served = Gg4lSimulator(world().school("northgate"), 5)
    key = json.loads(token(served).body)["access_token"]
    events = page(served, key, "events", after="0")["events"]
    assert {event["eventType"] for event in events} <= {"Student.Created", "Student.Deleted"}
    assert events
    later = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC).timestamp()
    assert page(served, key, "events", after=f"{later:.0f}")["events"] == []
    assert ask(served, f"{served.base}/events", "wrong").status == 401
