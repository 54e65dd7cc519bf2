"""Medical notes and dietary needs, as the MIS says. No row is "none" only where the MIS shares the kind (R4, R35)."""

from typing import Any, ClassVar

from django.db import models

from tenants.models import OwnedKey, SchoolOwned
from users.models.people import Student, shared_text


class MedicalNote(SchoolOwned):
    """One medical note of one student; reading it is logged."""

    student = OwnedKey(Student, models.CASCADE, related_name="medical_notes")
    ref = models.CharField()
    condition = models.CharField()
    details = shared_text()

    class Meta:
        ordering: ClassVar[list[str]] = ["condition", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "student", "ref"], name="medical_note_once"),
        ]

    def __str__(self) -> str:
        return f"medical:{self.pk}"


class DietaryNeed(SchoolOwned):
    """One dietary need of one student."""

    student = OwnedKey(Student, models.CASCADE, related_name="dietary_needs")
    ref = models.CharField()
    need = models.CharField()

    class Meta:
        ordering: ClassVar[list[str]] = ["need", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "student", "ref"], name="dietary_need_once"),
        ]

    def __str__(self) -> str:
        return f"dietary:{self.pk}"
