"""What a token can read, found out with one small page of each list and one register."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Final

from sync.connector import Finding, Reach
from sync.connectors.managebac.api import NO_STUDENTS, REFUSALS, Api, NotPermitted, not_permitted, rows_in, title
from sync.connectors.managebac.listing import meta_in
from sync.connectors.managebac.registers import REGISTERS_NOT_SHARED, register
from sync.connectors.managebac.wire import ref_in
from sync.http import Answer
from sync.keys import OK

_PRESENT: Final[Mapping[str, Mapping[str, str]]] = {
    "students": {"archived": "0"},
    "parents": {"archived": "0"},
    "teachers": {"archived": "0"},
    "classes": {},
    "memberships": {},
}
_NO_GROUPS: Final = "attendance: ManageBac lists no year groups, and homeroom registers are kept by year group."
_REGISTERS: Final = "Homeroom registers can be read, one mark a day; attendance by class is not read."
_NOTES: Final = "ManageBac has none; the school keeps them with us."


def findings(api: Api) -> Iterator[Finding]:
    """Yield what can be read and the permissions that are missing.

    Raises:
        Refused: the token reads nothing.
        Busy, Broken: see `Http.get`.
    """
    answers = {name: _first(api, name) for name in _PRESENT}
    if all(answer.status in REFUSALS for answer in answers.values()):
        api.get("students", permission="Students")
    yield from (_of_list(name, answer) for name, answer in answers.items())
    yield _of_attendance(api, _first(api, "year-groups"))
    yield Finding(part="Medical and dietary notes", reach=Reach.NOT_SHARED, text=_NOTES)


def _first(api: Api, name: str) -> Answer:
    params = {**_PRESENT.get(name, {}), "page": "1", "per_page": "1"}
    return api.get(name, permission=title(name), params=params, accept=OK | REFUSALS)


def _of_list(name: str, answer: Answer) -> Finding:
    part, needed = title(name), name == "students"
    if answer.status in REFUSALS:
        reach = Reach.FAULTY if needed else Reach.NOT_SHARED
        return Finding(part=part, reach=reach, text=not_permitted(name, part))
    total = meta_in(answer.json(), name).total_count
    if needed and total == 0:
        return Finding(part=part, reach=Reach.FAULTY, text=NO_STUDENTS)
    return Finding(part=part, reach=Reach.READS, text="Can be read." if total is None else f"{total:,} listed.")


def _of_attendance(api: Api, groups: Answer) -> Finding:
    if groups.status in REFUSALS:
        return _no_attendance(REGISTERS_NOT_SHARED)
    first = next(map(ref_in, rows_in(groups.json(), "year-groups")), "")
    if not first:
        return _no_attendance(_NO_GROUPS)
    try:
        register(api, first, datetime.datetime.now(tz=datetime.UTC).date())  # on a day without school it is empty
    except NotPermitted:
        return _no_attendance(REGISTERS_NOT_SHARED)
    return Finding(part="Attendance", reach=Reach.READS, text=_REGISTERS)


def _no_attendance(text: str) -> Finding:
    return Finding(part="Attendance", reach=Reach.NOT_SHARED, text=text)
