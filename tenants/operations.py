"""What changes in the room of schools."""

import datetime

from tenants.models import AuditEvent


def record(*, action: str, by: int | None, at: datetime.datetime, subject: str = "", reason: str = "") -> AuditEvent:
    """Add one line to the open school's audit trail (R63). `subject` is kind:id, never a name."""
    return AuditEvent.objects.create(action=action, actor_id=by, at=at, subject=subject, reason=reason)
