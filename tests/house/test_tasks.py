"""Tasks and signals, and habits of the whole product that no linter knows (house §1, §2, §6)."""

import ast
import fnmatch
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings

from schoolsbuddy.celery import app
from tests.house.product import ROOMS, ROOT, Source, calls, imports, sources

# Tasks. The worker is told its queues where it is started.
app.loader.import_default_modules()
TASKS = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
QUEUES = {"roster", "asked", "attendance", "clock", "mail", "celery"}


def strange_tasks(tasks: dict[str, Any]) -> list[str]:
    """Tasks that do not live in a room's tasks.py, or take anything but ids by keyword and whatever comes later."""
    return [
        name
        for name, task in tasks.items()
        if name.rpartition(".")[0] not in {f"{room}.tasks" for room in ROOMS} or not _takes_ids(task.run)
    ]


def _takes_ids(run: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(run).parameters.values())
    later = parameters and parameters[-1].kind is parameters[-1].VAR_KEYWORD and parameters[-1].name == "_later"
    return bool(later) and all(
        each.kind is each.KEYWORD_ONLY and each.annotation is int and each.default is each.empty
        for each in parameters[:-1]
    )


def test_every_task_lives_in_a_rooms_tasks_and_takes_ids() -> None:
    assert TASKS
    assert strange_tasks(TASKS) == []


def test_every_task_has_a_queue_that_workers_listen_to() -> None:
    routed = {
        name: route["queue"]
        for name in TASKS
        for pattern, route in settings.CELERY_TASK_ROUTES.items()
        if fnmatch.fnmatch(name, pattern)
    }
    assert routed.keys() == TASKS.keys()
    assert set(routed.values()) <= QUEUES


def test_every_route_leads_somewhere() -> None:
    assert [pattern for pattern in settings.CELERY_TASK_ROUTES if not fnmatch.filter(TASKS, pattern)] == []


def test_the_schedule_names_tasks_that_exist() -> None:
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= TASKS.keys()


@pytest.mark.parametrize("file", ["docker-compose.yml", "local/stack.py"])
def test_workers_listen_to_every_queue(file: str) -> None:
    listened = re.findall(r'-Q"?, "?([a-z,]+)', (ROOT / file).read_text())
    assert {queue for said in listened for queue in said.split(",") if queue} == QUEUES


def test_strange_tasks_would_be_noticed() -> None:
    class Fake:
        def __init__(self, run: Callable[..., Any]) -> None:
            self.run = run

    def good(*, school: int, **_later: Any) -> None: ...
    def positional(school: int, **_later: Any) -> None: ...
    def text(*, name: str, **_later: Any) -> None: ...
    def closed(*, school: int) -> None: ...

    fakes = {f"sync.tasks.{fake.__name__}": Fake(fake) for fake in (good, positional, text, closed)}
    assert strange_tasks(fakes) == ["sync.tasks.positional", "sync.tasks.text", "sync.tasks.closed"]
    assert strange_tasks({"sync.queries.good": Fake(good)}) == ["sync.queries.good"]


# Habits. Each takes a source and returns the lines that break it.

Habit = Callable[[Source], list[int]]


def signals_before_the_commit(source: Source) -> list[int]:
    """A fact is told when it is one: `.send(…)` stands inside `transaction.on_commit(…)`."""
    later = {id(inner) for commit in calls(source[1], "on_commit") for inner in ast.walk(commit)}
    sent = [call for name in ("send", "send_robust") for call in calls(source[1], name)]
    return [call.lineno for call in sent if id(call) not in later]


def enqueued_elsewhere(source: Source) -> list[int]:
    """Only receivers and tasks put work into the queue: operations tell a fact instead."""
    if source[0].endswith(("/receivers.py", "/tasks.py")):
        return []
    return [call.lineno for name in ("delay", "apply_async", "send_task") for call in calls(source[1], name)]


