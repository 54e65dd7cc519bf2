"""The open school in the database, what the site's role may do, and the first enclosed table."""

from django.db import migrations

from tenants.walls import APP_ROLE, READER_ROLE, Enclose

# An unset school is an error, not an empty list: an empty list would read as "everyone left". A finished transaction
# leaves '' behind, so both NULL and '' mean "none".
FUNCTION = """
create function app_school() returns bigint stable parallel safe language plpgsql as $$
declare v text := current_setting('app.school', true);
begin
  if v is null or v = '' then
    raise exception 'no school is open in this transaction' using errcode = '42501';
  end if;
  return v::bigint;
end $$;
"""
GRANTS = f"""
grant select, insert, update, delete on all tables in schema public to {APP_ROLE};
grant usage, select on all sequences in schema public to {APP_ROLE};
grant select on all tables in schema public to {READER_ROLE};
alter default privileges in schema public grant select, insert, update, delete on tables to {APP_ROLE};
alter default privileges in schema public grant usage, select on sequences to {APP_ROLE};
alter default privileges in schema public grant select on tables to {READER_ROLE};
revoke all on django_migrations from {APP_ROLE}, {READER_ROLE};
grant select on django_migrations to {APP_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "drop function app_school()"),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
        Enclose("AuditEvent", append_only=True),
    ]
