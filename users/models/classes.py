"""Classes and who is in them, as the MIS says."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import OwnedKey, SchoolOwned
from users.models.people import StaffMember, Student, shared_text


class SchoolClass(SchoolOwned):
    """A class, set or registration group."""

    name = models.CharField()
    year = shared_text()
    subject = shared_text()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("school classes")
        ordering: ClassVar[list[str]] = ["name", "id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "name"], name="class_by_name")]

    def __str__(self) -> str:
        return self.name


class Enrolment(SchoolOwned):
    """A student sits in a class."""

    school_class = OwnedKey(SchoolClass, models.CASCADE, related_name="enrolments")
    student = OwnedKey(Student, models.CASCADE, related_name="enrolments")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "school_class", "student"], name="enrolled_once"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "student"], name="enrolment_by_student")]

    def __str__(self) -> str:
        return f"{self.school_class_id}–{self.student_id}"


class Teaching(SchoolOwned):
    """A member of staff teaches a class."""

    school_class = OwnedKey(SchoolClass, models.CASCADE, related_name="teachings")
    staff_member = OwnedKey(StaffMember, models.CASCADE, related_name="teachings")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "school_class", "staff_member"], name="teaches_once"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "staff_member"], name="teaching_by_staff")]

    def __str__(self) -> str:
        return f"{self.school_class_id}–{self.staff_member_id}"