def imports_inside_functions(source: Source) -> list[int]:
    """If an import inside a function is wanted, an arrow is wrong."""
    functions = [node for node in ast.walk(source[1]) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        inner.lineno
        for function in functions
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def scopes_by_the_back_door(source: Source) -> list[int]:
    """django-scopes has one importer."""
    if source[0] == "tenants/scope.py":
        return []
    return [line for module, line in imports(source[1]) if module.partition(".")[0] == "django_scopes"]


NETWORK = (
    *("requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "socket", "smtplib", "ftplib"),
    *("redis", "paramiko"),
)
OPENS_CONNECTIONS = {
    "sync/http/door.py": (frozenset({"requests"}), "the first door out, to the MIS partners"),
    "sync/http/connections.py": (
        frozenset({"requests", "urllib3", "socket", "http.client"}),
        "the connections of that door, which look where they lead",
    ),
    "sync/http/bodies.py": (frozenset({"requests", "urllib3"}), "reads what came in by that door"),
    "sync/sftp.py": (
        frozenset({"paramiko", "socket"}),
        "the second door out, to the folders that a school's MIS leaves its files in",
    ),
    "messaging/post.py": (frozenset({"smtplib"}), "the door out for letters, to our own mail server"),
    "sync/pace.py": (
        frozenset({"redis"}),
        "one pace for all workers, kept in our own Redis; it never leaves the house",
    ),
}
ONLY_NAMES = (
    "requests.auth",
    "requests.models",
    "requests.structures",
    "redis.exceptions",
)  # names of values and errors: they send nothing


def doors_to_the_outside(source: Source) -> list[int]:
    """No module of the product opens a connection of its own, but those that say why."""
    allowed, _why = OPENS_CONNECTIONS.get(source[0], (frozenset[str](), ""))
    shut = [name for name in NETWORK if name not in allowed]
    return [line for module, line in imports(source[1]) if _within(module, shut) and not _within(module, ONLY_NAMES)]


def _within(module: str, packages: Sequence[str]) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


def printed(source: Source) -> list[int]:
    """Nothing is printed: commands write to their own output, everything else logs."""
    return [call.lineno for call in calls(source[1], "print") if isinstance(call.func, ast.Name)]


LOGGING = ("debug", "info", "warning", "error", "exception", "critical")
PERSONAL = re.compile(
    r"^(name|given_name|family_name|preferred_name|label|folded|.*email|address|phone|date_of_birth)$"
)


def personal_data_logged(source: Source) -> list[int]:
    """A log holds ids, never what they stand for."""
    logged = [
        call
        for level in LOGGING
        for call in calls(source[1], level)
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in {"log", "logger", "logging"}
    ]
    return [
        call.lineno
        for call in logged
        for part in (*call.args, *(keyword.value for keyword in call.keywords))
        for node in ast.walk(part)
        if PERSONAL.match(getattr(node, "attr", "") or getattr(node, "id", ""))
        and not isinstance(getattr(node, "value", None), ast.Call)  # type(fault).__name__
    ]


def around_the_manager(source: Source) -> list[int]:
    """`_base_manager` is not scoped, and other database aliases are not bound by the site's policies."""
    nodes = [node for node in ast.walk(source[1]) if isinstance(node, ast.Attribute)]
    unscoped = [node.lineno for node in nodes if node.attr in {"_base_manager", "_raw_delete"}]
    return unscoped + [call.lineno for call in calls(source[1], "using")]


SETS_THE_SCHOOL = re.compile(r"set_config\s*\(|\bset\s+(local\s+|session\s+)?(role|row_security|app\.)", re.IGNORECASE)


def schools_opened_in_sql(source: Source) -> list[int]:
    """Only tenants/scope.py tells the database which school is open or which role asks, and only for a transaction."""
    sql = [
        (node.lineno, node.value)
        for node in ast.walk(source[1])
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _is_docstring(source[1], node)
        if SETS_THE_SCHOOL.search(node.value)
    ]
    return [line for line, text in sql if source[0] != "tenants/scope.py" or ", true)" not in text]


def _is_docstring(tree: ast.Module, node: ast.Constant) -> bool:
    return any(isinstance(parent, ast.Expr) and parent.value is node for parent in ast.walk(tree))


def hand_made_html(source: Source) -> list[int]:
    """Text becomes HTML in templates, where it is escaped."""
    return [call.lineno for name in ("mark_safe", "SafeString") for call in calls(source[1], name)]


BROKEN: dict[Habit, tuple[str, str]] = {
    signals_before_the_commit: ("users/operations.py", "departed.send(sender=None, ids=[1])"),
    enqueued_elsewhere: ("sync/operations/runs.py", "roster.delay(school=1)"),
    imports_inside_functions: ("users/queries.py", "def f():\n    import sync"),
    scopes_by_the_back_door: ("users/queries.py", "from django_scopes import scopes_disabled"),
    doors_to_the_outside: ("sync/connectors/wonde/connector.py", "from urllib import request"),
    printed: ("sync/operations/runs.py", "print('done')"),
    personal_data_logged: ("users/operations.py", "log.info('linked %s', row.email)"),
    around_the_manager: ("users/queries.py", "Student._base_manager.all()"),
    schools_opened_in_sql: ("users/queries.py", "cursor.execute(\"select set_config('app.school', '1', false)\")"),
    hand_made_html: ("portals/staff/views.py", "mark_safe(f'<b>{name}</b>')"),
}
KEPT: dict[Habit, tuple[str, str]] = {
    signals_before_the_commit: ("users/operations.py", "transaction.on_commit(lambda: departed.send(sender=None))"),
    enqueued_elsewhere: ("sync/receivers.py", "roster.delay(school=1)"),
    scopes_by_the_back_door: ("tenants/scope.py", "from django_scopes import scope"),
    doors_to_the_outside: (
        "sync/connectors/wonde/connector.py",
        "from urllib.parse import urlsplit\nfrom requests.auth import AuthBase",
    ),
    printed: ("sync/management/commands/sync_school.py", "self.stdout.write('done')"),
    personal_data_logged: ("users/operations.py", "log.info('linked %s', row.pk)"),
    schools_opened_in_sql: ("tenants/scope.py", "cursor.execute(\"select set_config('app.school', %s, true)\")"),
}


@pytest.mark.parametrize("habit", BROKEN, ids=lambda habit: habit.__name__)
def test_the_product_keeps_the_habit(habit: Habit) -> None:
    assert [f"{path}:{line}" for path, tree in sources() for line in habit((path, tree))] == []


@pytest.mark.parametrize("habit", BROKEN, ids=lambda habit: habit.__name__)
def test_breaking_the_habit_would_be_noticed(habit: Habit) -> None:
    path, text = BROKEN[habit]
    assert habit((path, ast.parse(text)))


@pytest.mark.parametrize("habit", KEPT, ids=lambda habit: habit.__name__)
def test_keeping_the_habit_is_not_noticed(habit: Habit) -> None:
    path, text = KEPT[habit]
    assert habit((path, ast.parse(text))) == []


def test_there_is_a_product_to_look_at() -> None:
    paths = {path for path, _ in sources()}
    assert {"tenants/scope.py", "users/queries.py", "sync/tasks.py", "portals/gates.py"} <= paths


# Where a school is opened, and where all are read: each place with its reason (house §4).

OPENS_A_SCHOOL = {
    "messaging/operations.py": "a letter is handed to the mail server between two scopes, never inside one",
    "sync/operations/troubles.py": "troubles are looked at one school after the other",
    "tenants/middleware.py": "the request",
    "tenants/tasks.py": "the Celery task",
    "users/middleware.py": "support's look-in",
    "users/operations/support.py": "a look-in is written into the trail of the school it is about",
    "sync/operations/runs/performing.py": "a run calls the MIS between two scopes, never inside one",
    "sync/operations/runs/rosters.py": "a roster is read between two scopes, never inside one",
    "sync/operations/runs/watching.py": "between two pages a run tells how far it is, and asks whether to go on",
    "sync/operations/runs/releasing.py": "lost runs are taken up, one school after the other",
    "sync/operations/runs/retries.py": "what met a busy MIS is tried again, one school after the other",
    "sync/operations/dispatch.py": "the clock claims one school's slot after the other",
    "sync/operations/marks.py": "marks are read between two scopes, as a roster is",
    "sync/operations/trials.py": "a trial calls the MIS between two scopes, never inside one",
    "sync/operations/mis_change/rehearsals.py": "a rehearsal calls the new MIS before it opens the school",
    "sync/operations/mis_change/cutting.py": "a cut-over calls the new MIS between two scopes, never inside one",
    "sync/admin/one_off.py": "support asks for syncs of many schools and stops them, one school after the other",
    "sync/admin/requests.py": "support answers what one school asked, out of a list of all schools",
}
READS_EVERYWHERE = {
    "users/queries.py": "the ways in of one account, before it has chosen a school",
    "sync/queries/board.py": "the schedule board: times and states of every school, nobody's data",
    "sync/queries/one_off.py": "what a one-off would do at the chosen schools, and how those asked for go",
    "sync/queries/requests.py": "what schools have asked of support",
    "sync/operations/runs/releasing.py": "which runs were lost: only their schools are opened then, each minute",
    "sync/queries/health.py": "the numbers of all schools together, without a name, for whoever watches over us",
    "messaging/queries.py": "the post: which letters are due, of whichever school",
    "sync/queries/troubles.py": "the troubles of all schools, for support and for going round",
}


def places(verb: str) -> set[str]:
    """Modules that call scope.<verb>, but for commands: there a person names the school."""
    return {
        path
        for path, tree in sources()
        for call in calls(tree, verb)
        if "/management/commands/" not in path
        and isinstance(call.func, ast.Attribute)
        and getattr(call.func.value, "id", "") == "scope"
    }


def test_a_school_is_opened_only_where_it_is_said_why() -> None:
    assert places("school") == set(OPENS_A_SCHOOL)


def test_all_schools_are_read_only_where_it_is_said_why() -> None:
    assert places("everywhere") == set(READS_EVERYWHERE)
