"""The room of attendance."""

from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    """Marks, their history, the meaning of codes, absence reports and what monitors settle."""

    name = "attendance"
    verbose_name = "Attendance"
