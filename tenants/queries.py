"""Answers about schools."""

from tenants.models import School


def school_by_slug(slug: str) -> School | None:
    """Return the active school with this slug, or None."""
    return School.objects.filter(slug=slug, status=School.Status.ACTIVE).first()
