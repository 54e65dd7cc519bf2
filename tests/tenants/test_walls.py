"""The four walls of tenancy, each alone: the others are taken away or gone around (R9, house §4)."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from attendance.models import MarkChange
from sync.models import Change, MisIdentity, Refusal, Run
from tenants import scope
from tenants.models import AuditEvent, SchoolOwned
from tests.tenants import raw
from tests.tenants.raw import NOT_ALLOWED, Raw
from tests.tenants.samples import Furnished, Model, furnish, owned_models
from users.models import Student, Tie

pytestmark = pytest.mark.django_db(databases=["default", "owner"])

MODELS = owned_models()
APPEND_ONLY = [AuditEvent, Change, Refusal, MisIdentity, MarkChange]
KEYS = [
    (model, field)
    for model in apps.get_models()
    if "school" in {field.name for field in model._meta.concrete_fields}
    for field in model._meta.concrete_fields
    if isinstance(field, models.ForeignKey) and issubclass(field.related_model, SchoolOwned)
]

every_table = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
every_key = pytest.mark.parametrize(
    ("model", "field"), KEYS, ids=lambda part: getattr(part, "name", "") or part.__name__
)

Two = tuple[Furnished, Furnished]


@pytest.fixture(scope="module")
def two(django_db_setup: None, django_db_blocker: Any) -> Iterator[Two]:
    """Two furnished schools, committed: what leaks here leaks in production."""
    with django_db_blocker.unblock():
        both = furnish("oakfield"), furnish("elmfield")
    yield both
    with django_db_blocker.unblock():
        call_command("flush", database="owner", interactive=False, verbosity=0)


@pytest.fixture
def site(two: Two) -> Iterator[Raw]:
    """The site's role, by itself."""
    with raw.signed_in("default") as signed_in:
        yield signed_in


@pytest.fixture
def owner(two: Two) -> Iterator[Raw]:
    """The role that migrates, by itself."""
    with raw.signed_in("owner") as signed_in:
        yield signed_in


def table(model: Model) -> str:
    return model._meta.db_table


def test_the_samples_hold_a_row_of_every_table(two: Two) -> None:
    assert [set(school.rows) for school in two] == [set(MODELS)] * 2
    assert len(MODELS) > 10


# Walls 1 and 2: Python. No query is sent, so only Python can have refused.

ASKED: dict[str, Any] = {
    "all": lambda rows: list(rows.all()),
    "filter": lambda rows: rows.filter(pk=1),
    "exclude": lambda rows: list(rows.exclude(pk=1)),
    "get": lambda rows: rows.get(pk=1),
    "first": lambda rows: rows.first(),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "values": lambda rows: rows.values_list("pk"),
    "iterator": lambda rows: rows.iterator(),
    "select_related": lambda rows: list(rows.select_related("school")),
    "in_bulk": lambda rows: rows.in_bulk([1]),
    "update": lambda rows: rows.update(school=1),
    "delete": lambda rows: rows.all().delete(),
    "aggregate": lambda rows: rows.aggregate(n=models.Count("pk")),
    "create": lambda rows: rows.create(),
    "get_or_create": lambda rows: rows.get_or_create(pk=1),
    "bulk_create": lambda rows: rows.bulk_create([rows.model()]),
    "raw": lambda rows: rows.raw("select 1"),
}


@pytest.mark.parametrize("question", ASKED)
def test_wall_2_every_question_without_an_open_school_is_refused_in_python(
    django_assert_num_queries: Any, question: str
) -> None:
    with django_assert_num_queries(0):
        for model in MODELS:
            manager: Any = model._default_manager
            with pytest.raises(scope.NoSchoolOpen):
                ASKED[question](manager)


def test_wall_2_holds_for_rows_reached_from_another_row(two: Two) -> None:
    with pytest.raises(scope.NoSchoolOpen):
        two[0][Student].ties.all()


@every_table
def test_wall_1_a_row_cannot_be_thought_of_without_its_school(model: Model) -> None:
    assert not model._meta.get_field("school").null
    with pytest.raises(scope.NoSchoolOpen):
        model()


# Wall 3: PostgreSQL, without Python in between.

WITHOUT_A_SCHOOL = {
    "select": "select * from {}",
    "count": "select count(*) from {}",
    "insert": "insert into {} (id, school_id) values (0, 1)",
    "insert of a query": "insert into {0} select * from {0}",
    "update": "update {} set school_id = school_id",
    "delete": "delete from {}",
    "lock": "select 1 from {} for update",
}


