"""The settings refuse to start unsafely, say every fault at once, and pass Django's own deploy check (house §11)."""

import subprocess
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from local.check import deployed
from tests.house.product import ROOMS, ROOT

START = "import django; django.setup()"
PUBLIC = "https://schoolsbuddy.example"
NEEDED = (
    "SECRET_KEY", "FIELD_KEYS", "SITE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "FILES_DIR",
    "DEFAULT_FROM_EMAIL",
)  # fmt: skip
LOCAL = {"INSECURE_LOCAL": "1", "SITE_URL": "http://127.0.0.1:8000"}


def start(code: str = START, /, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """Start Python with production's environment, changed (None: left out); nothing of our own environment gets in."""
    environment = {name: value for name, value in (deployed() | changed).items() if value is not None}
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_productions_environment_starts() -> None:
    done = start()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_machine_of_ones_own_starts() -> None:
    assert start(**LOCAL, DEBUG="1").returncode == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"INSECURE_LOCAL": "1"}, "INSECURE_LOCAL is for loopback only"),
        (
            {"INSECURE_LOCAL": "1", "SITE_URL": "http://127.0.0.1.schools.example"},
            "INSECURE_LOCAL is for loopback only",
        ),
        ({"SITE_URL": "http://schoolsbuddy.example"}, "SITE_URL must begin with https://"),
        ({"SITE_URL": "schoolsbuddy.example"}, "SITE_URL must begin with https://"),
        ({"DEBUG": "1"}, "DEBUG must be off"),
        ({"ALLOWED_HOSTS": "schoolsbuddy.example,*"}, "ALLOWED_HOSTS must not contain *"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 50 characters"),
        (LOCAL | {"SECRET_KEY": "short"}, "SECRET_KEY is shorter than 50 characters"),
        ({"FIELD_KEYS": "no-key"}, "FIELD_KEYS holds a value that is no Fernet key"),
        ({"FIELD_KEYS": f"{Fernet.generate_key().decode()},no-key"}, "FIELD_KEYS holds a value that is no Fernet key"),
        ({"FIELD_KEYS": ""}, "FIELD_KEYS is empty"),
        ({"EVIDENCE_DAYS": "-1"}, "EVIDENCE_DAYS must be 0 to 90"),
        ({"EVIDENCE_DAYS": "91"}, "EVIDENCE_DAYS must be 0 to 90"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is shorter than 32 characters"),
        ({"EMAIL_PORT": "many"}, "EMAIL_PORT"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
    ],
    ids=lambda part: part if isinstance(part, str) else "+".join(part),
)
def test_what_does_not_start(changed: dict[str, str], said: str) -> None:
    done = start(**changed)
    assert done.returncode != 0
    assert said in done.stderr


def test_every_unsafe_setting_is_said_at_once() -> None:
    secrets = {"SECRET_KEY": "hush-hush", "FIELD_KEYS": "psst-psst"}
    done = start(SITE_URL="http://schoolsbuddy.example", DEBUG="1", ALLOWED_HOSTS="*", **secrets)
    told = done.stderr.splitlines()[-1]
    assert done.returncode != 0
    for name in ("SITE_URL", "DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "FIELD_KEYS"):
        assert name in told
    assert [secret for secret in secrets.values() if secret in done.stderr] == []


def test_every_missing_variable_is_said_at_once() -> None:
    done = start(**dict.fromkeys(NEEDED))
    told = done.stderr.splitlines()[-1]
    assert done.returncode != 0
    for name in NEEDED:
        assert name in told


def test_the_site_itself_needs_no_owner() -> None:
    code = f"{START}; from django.conf import settings; print(*settings.DATABASES)"
    assert start(code, DATABASE_OWNER_URL=None).stdout.split() == ["default"]


def test_simulators_are_on_a_machine_of_ones_own_only() -> None:
    code = f"{START}; from django.core.management import get_commands; print('simulate' in get_commands())"
    assert start(code).stdout.split() == ["False"]
    assert start(code, **LOCAL).stdout.split() == ["True"]


def test_production_has_safe_cookies_and_headers() -> None:
    code = f"""{START}
from django.conf import settings as s
print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS >= 31536000,
      s.SESSION_COOKIE_HTTPONLY, s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN, "unsafe" in str(s.CONTENT_SECURITY_POLICY))"""
    assert start(code).stdout.split() == ["True", "True", "True", "True", "True", "False", "False"]


def test_djangos_own_deploy_check_has_nothing_to_say() -> None:
    command = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = start(f"from django.core.management import execute_from_command_line as run; run({command})")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_scope_middlewares_stand_last_because_they_call_the_view() -> None:
    code = f"{START}; from django.conf import settings; print(*settings.MIDDLEWARE[-2:])"
    assert start(code).stdout.split() == ["users.middleware.SupportScope", "tenants.middleware.SchoolScope"]


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_migrations_say_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check_changes=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_every_migration_of_ours_can_be_undone() -> None:
    loader = MigrationLoader(None)
    ours = {app.label for app in apps.get_app_configs() if app.name.partition(".")[0] in ROOMS}
    migrations: list[Any] = [migration for key, migration in loader.disk_migrations.items() if key[0] in ours]
    assert len(migrations) >= 6
    one_way = [
        f"{migration} {operation.describe()}"
        for migration in migrations
        for operation in migration.operations
        if not reversible(operation)
    ]
    assert one_way == []


def reversible(operation: Operation) -> bool:
    return operation.reversible


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_walls_come_down_and_go_up_again() -> None:
    """Undoing and doing every migration of ours with walls leaves the same database."""
    before = walls()
    assert before
    try:
        call_command("migrate", "tenants", "0001", database="owner", verbosity=0)
        assert not [wall for wall in walls() if wall[0] == "policy"]
    finally:
        call_command("migrate", database="owner", verbosity=0)
    assert walls() == before


def walls() -> set[tuple[Any, ...]]:
    """Policies, constraints, triggers, functions and the site's grants, as the database says them."""
    asked = """
      select 'policy', tablename::text, policyname::text, qual from pg_policies
      union select 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'public'::regnamespace
      union select 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid)
        from pg_trigger where not tgisinternal
      union select 'function', '', proname::text, prosrc from pg_proc where pronamespace = 'public'::regnamespace
      union select 'grant', table_name::text, privilege_type::text, grantee::text
        from information_schema.role_table_grants where table_schema = 'public'
      union select 'row security', relname::text, relrowsecurity::text, relforcerowsecurity::text
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"""
    with connections["owner"].cursor() as cursor:
        cursor.execute(asked)
        return set(cursor.fetchall())
