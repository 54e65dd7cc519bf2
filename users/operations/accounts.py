"""Ties people to logins after a roster: one account per real address, re-linked when an address changes (D1, R32).

A school's feed never renames or resets a login: the person moves to the login of the new address, and whoever used the
old one keeps it for whatever else it opens. Set-based: an unchanged night writes no row.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tenants import scope
from tenants.operations import record

# Who may have a login at all, by table: (column of the membership, table, condition).
_WAYS_IN: Final = (
    ("staff_member_id", "users_staffmember", "p.domain_recognised"),
    ("guardian_id", "users_guardian", "true"),
    ("student_id", "users_student", "true"),
)

_ADDRESSES = """
select lower(p.email) as address from {table} p
where p.school_id = %(school)s and not p.email_is_dummy and p.status <> 'left' and {condition}
"""
# In order of the address, so that two schools that share parents wait for each other instead of locking each other out.
_ACCOUNTS = """
insert into users_account (email, password, is_active, is_support, is_superuser, created_at)
select address, '!' || gen_random_uuid(), true, false, false, %(at)s::timestamptz
from ({addresses}) wanted
where not exists (select 1 from users_account a where lower(a.email) = address)
order by address
on conflict do nothing
"""
_END = """
delete from users_membership m using {table} p, users_account a
where m.school_id = %(school)s and m.{column} = p.id and a.id = m.account_id
  and (p.email_is_dummy or lower(p.email) <> lower(a.email) or not {condition})
returning m.account_id
"""
# The first school needs no question. A second one waits until the owner of the address says yes, whether they have
# signed in yet or not: a slip of that school's pen must not show them a stranger's child (R32).
_LINK = """
insert into users_membership (account_id, school_id, {column}, confirmed_at)
select a.id, %(school)s, p.id,
  case when exists (
    select 1 from users_membership o where o.account_id = a.id and o.school_id <> %(school)s
  ) and not exists (
    select 1 from users_membership h
    where h.account_id = a.id and h.school_id = %(school)s and h.confirmed_at is not null
  ) then null else %(at)s::timestamptz end
from {table} p join users_account a on lower(a.email) = lower(p.email)
where p.school_id = %(school)s and not p.email_is_dummy and p.status <> 'left' and {condition}
  and not exists (select 1 from users_membership m where m.{column} = p.id)
on conflict do nothing
returning account_id
"""
# An address that went from one person to another: what its former owner knew opens it no more (D4). Whoever reads the
# mailbox now proves it anew; a changed password ends every session.
_ANEW = """
update users_account set password = '!' || gen_random_uuid(), activated_at = null
where id = any(%(accounts)s) and activated_at is not null
returning id
"""


def link_people(*, at: datetime.datetime) -> None:
    """Make the open school's memberships agree with its people's addresses."""
    names: dict[str, int | datetime.datetime] = {"school": scope.current(), "at": at}
    addresses = " union ".join(_for_each(_ADDRESSES))
    with connection.cursor() as cursor:
        ended = set().union(*(_accounts(cursor, statement, names) for statement in _for_each(_END)))
        cursor.execute(_ACCOUNTS.format(addresses=addresses), names)
        linked = set().union(*(_accounts(cursor, statement, names) for statement in _for_each(_LINK)))
        moved = sorted(ended & linked)  # of whatever kinds: a guardian's password must not open a colleague's pages
        proven = _accounts(cursor, _ANEW, {"accounts": moved}) if moved else set()
    for account in sorted(proven):
        record(action="account.changed_hands", by=None, at=at, subject=f"account:{account}")


def _accounts(cursor: CursorWrapper, statement: str, names: Mapping[str, Any]) -> set[int]:
    cursor.execute(statement, names)
    return {row[0] for row in cursor.fetchall()}


def _for_each(statement: str) -> list[str]:
    return [statement.format(column=column, table=table, condition=condition) for column, table, condition in _WAYS_IN]
