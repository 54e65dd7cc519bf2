"""The filter bar above the list of students."""

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from users import queries, years
from users.models import SchoolClass, Student


def year_choices() -> list[tuple[str, str]]:
    """Return the year labels in use, as a school reads them."""
    return [(label, years.say(label)) for label in queries.year_labels()]


def class_choices(_request: Any) -> QuerySet[SchoolClass]:
    """Return the classes of today."""
    return queries.classes()


class StudentFilter(django_filters.FilterSet):  # type: ignore[misc] # django-filter is untyped
    """Name, year and class."""

    q = django_filters.CharFilter(
        method="by_name",
        label="Name",
        widget=forms.TextInput(
            attrs={"class": "input", "type": "search", "placeholder": "Name", "autocomplete": "off", "maxlength": 80}
        ),
    )
    year = django_filters.ChoiceFilter(
        choices=year_choices, label="Year", empty_label="Every year", widget=forms.Select(attrs={"class": "select"})
    )
    group = django_filters.ModelChoiceFilter(
        queryset=class_choices,
        method="by_class",
        label="Class",
        empty_label="Every class",
        widget=forms.Select(attrs={"class": "select"}),
    )

    class Meta:
        model = Student
        fields = ()

    def by_name(self, found: Any, _name: str, value: str) -> Any:
        """Keep those whose names contain each word, accents aside (R64)."""
        return found.named(value)

    def by_class(self, found: Any, _name: str, value: SchoolClass) -> Any:
        """Keep those who sit in the class."""
        return found.filter(enrolments__school_class=value)
