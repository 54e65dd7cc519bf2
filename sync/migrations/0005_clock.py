"""Slots and claims, attendance runs, wishes, troubles, and marks that wait for their students."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models
import tenants.scope
from tenants.walls import Enclose


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0004_judgement"),
        ("tenants", "0005_clock"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ParkedMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("generation", models.PositiveSmallIntegerField()),
                ("student_ref", models.CharField()),
                ("date", models.DateField()),
                ("session", models.CharField()),
                ("lesson", models.CharField(blank=True)),
                ("code", models.CharField(blank=True)),
                ("said", models.CharField()),
                ("label", models.CharField(blank=True)),
                ("minutes_late", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("recorded_at", models.DateTimeField(blank=True, null=True)),
                ("fetched_at", models.DateTimeField()),
                ("run", models.BigIntegerField(help_text="The id of the run that read it.")),
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
        ),
        migrations.CreateModel(
            name="Pulse",
            fields=[
                ("name", models.CharField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField(default=0, help_text="How long it took.")),
                ("claimed", models.PositiveIntegerField(default=0, help_text="How many slots it claimed.")),
                (
                    "left",
                    models.PositiveIntegerField(default=0, help_text="How many are due and wait for its next turn."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RunRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("roster", "roster"), ("attendance", "attendance")])),
                (
                    "only",
                    models.CharField(blank=True, help_text="One person or class, as kind:id; empty: the whole school."),
                ),
                ("reason", models.CharField(help_text="Why the school wants it now.")),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "declined",
                    models.CharField(blank=True, help_text="Why support did not do it; the school reads this."),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "run",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="sync.run",
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
            ],
            options={
                "ordering": ["-asked_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="roster or attendance.")),
                (
                    "slot",
                    models.CharField(choices=[("night", "night"), ("morning", "morning"), ("afternoon", "afternoon")]),
                ),
                ("local_date", models.DateField(help_text="The date of the school's own calendar.")),
                ("due_at", models.DateTimeField()),
                ("claimed_at", models.DateTimeField()),
                ("late", models.BooleanField(default=False, help_text="Caught up behind its time.")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("run", "a run was queued"),
                            ("suspended", "the school is suspended"),
                            ("not connected", "no MIS is connected"),
                            ("not confirmed", "the first sync was not confirmed yet"),
                            ("paused", "reading is paused until somebody mends it"),
                            ("frozen", "the school changes its MIS"),
                            ("no school", "no school on this day"),
                            ("not shared", "this MIS shares no marks"),
                        ]
                    ),
                ),
                (
                    "run",
                    models.BigIntegerField(
                        help_text="The id of the run; the run itself is the school's own.", null=True
                    ),
                ),
                (
                    "retry_at",
                    models.DateTimeField(
                        blank=True, help_text="When it is tried again, because the MIS was busy.", null=True
                    ),
                ),
                ("retries", models.PositiveSmallIntegerField(default=0)),
                (
                    "school",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="tenants.school"
                    ),
                ),
            ],
            options={
                "ordering": ["-due_at", "school_id"],
            },
        ),
        migrations.CreateModel(
            name="Trouble",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("roster", "roster"), ("attendance", "attendance")])),
                (
                    "reason",
                    models.CharField(help_text="refused, busy, broken, doubtful, internal or held: whose turn it is."),
                ),
                ("says", models.CharField(help_text="The sentence of the run that met it last; no personal data.")),
                ("since", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("times", models.PositiveIntegerField(default=1)),
                (
                    "told_at",
                    models.DateTimeField(blank=True, help_text="When letters about it were last written.", null=True),
                ),
                ("over_at", models.DateTimeField(blank=True, null=True)),
                (
                    "run",
                    tenants.models.OwnedKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="sync.run"
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
            ],
            options={
                "ordering": ["-since", "-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="one_scheduled_run_a_night",
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_has_ended_or_not",
        ),
        migrations.AddField(
            model_name="run",
            name="unheard",
            field=models.BooleanField(
                default=False, help_text="It has ended, and nobody has looked yet whether that is a trouble."
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(condition=models.Q(("unheard", True)), fields=["school"], name="run_unheard"),
        ),
        migrations.AddField(
            model_name="run",
            name="cancel_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="cancel_asked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="late",
            field=models.BooleanField(default=False, help_text="It was caught up behind its time (R10)."),
        ),
        migrations.AddField(
            model_name="run",
            name="only",
            field=models.CharField(blank=True, help_text="One person or class, as kind:id; empty: the whole school."),
        ),
        migrations.AddField(
            model_name="run",
            name="progress",
            field=models.JSONField(
                default=dict, help_text="While it runs: {stage, pages, rows}, for whoever watches; not of any decision."
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="slot",
            field=models.CharField(blank=True, help_text="night, morning or afternoon; empty: nobody's slot (R19)."),
        ),
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(choices=[("roster", "roster"), ("attendance", "attendance")], default="roster"),
        ),
        migrations.AlterField(
            model_name="run",
            name="local_date",
            field=models.DateField(help_text="The school's own date of the slot this run belongs to."),
        ),
        migrations.AlterField(
            model_name="run",
            name="status",
            field=models.CharField(
                choices=[
                    ("queued", "waiting"),
                    ("running", "running"),
                    ("ok", "finished"),
                    ("partial", "finished, part held"),
                    ("held", "held"),
                    ("failed", "failed"),
                    ("cancelled", "cancelled"),
                ],
                default="queued",
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("schedule", "scheduled"),
                    ("retry", "tried again"),
                    ("one_off", "one-off"),
                    ("command", "command line"),
                    ("first", "first sync"),
                    ("decision", "after a decision"),
                    ("undo", "undo"),
                    ("mis_change", "change of MIS"),
                ]
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("trigger", "schedule")),
                fields=("school", "kind", "local_date", "slot"),
                name="one_scheduled_run_a_slot",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("status__in", ["queued", "running"])),
                    models.Q(
                        ("finished_at__isnull", False), ("status__in", ["ok", "partial", "held", "failed", "cancelled"])
                    ),
                    _connector="OR",
                ),
                name="run_has_ended_or_not",
            ),
        ),
        migrations.AddConstraint(
            model_name="parkedmark",
            constraint=models.UniqueConstraint(
                fields=("school", "generation", "student_ref", "date", "session", "lesson"), name="one_parked_mark"
            ),
        ),
        migrations.AddConstraint(
            model_name="runrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("answered_at__isnull", True)),
                fields=("school", "kind", "only"),
                name="one_request_waits_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="runrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("declined", ""), ("run", None)),
                    models.Q(
                        ("answered_at__isnull", False),
                        models.Q(("run__isnull", False), models.Q(("declined", ""), _negated=True), _connector="XOR"),
                    ),
                    _connector="OR",
                ),
                name="request_was_granted_or_declined",
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="error_kind",
            field=models.CharField(blank=True, help_text="refused, busy, slow, broken, doubtful or internal."),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status__in", ["queued", "running"])),
                fields=["school", "queued_at"],
                name="run_under_way",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["school", "finished_at"], name="run_failed"
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(fields=["local_date", "slot"], name="slot_by_date"),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                condition=models.Q(("retry_at__isnull", False)), fields=["retry_at"], name="slot_to_retry"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                fields=("school", "kind", "local_date", "slot"), name="one_claim_a_slot"
            ),
        ),
        migrations.AddIndex(
            model_name="trouble",
            index=models.Index(fields=["school", "-since"], name="trouble_by_time"),
        ),
        migrations.AddConstraint(
            model_name="trouble",
            constraint=models.UniqueConstraint(
                condition=models.Q(("over_at__isnull", True)),
                fields=("school", "kind", "reason"),
                name="one_open_trouble_a_reason",
            ),
        ),
        Enclose("ParkedMark"),
        Enclose("RunRequest"),
        Enclose("Trouble"),
    ]