@every_table
@pytest.mark.parametrize("statement", WITHOUT_A_SCHOOL.values(), ids=list(WITHOUT_A_SCHOOL))
def test_wall_3_without_an_open_school_every_statement_is_an_error(site: Raw, model: Model, statement: str) -> None:
    assert raw.refusal(site, statement, table(model)).sqlstate == NOT_ALLOWED


@every_table
def test_wall_3_says_why(site: Raw, model: Model) -> None:
    assert "no school is open" in str(raw.refusal(site, "select * from {}", table(model)))


@every_table
def test_wall_3_sees_only_the_open_school(site: Raw, two: Two, model: Model) -> None:
    ours, theirs = two
    raw.open_school(site, ours.pk)
    assert raw.value(site, "select count(*) from {} where school_id = %s", table(model), values=[ours.pk]) >= 1
    assert raw.value(site, "select count(*) from {} where school_id <> %s", table(model), values=[ours.pk]) == 0
    assert raw.value(site, "select count(*) from {} where id = %s", table(model), values=[theirs[model].pk]) == 0
    raw.open_school(site, theirs.pk)
    assert raw.value(site, "select count(*) from {} where id = %s", table(model), values=[theirs[model].pk]) == 1


@every_table
def test_wall_3_writes_nothing_into_another_school(site: Raw, two: Two, model: Model) -> None:
    ours, theirs = two
    raw.open_school(site, theirs.pk)
    row = raw.row_of(site, table(model), theirs[model].pk)
    raw.open_school(site, ours.pk)
    with pytest.raises(psycopg.Error, match="row-level security policy") as caught, site.transaction():
        raw.insert_row(site, table(model), row)
    assert caught.value.sqlstate == NOT_ALLOWED


@every_table
def test_wall_3_reaches_no_row_of_another_school(site: Raw, two: Two, model: Model) -> None:
    ours, theirs = two
    raw.open_school(site, ours.pk)
    about = {"values": [theirs[model].pk]}
    if model in APPEND_ONLY:
        assert raw.refusal(site, "update {} set id = id where id = %s", table(model), **about).sqlstate == NOT_ALLOWED
        assert raw.refusal(site, "delete from {} where id = %s", table(model), **about).sqlstate == NOT_ALLOWED
    else:
        assert raw.written(site, "update {} set school_id = school_id where id = %s", table(model), **about) == 0
        assert raw.written(site, "delete from {} where id = %s", table(model), **about) == 0


@every_table
def test_wall_3_moves_no_row_to_another_school(site: Raw, two: Two, model: Model) -> None:
    ours, theirs = two
    raw.open_school(site, ours.pk)
    moved = raw.refusal(
        site, "update {} set school_id = %s where id = %s", table(model), values=[theirs.pk, ours[model].pk]
    )
    assert moved.sqlstate == NOT_ALLOWED
    assert ("permission denied" if model in APPEND_ONLY else "row-level security policy") in str(moved)


def test_wall_3_holds_in_joins_and_subqueries(site: Raw, two: Two) -> None:
    ours, theirs = two
    raw.open_school(site, ours.pk)
    joined = "select count(*) from {} t join {} s on true where t.school_id = %s or s.school_id = %s"
    assert raw.value(site, joined, table(Tie), table(Student), values=[theirs.pk, theirs.pk]) == 0
    within = "select (select max(school_id) from {})"
    assert raw.value(site, within, table(Student)) == ours.pk


def count_students(site: Raw) -> Any:
    return raw.value(site, "select count(*) from {}", table(Student))


def test_the_open_school_dies_with_its_transaction(site: Raw, two: Two) -> None:
    raw.open_school(site, two[0].pk)
    assert count_students(site) == 2
    site.commit()
    assert "no school is open" in str(raw.refusal(site, "select * from {}", table(Student)))


def test_the_open_school_dies_with_a_transaction_that_failed(site: Raw, two: Two) -> None:
    raw.open_school(site, two[0].pk)
    with pytest.raises(psycopg.errors.DivisionByZero):
        site.execute("select 1 / 0")
    site.rollback()
    assert "no school is open" in str(raw.refusal(site, "select * from {}", table(Student)))


def test_a_savepoint_that_is_rolled_back_closes_what_it_opened(site: Raw, two: Two) -> None:
    site.execute("select 1")  # the transaction around
    with site.transaction(force_rollback=True):
        raw.open_school(site, two[0].pk)
        assert count_students(site) == 2
    assert "no school is open" in str(raw.refusal(site, "select * from {}", table(Student)))


def test_a_savepoint_that_is_rolled_back_keeps_the_school_around_it(site: Raw, two: Two) -> None:
    ours, theirs = two
    raw.open_school(site, ours.pk)
    with site.transaction(force_rollback=True):
        raw.open_school(site, theirs.pk)
    assert raw.value(site, "select max(school_id) from {}", table(Student)) == ours.pk


