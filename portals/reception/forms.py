"""The shape of what a super user types or chooses."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files import File

from sync.connectors.csv_files.folder import ENDINGS
from sync.operations.uploads import LARGEST


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
