"""The outbox: every letter is a row before it is sent, so none is lost and none goes out twice."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import SchoolOwned
from users.emails import DUMMY_SUFFIX


class Letter(SchoolOwned):
    """One letter to one address, never a dummy (R29). `key` says what it is about: the same letter is written once."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be delivered")

    key = models.CharField(help_text=_("What it is about, such as trouble:12:began."))
    address = models.EmailField(max_length=320)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    subject = models.CharField()
    text = models.TextField()
    html = models.TextField(blank=True)
    written_at = models.DateTimeField()
    state = models.CharField(choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text=_("Not tried before; while it is tried, when that is given up."))
    settled_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was sent, or given up."))
    fault = models.CharField(blank=True, help_text=_("What kind of fault kept it; no address, no text."))

    class Meta:
        ordering: ClassVar[list[str]] = ["-written_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "key", "address"], name="one_letter_about_it"),
            models.CheckConstraint(condition=~models.Q(address__iendswith=DUMMY_SUFFIX), name="no_letter_to_a_dummy"),
            models.CheckConstraint(
                condition=models.Q(state="waiting", settled_at__isnull=True)
                | (~models.Q(state="waiting") & models.Q(settled_at__isnull=False)),
                name="letter_is_settled_or_waits",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "state", "written_at"], name="letter_by_state"),
            models.Index(fields=["school", "due_at"], condition=models.Q(state="waiting"), name="letter_due"),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"
