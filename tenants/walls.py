"""Walls 3 and 4 of tenancy, written by migrations: row-level security and foreign keys that stay inside one school.

`Enclose` goes behind every `CreateModel` of a school's own table; `tests/house/test_tenancy.py` finds a forgotten one.
"""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

APP_ROLE = "schoolsbuddy_app"
OWNER_ROLE = "schoolsbuddy_owner"
READER_ROLE = "schoolsbuddy_reader"

# `(select app_school())`, with the brackets, is evaluated once per query and can be an index condition.
POLICIES = f"""
alter table {{table}} enable row level security;
alter table {{table}} force row level security;
create policy one_school on {{table}} to {APP_ROLE}
  using (school_id = (select app_school())) with check (school_id = (select app_school()));
create policy everywhere_to_read on {{table}} for select to {READER_ROLE} using (true);
create policy owner_says_so on {{table}} to {OWNER_ROLE}
  using (current_setting('app.cross_school', true) = 'on')
  with check (current_setting('app.cross_school', true) = 'on');
"""
NO_POLICIES = """
drop policy if exists one_school on {table};
drop policy if exists everywhere_to_read on {table};
drop policy if exists owner_says_so on {table};
alter table {table} no force row level security;
alter table {table} disable row level security;
"""


def is_owned(model: Any) -> bool:
    """Whether this (state) model's rows belong to one school."""
    return any(field.name == "school" for field in model._meta.get_fields() if field.concrete)


def keys_inside_school(model: Any) -> list[models.ForeignKey[Any, Any]]:
    """Return the foreign keys whose child and parent must share a school."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.name != "school" and is_owned(field.related_model)
    ]


def same_school_sql(model: Any, field: models.ForeignKey[Any, Any]) -> str:
    """Return the composite foreign key of one field."""
    table, target = model._meta.db_table, field.related_model._meta.db_table
    return (
        f"alter table {table} add constraint {table}_{field.column}_same_school "
        f"foreign key (school_id, {field.column}) references {target} (school_id, id) deferrable initially deferred"
    )


class _OnModel(Operation):
    """The base of both operations: acts on one model's table, changes no state."""

    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: these rules live in the database only."""


class Enclose(_OnModel):
    """Put a school's own table behind row-level security; with `append_only`, the site may only add and read rows."""

    def __init__(self, model_name: str, *, append_only: bool = False) -> None:
        super().__init__(model_name)
        self.append_only = append_only

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Enable and force the policies, make `(school_id, id)` a target, tie every key to it."""
        model: Any = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        editor.execute(POLICIES.format(table=table))
        editor.execute(f"alter table {table} add constraint {table}_of_school unique (school_id, id)")
        for field in keys_inside_school(model):
            editor.execute(same_school_sql(model, field))
        if self.append_only:
            editor.execute(f"revoke update, delete, truncate on {table} from {APP_ROLE}")

    def database_backwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Undo, so that the table can be dropped or enclosed anew."""
        model: Any = from_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        editor.execute(NO_POLICIES.format(table=table))
        for field in keys_inside_school(model):
            editor.execute(f"alter table {table} drop constraint if exists {table}_{field.column}_same_school")
        editor.execute(f"alter table {table} drop constraint if exists {table}_of_school")

    def describe(self) -> str:
        """Name the operation in migrate's output."""
        return f"Enclose {self.model_name} in its school"


class SameSchool(_OnModel):
    """Tie one key of a table with a `school` column to a parent of the same school (global tables, later fields)."""

    def __init__(self, model_name: str, field_name: str) -> None:
        super().__init__(model_name)
        self.field_name = field_name

    def database_forwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the composite foreign key."""
        model: Any = to_state.apps.get_model(app_label, self.model_name)
        editor.execute(same_school_sql(model, model._meta.get_field(self.field_name)))

    def database_backwards(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        model: Any = from_state.apps.get_model(app_label, self.model_name)
        table, column = model._meta.db_table, model._meta.get_field(self.field_name).column
        editor.execute(f"alter table {table} drop constraint if exists {table}_{column}_same_school")

    def describe(self) -> str:
        """Name the operation in migrate's output."""
        return f"Keep {self.model_name}.{self.field_name} inside one school"
