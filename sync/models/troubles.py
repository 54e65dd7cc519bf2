"""What keeps a school's syncs from ending well, told once for each reason and not once a run."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.models.runs import Run
from tenants.models import OwnedKey, SchoolOwned


class Trouble(SchoolOwned):
    """One reason for which runs of a kind fail or are held, from its first run until one ended well.

    Letters go out when it begins and when it is over; runs that meet it again in between only count (`times`).
    """

    kind = models.CharField(choices=Run.Kind.choices)
    reason = models.CharField(help_text=_("refused, busy, broken, doubtful, internal or held: whose turn it is."))
    says = models.CharField(help_text=_("The sentence of the run that met it last; no personal data."))
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    run = OwnedKey(Run, models.PROTECT, related_name="+")  # that met it last
    told_at = models.DateTimeField(null=True, blank=True, help_text=_("When letters about it were last written."))
    over_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-since", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "kind", "reason"],
                condition=models.Q(over_at__isnull=True),
                name="one_open_trouble_a_reason",
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "-since"], name="trouble_by_time")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
