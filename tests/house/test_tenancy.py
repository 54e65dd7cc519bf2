"""Every table of the product says whose its rows are, and the database holds it to that (R9, house §4)."""

from typing import Any

import pytest
from django.db import connections, models
from django.test.utils import isolate_apps

from tenants import scope, walls
from tenants.models import OwnedKey, School, SchoolOwned
from tests.house.product import own_models
from tests.tenants.samples import owned_models
from users.models import Student

Model = type[models.Model]

# Tables with a school that no school owns, and why.
GLOBAL_WITH_SCHOOL = {
    "tenants.SchoolDomain": "sign-in and the roster's rules ask whose domain an address is before a school is open",
    "sync.Slot": "the dispatcher claims a school's slots before one is open; it holds dates and ids only",
    "users.Membership": "sign-in must find an account's schools before one is open; it holds ids only",
    "users.SupportGrant": "it is what opens a school to our support",
}
# Tables without any school, and why.
GLOBAL = {
    "tenants.School": "it is the school",
    "users.Account": "one login for all schools, without personal data but its address (D1)",
    "sync.Pulse": "that the dispatcher is alive is nobody's own",
    "sync.MisProduct": "the list of MISs is the same for everybody",
}


def label(model: Model) -> str:
    return model._meta.label


def homeless(tables: list[Model]) -> list[str]:
    """Tables that are neither a school's own nor on one of the lists."""
    return [
        label(model)
        for model in tables
        if not issubclass(model, SchoolOwned) and label(model) not in GLOBAL_WITH_SCHOOL | GLOBAL
    ]


def unscoped(tables: list[Model]) -> list[str]:
    """A school's own tables with a manager that would answer without an open school."""
    return [
        f"{label(model)}.{manager.name}"
        for model in tables
        for manager in model._meta.managers
        if not isinstance(manager, scope.OwnedManager)
    ]


def loose_keys(tables: list[Model]) -> list[str]:
    """Foreign keys between two rows of one school that are not declared as such."""
    return [
        str(field)
        for model in tables
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, SchoolOwned)
        and not isinstance(field, OwnedKey)
    ]


def test_there_are_tables_to_look_at() -> None:
    assert len(owned_models()) > 10
    assert set(owned_models()) < set(own_models())


def test_every_table_is_a_schools_own_or_says_why_not() -> None:
    assert homeless(own_models()) == []


def test_the_lists_name_only_what_is_there_and_belongs_there() -> None:
    with_school = {label(model) for model in own_models() if walls.is_owned(model)}
    owned = {label(model) for model in owned_models()}
    assert with_school - owned == set(GLOBAL_WITH_SCHOOL)
    assert {label(model) for model in own_models()} - with_school == set(GLOBAL)


def test_every_manager_of_a_schools_own_table_is_scoped() -> None:
    assert unscoped(owned_models()) == []


def test_every_key_between_rows_of_a_school_is_an_owned_key() -> None:
    assert loose_keys(own_models()) == []


@isolate_apps("tests.house")
def test_bad_tables_would_be_noticed() -> None:
    class Homeless(models.Model):
        school = models.ForeignKey(School, models.CASCADE, related_name="+")

        class Meta:
            app_label = "house"

        def __str__(self) -> str:
            return ""

    class Unscoped(SchoolOwned):
        student = models.ForeignKey(Student, models.CASCADE, related_name="+")
        everything = models.Manager["Unscoped"]()

        class Meta:
            app_label = "house"

        def __str__(self) -> str:
            return ""

    assert homeless([Homeless, Unscoped]) == ["house.Homeless"]
    assert unscoped([Unscoped]) == ["house.Unscoped.everything"]
    assert loose_keys([Unscoped]) == ["house.Unscoped.student"]


# What the database says.

pytestmark = pytest.mark.django_db(databases=["default", "owner"])

POLICIES = {
    ("one_school", "schoolsbuddy_app", "ALL", "(school_id = ( SELECT app_school() AS app_school))", "same"),
    ("everywhere_to_read", "schoolsbuddy_reader", "SELECT", "true", ""),
    (
        "owner_says_so",
        "schoolsbuddy_owner",
        "ALL",
        "(current_setting('app.cross_school'::text, true) = 'on'::text)",
        "same",
    ),
}


def rows(statement: str, table: str, alias: str = "default") -> list[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, [table])
        return list(cursor.fetchall())


def faults(table: str, keys: list[tuple[str, str]], alias: str = "default") -> set[str]:
    """What is missing in the database for a table that a school owns; `keys` are (column, parent table)."""
    return {
        *([] if _row_security(table, alias) else ["row-level security is not enabled and forced"]),
        *([] if _policies(table, alias) == POLICIES else ["the policies are not exactly ours"]),
        *([] if "UNIQUE (school_id, id)" in _constraints(table, alias) else ["(school_id, id) is no target"]),
        *([] if _not_null(table, alias) else ["school_id may be empty"]),
        *(f"{column} may leave the school" for column, target in keys if not _stays(table, column, target, alias)),
        *(f"index {name} does not begin with school_id" for name in _stray_indexes(table, alias)),
    }


