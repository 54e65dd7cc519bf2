"""The MISs there are, and how one school reaches its own."""

from typing import Any, ClassVar

from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from tenants.models import SchoolOwned
from tenants.secrets import EncryptedJSONField


class MisProduct(models.Model):
    """A school information system, and the partner through which we reach it. Adding one is no deploy (R7)."""

    name = models.CharField()
    partner = models.CharField(blank=True, help_text=_("Wonde, GG4L, or empty when we read it ourselves."))
    connector = models.CharField(help_text=_("The key of a connector in sync.registry."))
    abilities = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("{ability: {says, note}} of sync.catalogue (R4)."),
    )
    notes = models.TextField(blank=True, help_text=_("What is special about this system; a paragraph a line."))
    ours = models.BooleanField(
        default=False, help_text=_("Support wrote or changed this row, so a deploy leaves it as it is.")
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "partner"]
        verbose_name = _("MIS")
        verbose_name_plural = _("MISs")
        constraints: ClassVar[list[Any]] = [
            # One system may be reached through two partners, and they may share different things.
            models.UniqueConstraint(fields=["name", "partner"], name="one_product_per_name_and_partner"),
        ]

    def __str__(self) -> str:
        return f"{self.name} via {self.partner}" if self.partner else self.name

    @property
    def slug(self) -> str:
        """Its part of an address: “sims-via-wonde”."""
        return slugify(str(self).replace("/", " "))


class Connection(SchoolOwned):
    """How one school's MIS is reached: one active connection a school; `generation` counts MIS changes (R25)."""

    product = models.ForeignKey(MisProduct, models.PROTECT, null=True, blank=True, related_name="+")
    connector = models.CharField(help_text=_("The key of a connector in sync.registry."))
    settings = EncryptedJSONField(default=dict, help_text=_("The connector's settings, encrypted at rest."))
    generation = models.PositiveSmallIntegerField(default=1)
    active = models.BooleanField(default=True)
    paused_reason = models.CharField(blank=True, help_text=_("Why nothing is read: what the MIS refused."))

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school"], condition=models.Q(active=True), name="one_active_connection"),
        ]

    def __str__(self) -> str:
        return str(self.product) if self.product else self.connector
