"""`manage.py grant_role SLUG EMAIL ROLE --reason "…"`: gives a role to a member of staff, or takes it away (R46)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tenants import scope
from tenants.models import School
from users.models import StaffMember
from users.operations import roles
from users.roles import GRANTABLE, SuperUser


class Command(BaseCommand):
    """Gives or takes away a role. Exit status 0 when it is as was asked, 1 when nothing was changed."""

    help = "Give a role to a member of staff of a school, or take it away."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("school", metavar="SLUG")
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("role", metavar="ROLE", choices=sorted(set(GRANTABLE) - {SuperUser.key}))
        parser.add_argument("--reason", required=True, help="The school sees it in its audit trail.")
        parser.add_argument("--revoke", action="store_true", help="Take it away instead.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant or revoke."""
        school = School.objects.filter(slug=options["school"]).first()
        if school is None:
            raise CommandError(f"there is no school “{options['school']}”")
        with scope.school(school.pk):
            staff_member = StaffMember.objects.here().filter(email__iexact=options["email"]).first()
            if staff_member is None:
                raise CommandError("nobody on that school's staff has this address")
            act = roles.revoke if options["revoke"] else roles.grant
            try:
                act(
                    staff_member=staff_member,
                    role=options["role"],
                    by=None,
                    reason=options["reason"],
                    at=timezone.now(),
                )
            except roles.UnableToGrant as fault:
                raise CommandError(str(fault)) from None
        label, has = GRANTABLE[options["role"]].label, "no longer has" if options["revoke"] else "now has"
        self.stdout.write(f"{staff_member} {has} “{label}” at {school}")
