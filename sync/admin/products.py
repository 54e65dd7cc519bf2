"""The catalogue of MISs (R4, R7)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sync import registry
from sync.catalogue import LABELS, Ability, Says
from sync.models import MisProduct
from sync.queries.joining import WORDS
from tenants.admin import SupportAdmin


class ProductForm(forms.ModelForm[MisProduct]):
    """One system: its connector is one that there is, and each ability is answered with one of four words (R4, R7)."""

    class Meta:
        model = MisProduct
        fields = ["name", "partner", "connector", "notes"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connectors = [(connector.key, connector.label) for connector in registry.connectors()]
        self.fields["connector"] = forms.ChoiceField(choices=connectors)
        for ability in Ability:
            said = self.instance.abilities.get(ability.value, {})
            self.fields[f"{ability.value}_says"] = forms.ChoiceField(
                label=LABELS[ability],
                choices=[(word.value, label) for word, label in WORDS.items()],
                initial=said.get("says", Says.UNKNOWN.value),
            )
            self.fields[f"{ability.value}_note"] = forms.CharField(
                label=_("Note"),
                required=False,
                initial=said.get("note", ""),
                widget=forms.TextInput(attrs={"size": 80, "aria-label": f"Note: {LABELS[ability]}"}),
            )

    def save(self, commit: bool = True) -> MisProduct:  # noqa: FBT001, FBT002 Django's signature
        """Keep the answers, and that they are support's own, so that a deploy leaves them."""
        said = self.cleaned_data
        self.instance.abilities = {
            ability.value: {"says": said[f"{ability.value}_says"], "note": said[f"{ability.value}_note"]}
            for ability in Ability
        }
        self.instance.ours = True
        return super().save(commit)


@admin.register(MisProduct)
class MisProductAdmin(SupportAdmin):
    """The catalogue: adding a system is data (R7)."""

    form = ProductForm
    list_display = ["name", "partner", "connector", "ours"]
    ordering = [Lower("name"), "partner"]
    search_fields = ["name", "partner"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show what the system is, then what it shares, a line for each ability."""
        answers = [(f"{ability.value}_says", f"{ability.value}_note") for ability in Ability]
        return [
            (None, {"fields": ["name", "partner", "connector", "notes"]}),
            (_("What it shares"), {"fields": answers}),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 Django's signature
        """Return the form itself: its answers are no columns, so Django must not look for them in the model."""
        return super().get_form(request, obj, change, **{**kwargs, "fields": ["name", "partner", "connector", "notes"]})