@every_table
def test_the_owner_sees_nothing_until_it_says_so(owner: Raw, two: Two, model: Model) -> None:
    count = "select count(*) from {}"
    assert raw.value(owner, count, table(model)) == 0
    raw.open_school(owner, two[0].pk)
    assert raw.value(owner, count, table(model)) == 0
    raw.across_schools(owner)
    assert raw.value(owner, count, table(model)) >= 2
    owner.commit()
    assert raw.value(owner, count, table(model)) == 0


@every_table
def test_the_owner_writes_nothing_until_it_says_so(owner: Raw, two: Two, model: Model) -> None:
    assert raw.written(owner, "delete from {}", table(model)) == 0
    with owner.transaction():
        raw.across_schools(owner)
        row = raw.row_of(owner, table(model), two[0][model].pk)
        owner.execute("select set_config('app.cross_school', '', true)")
        with pytest.raises(psycopg.Error, match="row-level security policy"), owner.transaction():
            raw.insert_row(owner, table(model), row)


NOT_FOR_THE_SITE = [
    "set role schoolsbuddy_owner",
    "alter table users_student disable row level security",
    "alter table users_student no force row level security",
    "alter table users_student owner to schoolsbuddy_app",
    "drop policy one_school on users_student",
    "create policy mine on users_student using (true)",
    "truncate users_student cascade",
    "alter role schoolsbuddy_app bypassrls",
    "grant schoolsbuddy_owner to schoolsbuddy_app",
    "create table mine (id int)",
    "create or replace function app_school() returns bigint language sql as 'select 1::bigint'",
    "drop trigger identity_is_for_ever on sync_misidentity",
    "set session_replication_role = replica",
    "update django_migrations set name = name",
]


@pytest.mark.parametrize("statement", NOT_FOR_THE_SITE)
def test_the_site_may_not_loosen_its_own_wall(site: Raw, statement: str) -> None:
    assert raw.refusal(site, statement).sqlstate == NOT_ALLOWED


def test_row_security_off_is_an_error_for_the_site_not_a_way_out(site: Raw) -> None:
    site.execute("set local row_security = off")
    assert raw.refusal(site, "select * from users_student").sqlstate == NOT_ALLOWED


@every_table
def test_no_table_is_the_sites_own_or_may_be_emptied_by_it(site: Raw, model: Model) -> None:
    assert raw.refusal(site, "truncate {} cascade", table(model)).sqlstate == NOT_ALLOWED
    owner = "select pg_get_userbyid(relowner) from pg_class where oid = %s::regclass"
    assert raw.value(site, owner, values=[table(model)]) == "schoolsbuddy_owner"


@pytest.mark.parametrize("role", ["schoolsbuddy_app", "schoolsbuddy_owner", "schoolsbuddy_reader"])
def test_no_role_can_walk_through_walls(site: Raw, role: str) -> None:
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolreplication")
    for power in powers:
        assert raw.value(site, "select {} from pg_roles where rolname = %s", power, values=[role]) is False
    login = raw.value(site, "select rolcanlogin from pg_roles where rolname = %s", values=[role])
    assert login is (role != "schoolsbuddy_reader")


def test_the_site_reads_across_schools_only_after_saying_so(site: Raw) -> None:
    member = "select pg_has_role('schoolsbuddy_app', %s, %s)"
    assert raw.value(site, member, values=["schoolsbuddy_reader", "USAGE"]) is False
    assert raw.value(site, member, values=["schoolsbuddy_reader", "SET"]) is True
    assert raw.value(site, member, values=["schoolsbuddy_owner", "MEMBER"]) is False


@every_table
def test_the_reader_reads_every_school_and_writes_none(site: Raw, two: Two, model: Model) -> None:
    site.execute("set local role schoolsbuddy_reader")
    assert raw.value(site, "select count(distinct school_id) from {}", table(model)) == 2
    for statement in ("update {} set school_id = school_id", "delete from {}", "insert into {0} select * from {0}"):
        assert raw.refusal(site, statement, table(model)).sqlstate == NOT_ALLOWED


# Wall 4: foreign keys that stay inside one school, even when row-level security lets everything through.


def test_there_are_keys_to_try() -> None:
    assert len(KEYS) > 15


def point_elsewhere(owner: Raw, row: dict[str, Any], model: Model, column: str, target: int) -> None:
    """Insert a child that is like this one but points at that parent; deferred keys are checked at once."""
    unique = {name: value for name, value in UNIQUE.items() if name in row}
    raw.insert_row(owner, table(model), row | {"id": 10_000_000, column: target} | unique)
    owner.execute("set constraints all immediate")


