"""A school's move to another MIS."""

import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.models.connections import Connection
from sync.models.runs import Run
from tenants.models import OwnedKey, SchoolOwned
from tenants.secrets import EncryptedJSONField

ROLL_BACK_WITHIN: Final = datetime.timedelta(days=14)  # R25


class MisChange(SchoolOwned):
    """A school's move to another MIS, as a project with stages (R25). While one is open nobody has anything read.

    `answers` are by the key of a question (`sync.pipeline.cutover.Question`). `records` are what the new MIS says of
    those in doubt, to stand beside ours; they are forgotten when the change ends.
    """

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("announced: reading is frozen")
        REHEARSED = "rehearsed", _("rehearsed: people are matched")
        CUT_OVER = "cut_over", _("cut over")
        ROLLED_BACK = "rolled_back", _("rolled back")
        CANCELLED = "cancelled", _("cancelled")

    OPEN: ClassVar = (State.ANNOUNCED, State.REHEARSED)

    state = models.CharField(choices=State.choices, default=State.ANNOUNCED)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    consultation = models.TextField(blank=True, help_text=_("Who was consulted, what was agreed, when it happens."))
    old = OwnedKey(Connection, models.PROTECT, related_name="+")
    new = OwnedKey(Connection, models.PROTECT, null=True, blank=True, related_name="+")
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    matching = models.JSONField(default=dict, help_text=_("See sync.pipeline.matching.Matching; ids, no names."))
    digest = models.CharField(blank=True, help_text=_("Of the matching that was reviewed; another one is refused."))
    found = models.JSONField(default=dict, help_text=_("What the rehearsal counted, see sync.operations.mis_change."))
    records = EncryptedJSONField(default=dict, help_text=_("{key of a question: [[field, value]]}"))
    answers = models.JSONField(default=dict, help_text=_("{key of a question: what a person chose}"))
    proof = models.JSONField(default=dict, help_text=_("Logins and stakes before and after, counted and hashed."))
    run = OwnedKey(Run, models.PROTECT, null=True, blank=True, related_name="+")  # that cut over
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("Cut over, rolled back or cancelled."))
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    rolled_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at", "-id"]
        verbose_name = _("change of MIS")
        verbose_name_plural = _("changes of MIS")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school"],
                condition=models.Q(state__in=["announced", "rehearsed"]),
                name="one_open_change_of_mis",
            ),
        ]

    def __str__(self) -> str:
        return f"change of MIS {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it is under way, so that nothing is read."""
        return self.state in self.OPEN

    @property
    def back_until(self) -> datetime.datetime | None:
        """Until when it may be rolled back, once it was cut over."""
        return self.ended_at + ROLL_BACK_WITHIN if self.state == self.State.CUT_OVER and self.ended_at else None
