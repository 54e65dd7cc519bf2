"""What the judgement of a sync keeps: decisions, corrections made by hand, and what an undo needs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models
import tenants.scope
from tenants.walls import Enclose


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_judgement"),
        ("users", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="LocalEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field", models.CharField(help_text="A column of the person: given_name, email, phone …")),
                ("value", models.CharField(blank=True)),
                (
                    "replaced",
                    models.CharField(blank=True, help_text="What the MIS said; NULL: it was not shared.", null=True),
                ),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(blank=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_why", models.CharField(blank=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guardian",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.guardian",
                    ),
                ),
                (
                    "school",
                    models.ForeignKey(
                        default=tenants.scope.current,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.school",
                    ),
                ),
                (
                    "staff_member",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.staffmember",
                    ),
                ),
                (
                    "student",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="users.student",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="staffmember",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Deleted by hand: stays so, whatever the MIS sends, until restored (R48).",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="tie",
            name="blocked_at",
            field=models.DateTimeField(
                blank=True, help_text="The school's own safety block: it beats the feed (R66).", null=True
            ),
        ),
        migrations.AddField(
            model_name="tie",
            name="blocked_why",
            field=models.CharField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="tie",
            name="by_hand",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Added in Reception: the feed never ends it (R43, R66)."
            ),
        ),
        migrations.AddConstraint(
            model_name="staffmember",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "left"), ("deleted_at__isnull", True), _connector="OR"),
                name="staff_deleted_has_left",
            ),
        ),
        migrations.AddConstraint(
            model_name="localedit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None), ("student__isnull", False)),
                fields=("school", "student", "field"),
                name="one_open_edit_of_a_student",
            ),
        ),
        migrations.AddConstraint(
            model_name="localedit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None), ("guardian__isnull", False)),
                fields=("school", "guardian", "field"),
                name="one_open_edit_of_a_guardian",
            ),
        ),
        migrations.AddConstraint(
            model_name="localedit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None), ("staff_member__isnull", False)),
                fields=("school", "staff_member", "field"),
                name="one_open_edit_of_a_staff_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="localedit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("guardian", None), ("staff_member", None), ("student__isnull", False)),
                    models.Q(("guardian__isnull", False), ("staff_member", None), ("student", None)),
                    models.Q(("guardian", None), ("staff_member__isnull", False), ("student", None)),
                    _connector="OR",
                ),
                name="edit_is_of_one_person",
            ),
        ),
        Enclose("LocalEdit"),
    ]
