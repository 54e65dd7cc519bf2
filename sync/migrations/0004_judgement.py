"""What the judgement of a sync keeps: decisions, corrections made by hand, and what an undo needs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models
import tenants.scope
import tenants.secrets
from tenants.walls import Enclose, SameSchool


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0003_joining"),
        ("tenants", "0004_judgement"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="exact",
            field=models.JSONField(
                help_text="What an undo needs, to the letter; see sync.pipeline.exact. Never of a note.", null=True
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="case",
            field=models.CharField(blank=True, help_text="A word of sync.pipeline.plan.Case."),
        ),
        migrations.AddField(
            model_name="hold",
            name="digest",
            field=models.CharField(blank=True),
        ),
        migrations.AddField(
            model_name="hold",
            name="options",
            field=models.JSONField(default=list, help_text="[{key, label, effect}]: what a person may choose."),
        ),
        migrations.AddField(
            model_name="hold",
            name="sides",
            field=models.JSONField(default=list, help_text="[{title, kind, id, ref, facts: [[field, value]]}]"),
        ),
        migrations.AddField(
            model_name="refusal",
            name="fault",
            field=models.CharField(
                blank=True, help_text="A word of sync.pipeline.roster.Fault: the bucket it lies in."
            ),
        ),
        migrations.AddField(
            model_name="refusal",
            name="field",
            field=models.CharField(blank=True),
        ),
        migrations.AddField(
            model_name="refusal",
            name="other_ref",
            field=models.CharField(blank=True),
        ),
        migrations.AddField(
            model_name="run",
            name="feed",
            field=models.CharField(blank=True, default="", help_text="Fingerprint of the records as they came."),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="run",
            name="standstill",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Fingerprint of what was held and the rules, where it found nothing to do.",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="run",
            name="undoes",
            field=tenants.models.OwnedKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undone_by",
                to="sync.run",
            ),
        ),
        migrations.AlterField(
            model_name="change",
            name="action",
            field=models.CharField(
                choices=[
                    ("arrive", "added"),
                    ("amend", "updated"),
                    ("miss", "missing"),
                    ("leave", "left"),
                    ("rejoin", "came back"),
                    ("end", "ended"),
                    ("rekey", "new id"),
                    ("release", "your edit ended"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("schedule", "nightly"),
                    ("one_off", "one-off"),
                    ("command", "command line"),
                    ("first", "first sync"),
                    ("decision", "after a decision"),
                    ("undo", "undo"),
                    ("mis_change", "change of MIS"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="trial",
            name="kind",
            field=models.CharField(
                choices=[
                    ("test", "connection test"),
                    ("preview", "preview of the first sync"),
                    ("tonight", "what changes tonight"),
                    ("rehearsal", "rehearsal of a change of MIS"),
                ]
            ),
        ),
        migrations.AlterField(
            model_name="trial",
            name="summary",
            field=models.JSONField(
                default=dict,
                help_text="Of a preview, without personal data; of what changes tonight, with names, soon forgotten.",
            ),
        ),
        migrations.CreateModel(
            name="CharacterReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField()),
                ("proposals", models.JSONField(default=list)),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("applied", models.PositiveIntegerField(default=0, help_text="How many proposals were taken.")),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("reviewed_at", None)), fields=("school",), name="one_open_character_review"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField()),
                ("case", models.CharField()),
                ("kind", models.CharField()),
                ("choice", models.CharField(help_text="The key of one of the hold's options.")),
                ("says", models.CharField(help_text="The option in words, and the hold's reason, as they were shown.")),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(blank=True)),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="NULL: it holds as long as the facts do.", null=True),
                ),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
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
                    "run",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
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
                "ordering": ["-at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)),
                        fields=("school", "digest"),
                        name="one_decision_per_case",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MisChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("announced", "announced: reading is frozen"),
                            ("rehearsed", "rehearsed: people are matched"),
                            ("cut_over", "cut over"),
                            ("rolled_back", "rolled back"),
                            ("cancelled", "cancelled"),
                        ],
                        default="announced",
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                (
                    "consultation",
                    models.TextField(blank=True, help_text="Who was consulted, what was agreed, when it happens."),
                ),
                ("rehearsed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "matching",
                    models.JSONField(default=dict, help_text="See sync.pipeline.matching.Matching; ids, no names."),
                ),
                (
                    "digest",
                    models.CharField(
                        blank=True, help_text="Of the matching that was reviewed; another one is refused."
                    ),
                ),
                (
                    "found",
                    models.JSONField(
                        default=dict, help_text="What the rehearsal counted, see sync.operations.mis_change."
                    ),
                ),
                (
                    "records",
                    tenants.secrets.EncryptedJSONField(default=dict, help_text="{key of a question: [[field, value]]}"),
                ),
                ("answers", models.JSONField(default=dict, help_text="{key of a question: what a person chose}")),
                (
                    "proof",
                    models.JSONField(default=dict, help_text="Logins and stakes before and after, counted and hashed."),
                ),
                (
                    "ended_at",
                    models.DateTimeField(blank=True, help_text="Cut over, rolled back or cancelled.", null=True),
                ),
                ("rolled_back_at", models.DateTimeField(blank=True, null=True)),
                (
                    "new",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sync.connection",
                    ),
                ),
                (
                    "old",
                    tenants.models.OwnedKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="sync.connection"
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rolled_back_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    tenants.models.OwnedKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
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
                "verbose_name": "change of MIS",
                "verbose_name_plural": "changes of MIS",
                "ordering": ["-opened_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["announced", "rehearsed"])),
                        fields=("school",),
                        name="one_open_change_of_mis",
                    )
                ],
            },
        ),
        Enclose("Decision"),
        Enclose("CharacterReview"),
        Enclose("MisChange"),
        SameSchool("Run", "undoes"),
    ]
