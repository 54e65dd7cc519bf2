"""What a sync records stays inside its school; identities are for ever."""

from django.db import migrations

from tenants.walls import Enclose

# R23: an id once given to a person never points at another one, and is never forgotten.
FOR_EVER = """
create function sync_identity_is_for_ever() returns trigger language plpgsql as $$
begin
  raise exception 'a MIS identity is never deleted and never re-pointed' using errcode = '23514';
end $$;
create trigger identity_is_for_ever before update or delete on sync_misidentity
  for each row execute function sync_identity_is_for_ever();
"""
NOT_FOR_EVER = """
drop trigger identity_is_for_ever on sync_misidentity;
drop function sync_identity_is_for_ever();
"""


class Migration(migrations.Migration):
    dependencies = [("sync", "0001_initial"), ("users", "0002_walls")]

    operations = [
        Enclose("Connection"),
        Enclose("Run"),
        Enclose("Change", append_only=True),
        Enclose("Refusal", append_only=True),
        Enclose("Hold"),
        Enclose("MisIdentity", append_only=True),
        migrations.RunSQL(FOR_EVER, NOT_FOR_EVER),
    ]
