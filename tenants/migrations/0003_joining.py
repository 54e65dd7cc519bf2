"""The time zone that somebody at the school said yes to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_walls"),
    ]

    operations = [
        migrations.AddField(
            model_name="school",
            name="confirmed_timezone",
            field=models.CharField(
                blank=True, editable=False, help_text="The time zone that somebody at the school said yes to (R1)."
            ),
        ),
    ]
