"""People and what belongs to them stay inside their school."""

from django.db import migrations

from tenants.walls import Enclose, SameSchool


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial"), ("tenants", "0002_walls")]

    operations = [
        Enclose("Student"),
        Enclose("Guardian"),
        Enclose("StaffMember"),
        Enclose("SchoolClass"),
        Enclose("Tie"),
        Enclose("Enrolment"),
        Enclose("Teaching"),
        Enclose("MedicalNote"),
        Enclose("DietaryNeed"),
        Enclose("RoleGrant"),
        SameSchool("Membership", "student"),
        SameSchool("Membership", "guardian"),
        SameSchool("Membership", "staff_member"),
    ]
