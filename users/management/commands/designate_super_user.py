"""`manage.py designate_super_user SLUG EMAIL --reason "…"`: super users are designated by our support (R45)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tenants import scope
from tenants.models import School
from users.models import StaffMember
from users.operations.roles import designate_super_user


class Command(BaseCommand):
    """Makes a member of staff a super user. Exit status 0 when they are one, 1 when nothing was changed."""

    help = "Make a member of staff a super user (Organisation Super Admin) of their school."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("school", metavar="SLUG")
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--reason", required=True, help="The school sees it in its audit trail.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Designate."""
        school = School.objects.filter(slug=options["school"]).first()
        if school is None:
            raise CommandError(f"there is no school “{options['school']}”")
        with scope.school(school.pk):
            staff_member = StaffMember.objects.here().filter(email__iexact=options["email"]).first()
            if staff_member is None:
                raise CommandError("nobody on that school's staff has this address")
            designate_super_user(staff_member=staff_member, by=None, reason=options["reason"], at=timezone.now())
        self.stdout.write(f"a super user of {school} now")
