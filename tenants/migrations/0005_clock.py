"""When a school is open."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tenants.models
import tenants.scope
from tenants.walls import Enclose


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_judgement"),
    ]

    operations = [
        migrations.AddField(
            model_name="school",
            name="morning_slot",
            field=models.CharField(
                choices=[("09:30", "09:30"), ("10:30", "10:30")],
                default="09:30",
                help_text="When the morning’s attendance marks are read, in the school’s own time (R14, D6).",
            ),
        ),
        migrations.AddField(
            model_name="school",
            name="opened_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="No slot before this moment is theirs (R10).",
            ),
        ),
        migrations.AddField(
            model_name="school",
            name="weekdays",
            field=models.JSONField(
                default=tenants.models.monday_to_friday,
                help_text="The days there is school, 1 (Monday) to 7; in many countries Sunday to Thursday (R14).",
                validators=[tenants.models.check_weekdays],
            ),
        ),
        migrations.CreateModel(
            name="Closure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.DateField()),
                ("last", models.DateField(help_text="This day is closed as well.")),
                ("name", models.CharField(help_text="What it is called: “Half-term”.")),
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
            ],
            options={
                "ordering": ["first", "id"],
                "indexes": [models.Index(fields=["school", "first"], name="closure_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", models.F("first"))), name="closure_ends_after_it_begins"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="school",
            constraint=models.CheckConstraint(
                condition=models.Q(("morning_slot__in", ["09:30", "10:30"])), name="school_morning_slot_is_one_of_two"
            ),
        ),
        Enclose("Closure"),
    ]
