"""One of the four places where a school is opened: the Celery task."""

from typing import Any

from celery import Task

from tenants import scope


class SchoolTask(Task):  # type: ignore[type-arg] # celery-types declares parameters that the class itself cannot take
    """The base of tasks that work inside one school: called with `school=<id>`, which is open while they run."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Open the school, then run."""
        with scope.school(kwargs.pop("school")):
            return super().__call__(*args, **kwargs)
