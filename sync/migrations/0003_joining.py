"""What joining needs: trials that write nothing, a plan that was confirmed, and what each system shares."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.scope
from tenants.walls import Enclose


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0002_walls"),
        ("tenants", "0003_joining"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Trial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("test", "connection test"), ("preview", "preview of the first sync")]),
                ),
                ("asked_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("made_with", models.CharField(help_text="The fingerprint of the connection's settings.")),
                (
                    "error_kind",
                    models.CharField(blank=True, help_text="refused, busy, broken, doubtful, internal or lost."),
                ),
                (
                    "error",
                    models.CharField(blank=True, help_text="What happened and what to do next; no personal data."),
                ),
                ("findings", models.JSONField(default=list, help_text="Of a test: [{part, reach, text}].")),
                (
                    "summary",
                    models.JSONField(
                        default=dict, help_text="Of a preview, see sync.operations.trials; no personal data."
                    ),
                ),
                (
                    "plan_hash",
                    models.CharField(blank=True, help_text="Of a preview: the plan it shows, without its night."),
                ),
                (
                    "confirmed_at",
                    models.DateTimeField(blank=True, help_text="Of a preview: a person said “do it”.", null=True),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
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
            },
        ),
        migrations.AlterModelOptions(
            name="misproduct",
            options={"ordering": ["name", "partner"], "verbose_name": "MIS", "verbose_name_plural": "MISs"},
        ),
        migrations.AddField(
            model_name="misproduct",
            name="abilities",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="{ability: {says, note}} of sync.catalogue (R4).",
            ),
        ),
        migrations.AddField(
            model_name="misproduct",
            name="notes",
            field=models.TextField(blank=True, help_text="What is special about this system; a paragraph a line."),
        ),
        migrations.AddField(
            model_name="misproduct",
            name="ours",
            field=models.BooleanField(
                default=False, help_text="Support wrote or changed this row, so a deploy leaves it as it is."
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="expects",
            field=models.CharField(
                blank=True, help_text="The plan a person has seen and confirmed; another one is not carried out (R3)."
            ),
        ),
        migrations.AlterField(
            model_name="misproduct",
            name="name",
            field=models.CharField(),
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
                ]
            ),
        ),
        migrations.AddConstraint(
            model_name="misproduct",
            constraint=models.UniqueConstraint(fields=("name", "partner"), name="one_product_per_name_and_partner"),
        ),
        migrations.AddIndex(
            model_name="trial",
            index=models.Index(fields=["school", "kind", "-asked_at"], name="trial_by_kind"),
        ),
        migrations.AddConstraint(
            model_name="trial",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("school", "kind"), name="one_trial_at_a_time"
            ),
        ),
        Enclose("Trial"),
    ]
