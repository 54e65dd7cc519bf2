"""The shape of what a super user types or chooses."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files import File
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from attendance.models import Meaning
from sync import sentences
from sync.connectors.csv_files.folder import ENDINGS
from sync.models import Run
from sync.operations.uploads import LARGEST
from tenants.models import School
from users import years
from users.directory import YearRule
from users.models import Student


class ManyFiles(forms.ClearableFileInput):
    """An input that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, of which none may be empty."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the files as a list."""
        given: Sequence[Any] = data if isinstance(data, list | tuple) and data else [data]
        return [super(FilesField, self).clean(each, initial) for each in given]


class UploadForm(forms.Form):
    """The files of one upload."""

    chosen = FilesField(
        label="Files",
        widget=ManyFiles(attrs={"accept": ",".join(ENDINGS)}),
        help_text=f"One or more of {', '.join(ENDINGS)}, up to {LARGEST >> 20} MB each. Choose all lists together: a "
        "list that is left out counts as not shared.",
        error_messages={"required": "Choose at least one file.", "empty": "One of the files is empty."},
    )

    @property
    def given(self) -> list[File[bytes]]:
        """The files, once they are known to be there."""
        files: list[File[bytes]] = self.cleaned_data["chosen"]
        return files


def given(request: HttpRequest) -> QueryDict | None:
    """Return what was sent with the button, None before it was pressed."""
    return request.POST if request.method == "POST" else None


class Plain(forms.Form):
    """Nothing to fill in: the button says it all."""


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It stands in the school’s audit trail.")


class ReadNowForm(forms.Form):
    """Why one person is to be read from the MIS now."""

    reason = forms.CharField(
        label="Why now", max_length=300, help_text="Support decides by it, and the run’s report shows it."
    )


class MaybeReasonForm(forms.Form):
    """Why something is done, if there is more to say."""

    reason = forms.CharField(
        label="Reason (optional)", max_length=300, required=False, help_text="It stands in the school’s audit trail."
    )


class WhyForm(forms.Form):
    """Why a tie is blocked, or no longer is."""

    why = forms.CharField(
        label="Why", max_length=300, help_text="Super users read it later, to judge whether it still holds."
    )


class CorrectionForm(MaybeReasonForm):
    """The right value of one field."""

    value = forms.CharField(label="Value", max_length=500, required=False)
    field_order = ("value", "reason")

    def __init__(self, *args: Any, name: str, field: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["value"].label = name
        kinds = {"email": "email", "phone": "tel"}
        self.fields["value"].widget.input_type = kinds.get(field, "text")
        self.fields["value"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


class NewIdForm(ReasonForm):
    """The new MIS id of one person."""

    ref = forms.CharField(
        label="New MIS id",
        max_length=200,
        help_text="Letter for letter as your MIS shows it; leading zeros count.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("ref", "reason")


class GuardianForm(forms.Form):
    """A guardian who is added by hand."""

    given_name = forms.CharField(label="First name", max_length=500)
    family_name = forms.CharField(label="Surname", max_length=500)
    email = forms.EmailField(label="Personal e-mail address", help_text="They sign in with it.")
    relationship = forms.CharField(
        label="Relationship", max_length=100, required=False, help_text="Mother, step-father, carer …"
    )


class TieForm(forms.Form):
    """The student to whom a guardian is tied."""

    student: Any = forms.ModelChoiceField(
        label="Student", queryset=None, widget=forms.RadioSelect, error_messages={"required": "Choose a student."}
    )
    relationship = forms.CharField(
        label="Relationship", max_length=100, required=False, help_text="Mother, step-father, carer …"
    )

    def __init__(self, *args: Any, students: QuerySet[Student], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["student"].queryset = students  # type: ignore[attr-defined] # a ModelChoiceField
        self.fields["student"].empty_label = None  # type: ignore[attr-defined] # a ModelChoiceField
        self.fields["student"].label_from_instance = _recognisable  # type: ignore[attr-defined] # a ModelChoiceField


def _recognisable(student: Student) -> str:
    return " · ".join(filter(None, (student.name, years.say(student.year), student.form)))


class YearsForm(forms.Form):
    """The primary years."""

    labels = forms.MultipleChoiceField(label="Primary years", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, rules: Sequence[YearRule], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["labels"].choices = [(rule.label, _counted(rule)) for rule in rules]  # type: ignore[attr-defined]


def _counted(rule: YearRule) -> str:
    addresses = f"{rule.with_address} with an address in your MIS"
    return f"{years.say(rule.label)} ({rule.students} student{'' if rule.students == 1 else 's'}, {addresses})"


class AskForm(forms.Form):
    """What support is asked to read now, and why."""

    kind = forms.ChoiceField(choices=Run.Kind.choices, error_messages={"required": "Choose one of them."})
    reason = forms.CharField(
        label="Why now", max_length=300, help_text="Support decides by it, and the run’s report shows it."
    )


class MeaningForm(forms.Form):
    """What a code means at the school."""

    meaning = forms.ChoiceField(choices=Meaning.choices, error_messages={"required": "Choose a meaning."})


def _date() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class RolloverForm(forms.Form):
    """From when until when classes are rebuilt."""

    first = forms.DateField(label="First day", required=False, widget=_date())
    last = forms.DateField(label="Last day", required=False, widget=_date())


class MorningForm(forms.Form):
    """When the morning's marks are read."""

    slot = forms.ChoiceField(choices=School.MorningSlot.choices, error_messages={"required": "Choose a time."})


class WeekdaysForm(forms.Form):
    """The days of the week on which there is school."""

    chosen = forms.MultipleChoiceField(
        label="There is school on",
        choices=[(str(number), sentences.weekday(number)) for number in range(1, 8)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )

    @property
    def days(self) -> list[int]:
        """The ISO weekdays that were chosen."""
        return [int(day) for day in self.cleaned_data["chosen"]]


class ClosureForm(forms.Form):
    """Days on which the school is closed."""

    name = forms.CharField(label="What they are called", max_length=100, help_text="Half-term, staff training …")
    first = forms.DateField(label="First day", widget=_date())
    last = forms.DateField(label="Last day", widget=_date(), help_text="Closed as well; the same day for a single one.")


class UndoForm(forms.Form):
    """Why a run is undone; `seen` is what was shown, and a page always writes what it shows now."""

    reason = forms.CharField(
        label="Why", max_length=300, help_text="Everybody who looks at the run reads this.", strip=True
    )
    pause = forms.BooleanField(
        label="Read nothing at night until I say so",
        required=False,
        initial=True,
        help_text="Otherwise the next sync does what your MIS says again.",
    )
    seen = forms.CharField(widget=forms.HiddenInput)