def _row_security(table: str, alias: str) -> bool:
    asked = "select relrowsecurity and relforcerowsecurity from pg_class where oid = %s::regclass"
    return bool(rows(asked, table, alias)[0][0])


def _policies(table: str, alias: str) -> set[tuple[str, ...]]:
    asked = """select policyname, array_to_string(roles, ','), cmd, qual,
      case when with_check = qual then 'same' else coalesce(with_check, '') end
      from pg_policies where tablename = %s and permissive = 'PERMISSIVE'"""
    return set(rows(asked, table, alias))


def _constraints(table: str, alias: str) -> set[str]:
    asked = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and convalidated"
    return {row[0] for row in rows(asked, table, alias)}


def _not_null(table: str, alias: str) -> bool:
    asked = "select attnotnull from pg_attribute where attrelid = %s::regclass and attname = 'school_id'"
    return bool(rows(asked, table, alias)[0][0])


def _stays(table: str, column: str, target: str, alias: str) -> bool:
    wanted = f"FOREIGN KEY (school_id, {column}) REFERENCES {target}(school_id, id)"
    return any(said.startswith(wanted) for said in _constraints(table, alias))


def _stray_indexes(table: str, alias: str) -> list[str]:
    """Indexes for finding rows that do not begin with the school; one behind a single key serves its constraint."""
    asked = """select i.relname, array_agg(a.attname order by k.place), x.indisunique
      from pg_index x join pg_class i on i.oid = x.indexrelid
      cross join unnest(x.indkey) with ordinality k(attnum, place)
      left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum
      where x.indrelid = %s::regclass group by i.relname, x.indisunique"""
    return [
        name
        for name, columns, unique in rows(asked, table, alias)
        if columns[0] != "school_id" and not unique and not (len(columns) == 1 and str(columns[0]).endswith("_id"))
    ]


def keys_of(model: Model) -> list[tuple[str, str]]:
    return [
        (field.column, field.related_model._meta.db_table)
        for field in model._meta.concrete_fields
        if isinstance(field, OwnedKey) and isinstance(field.related_model, type)
    ]


@pytest.mark.parametrize("model", owned_models(), ids=label)
def test_the_database_encloses_every_table_of_a_school(model: Model) -> None:
    assert faults(model._meta.db_table, keys_of(model)) == set()


def test_the_keys_of_global_tables_stay_inside_one_school_too() -> None:
    found = [(model, key) for model in own_models() if not issubclass(model, SchoolOwned) for key in keys_of(model)]
    assert len(found) >= 3
    loose = [(label(model), key) for model, key in found if not _stays(model._meta.db_table, *key, "default")]
    assert loose == []


def test_no_other_table_has_row_level_security_that_nobody_knows_of() -> None:
    asked = "select relname from pg_class where relrowsecurity and relnamespace = %s::regnamespace"
    enclosed = {row[0] for row in rows(asked, "public")}
    assert enclosed == {model._meta.db_table for model in owned_models()}


def test_every_table_is_the_owners_and_no_view_looks_past_the_policies() -> None:
    asked = """select relname, relkind, pg_get_userbyid(relowner) from pg_class
      where relnamespace = %s::regnamespace and relkind in ('r', 'v', 'm', 'p')"""
    found = rows(asked, "public")
    assert {kind for _, kind, _ in found} == {"r"}  # a view would read with its owner's eyes
    assert {owner for _, _, owner in found} == {"schoolsbuddy_owner"}


def test_no_function_runs_with_more_rights_than_its_caller() -> None:
    asked = "select proname from pg_proc where prosecdef and pronamespace = %s::regnamespace"
    assert rows(asked, "public") == []


def test_a_table_that_nobody_enclosed_would_be_noticed() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("create table forgotten (id bigint primary key, school_id bigint, student_id bigint, word text)")
        cursor.execute("create index by_word on forgotten (word)")
    assert faults("forgotten", [("student_id", "users_student")], "owner") == {
        "row-level security is not enabled and forced",
        "the policies are not exactly ours",
        "(school_id, id) is no target",
        "school_id may be empty",
        "student_id may leave the school",
        "index by_word does not begin with school_id",
    }


def test_a_policy_too_many_would_be_noticed() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("create policy open_door on users_tie to schoolsbuddy_app using (true)")
    assert faults("users_tie", [], "owner") == {"the policies are not exactly ours"}


def test_walls_not_forced_would_be_noticed() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("alter table users_tie no force row level security")
    assert faults("users_tie", [], "owner") == {"row-level security is not enabled and forced"}