# What there is only one of in a school, said otherwise; a Hold's digest may well be that.
UNIQUE: dict[str, Any] = {"external_id": "another", "digest": "1" * 64, "state": "cancelled"}


def child_of(owner: Raw, school: Furnished, model: Model, field: Any) -> dict[str, Any]:
    """A row of ours whose key is filled in."""
    found = "select id from {} where school_id = %s and {} is not null limit 1"
    pk = raw.ask(owner, found, table(model), field.column, values=[school.pk]).fetchone()
    row = raw.row_of(owner, table(model), pk[0] if pk else school[model].pk)
    return row | ({} if pk else {name: value for name, value in KINDS.get(field.name, {}).items() if name in row})


# An identity, or an edit, is about one kind of record; the sample row is about a student.
KINDS: dict[str, dict[str, Any]] = {
    "guardian": {"kind": "guardians", "student_id": None},
    "staff_member": {"kind": "staff", "student_id": None},
    "school_class": {"kind": "classes", "student_id": None},
}


@every_key
def test_wall_4_a_child_points_at_no_parent_of_another_school(
    owner: Raw, two: Two, model: Model, field: models.ForeignKey[Any, Any]
) -> None:
    ours, theirs = two
    raw.across_schools(owner)
    row = child_of(owner, ours, model, field)
    spare: Any = field.related_model
    with owner.transaction(force_rollback=True):
        point_elsewhere(owner, row, model, field.column, ours.spares[spare].pk)  # the same within the school is fine
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"{field.column}_same_school"), owner.transaction():
        point_elsewhere(owner, row, model, field.column, theirs.spares[spare].pk)


def test_wall_4_a_parent_does_not_move_away_from_its_children(owner: Raw, two: Two) -> None:
    ours, theirs = two
    raw.across_schools(owner)
    owner.execute("set constraints all immediate")
    moved = raw.refusal(
        owner, "update users_student set school_id = %s where id = %s", values=[theirs.pk, ours[Student].pk]
    )
    assert moved.sqlstate == "23503"
    assert "same_school" in str(moved)


# What is added and never changed.


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
@pytest.mark.parametrize("statement", ["update {} set id = id where id = %s", "delete from {} where id = %s"])
def test_the_site_adds_but_never_changes(site: Raw, two: Two, model: Model, statement: str) -> None:
    raw.open_school(site, two[0].pk)
    refused = raw.refusal(site, statement, table(model), values=[two[0][model].pk])
    assert refused.sqlstate == NOT_ALLOWED
    assert "permission denied for table" in str(refused)


def test_other_rows_may_change(site: Raw, two: Two) -> None:
    raw.open_school(site, two[0].pk)
    assert raw.written(site, "update {} set error = 'x' where id = %s", table(Run), values=[two[0][Run].pk]) == 1


@pytest.mark.parametrize("statement", ["update {} set student_id = %s", "update {} set id = id + %s"])
def test_an_identity_is_never_pointed_elsewhere_even_by_the_owner(owner: Raw, two: Two, statement: str) -> None:
    raw.across_schools(owner)
    refused = raw.refusal(owner, statement, table(MisIdentity), values=[two[0].spares[Student].pk])
    assert refused.sqlstate == "23514"
    assert "never re-pointed" in str(refused)


def test_an_identity_is_never_deleted_even_by_the_owner(owner: Raw, two: Two) -> None:
    raw.across_schools(owner)
    assert raw.refusal(owner, "delete from {}", table(MisIdentity)).sqlstate == "23514"


# These tests can fail: the same questions, put to a table that nobody enclosed.


@pytest.fixture
def unwalled(owner: Raw) -> Iterator[str]:
    """A table as a forgotten migration would leave it, with a row of each school."""
    owner.execute("create table unwalled (id bigint primary key, school_id bigint)")
    owner.execute("insert into unwalled values (1, 1), (2, 2)")
    owner.commit()
    yield "unwalled"
    owner.rollback()
    owner.execute("drop table unwalled")
    owner.commit()


def test_a_table_without_walls_would_be_noticed(unwalled: str, site: Raw) -> None:
    assert raw.value(site, WITHOUT_A_SCHOOL["count"], unwalled) == 2
    raw.open_school(site, 1)
    assert raw.value(site, "select count(*) from {} where school_id <> %s", unwalled, values=[1]) == 1
    assert raw.written(site, "update {} set school_id = 2 where id = 1", unwalled) == 1
