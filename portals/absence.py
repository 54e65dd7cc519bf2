"""The shape of a report of absence, the same for guardians and for whoever takes their call (R81)."""

import datetime
from typing import Any

from django import forms

from attendance.models import AbsenceReport


def day_input() -> forms.DateInput:
    """Return an input for one day."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class AbsenceForm(forms.Form):
    """Which days, which part, why."""

    first = forms.DateField(label="First day away", widget=day_input())
    last = forms.DateField(
        label="Last day away", required=False, widget=day_input(), help_text="Leave it empty for a single day."
    )
    part = forms.ChoiceField(
        label="How much of the day?",
        choices=[(value, str(label).capitalize()) for value, label in AbsenceReport.Part.choices],
        widget=forms.RadioSelect,
        initial=AbsenceReport.Part.DAY,
        help_text="For several days, choose the whole day.",
    )
    reason = forms.ChoiceField(
        label="Why?", choices=[("", "Choose …"), *((v, str(n).capitalize()) for v, n in AbsenceReport.Reason.choices)]
    )
    note = forms.CharField(
        label="Anything the school should know? (optional)",
        required=False,
        max_length=500,
        help_text="Read by you and by the school only.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """Let a single day end as it begins."""
        said = super().clean() or self.cleaned_data
        if said.get("first"):
            said["last"] = said.get("last") or said["first"]
        return said

    @property
    def told(self) -> dict[str, Any]:
        """What an operation takes of it."""
        return {name: self.cleaned_data[name] for name in ("first", "last", "part", "reason", "note")}

    @property
    def part_name(self) -> str:
        """The chosen part, in words."""
        return str(dict(AbsenceReport.Part.choices)[self.cleaned_data["part"]])

    @property
    def reason_name(self) -> str:
        """The chosen reason, in words."""
        return str(dict(AbsenceReport.Reason.choices)[self.cleaned_data["reason"]])


def today_first(today: datetime.date) -> dict[str, Any]:
    """Return what a fresh form begins with."""
    return {"first": today, "part": AbsenceReport.Part.DAY}
