"""Names with broken letters, on their way through a review."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import SchoolOwned


class CharacterReview(SchoolOwned):
    """Names that look broken (`MuÃ±oz`) with a proposal for each; support looks at them, none applies itself (R67).

    `proposals` are [{kind, id, field, now, proposed, sure, why}] in the order shown; `proposed` is "" where nobody can
    tell from the text what stood there.
    """

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    proposals = models.JSONField(default=list)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    applied = models.PositiveIntegerField(default=0, help_text=_("How many proposals were taken."))

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school"], condition=models.Q(reviewed_at=None), name="one_open_character_review"
            ),
        ]

    def __str__(self) -> str:
        return f"character review {self.pk}"
