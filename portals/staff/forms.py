"""The shape of what a member of staff types about an absence."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.http import HttpRequest, QueryDict

from portals.absence import AbsenceForm
from users.models import Guardian

NOBODY: Final = ""  # the choice of a call by somebody whom the school does not list


def given(request: HttpRequest) -> QueryDict | None:
    """Return what was sent with the button, None before it was pressed."""
    return request.POST if request.method == "POST" else None


class Plain(forms.Form):
    """Nothing to fill in: the button says it all."""


class SettleForm(forms.Form):
    """What was found out; `facts` is what was shown, and a page always writes what it shows now."""

    reason = forms.CharField(
        label="What did you find out?",
        max_length=300,
        help_text="Whoever sees the list of absences reads it, and it stands in the school’s audit trail.",
    )
    facts = forms.CharField(required=False, widget=forms.HiddenInput)


class CallForm(AbsenceForm):
    """An absence that somebody told the school."""

    guardian = forms.ChoiceField(label="Who says so?", required=False, widget=forms.RadioSelect)
    field_order = ("guardian", "first", "last", "part", "reason", "note")

    def __init__(self, *args: Any, callers: Sequence[Guardian], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._callers = {str(caller.pk): caller for caller in callers}
        choices = [*((pk, caller.name) for pk, caller in self._callers.items()), (NOBODY, "Somebody else")]
        self.fields["guardian"].choices = choices  # type: ignore[attr-defined] # a ChoiceField
        self.fields["note"].help_text = "Read by whoever sees the list of absences."

    @property
    def caller(self) -> Guardian | None:
        """The guardian who said so, None for somebody else; once it is known to be valid."""
        return self._callers.get(self.cleaned_data["guardian"])
