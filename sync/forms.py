"""Forms that Reception and the admin both show: a connector's settings, and what a person decides about a hold.

The settings' form is made from what the connector declares. Secrets go in and never come out again: not into the page,
not into an error. An address decides where they are sent, so changing one asks for them anew; else whoever may open the
form could have them sent to a server of their own.
"""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, Final

from django import forms

from sync.connector import Connector
from sync.pipeline.plan.model import KEEP
from sync.queries.dossiers import Choice, Dossier

KEPT: Final = "Saved. Leave it empty to keep it."
FORGET: Final = "forget_"  # before the name of a secret that the connector can do without


class SettingsForm(forms.Form):
    """One connector's settings; `given()` is what a person changed or said anew."""

    def __init__(self, connector: type[Connector], held: Mapping[str, Any], data: Any = None) -> None:
        super().__init__(data, prefix="set")
        self.connector = connector
        self.held = held
        kinds = typing.get_type_hints(connector.Settings)
        settings: Any = connector.Settings
        asked = [field for field in dataclasses.fields(settings) if not field.metadata.get("ours")]
        self.declared = {field.name: field for field in sorted(asked, key=_optional)}  # what is needed comes first
        for name, declared in self.declared.items():
            self.fields[name] = _field(declared, kinds[name], held)
            if _optional(declared) and declared.metadata["secret"] and held.get(name):
                self.fields[FORGET + name] = forms.BooleanField(
                    label=f"Forget the saved “{declared.metadata['label']}”", required=False
                )

    def clean(self) -> dict[str, Any]:
        """Ask for the secrets anew where an address changed, and let the connector judge the whole."""
        said = super().clean() or self.cleaned_data
        self._demand_secrets_at_a_new_address()
        if not self.errors:
            settings: Any = self.connector.Settings
            try:
                settings(**{**self._ours(), **self.held, **self.given()})
            except (TypeError, ValueError) as fault:
                self._complain(str(fault))
        return said

    def given(self) -> dict[str, Any]:
        """Return the settings that were filled in; a secret left empty is not among them, one to forget is empty."""
        found: dict[str, Any] = {}
        for name, declared in self.declared.items():
            value = self.cleaned_data.get(name)
            if self.cleaned_data.get(FORGET + name):
                found[name] = ""
            elif value not in (None, "") or not (declared.metadata["secret"] or _optional(declared)):
                found[name] = value
            elif not declared.metadata["secret"]:
                found[name] = declared.default if isinstance(declared.default, int) else ""
        return found

    def _demand_secrets_at_a_new_address(self) -> None:
        moved = any(
            name in self.cleaned_data and self.cleaned_data[name] != self._held(name, declared)
            for name, declared in self.declared.items()
            if declared.metadata.get("address") and any(self.held.get(name) for name in self.declared)
        )
        for name, declared in self.declared.items():
            kept = declared.metadata["secret"] and self.held.get(name) and not self.cleaned_data.get(name)
            if moved and kept and not self.cleaned_data.get(FORGET + name):
                self.add_error(name, "The address has changed: enter this again, so that it is not sent elsewhere.")

    def _held(self, name: str, declared: "dataclasses.Field[Any]") -> Any:
        return self.held.get(name, "" if declared.default is dataclasses.MISSING else declared.default)

    def _ours(self) -> dict[str, Any]:
        """Stand in for what we fill in ourselves, so that the rest can be judged."""
        settings: Any = self.connector.Settings
        return {f.name: "kept by us" for f in dataclasses.fields(settings) if f.metadata.get("ours")}

    def _complain(self, fault: str) -> None:
        """Put a connector's words beside the field they begin with, where they do."""
        name = next((name for name in self.declared if fault.startswith(f"{name} ")), None)
        words = fault.replace(name, self.declared[name].metadata["label"], 1) if name else fault
        self.add_error(name, words[:1].upper() + words[1:] + ("" if words.endswith(".") else "."))


class SecretLines(forms.Textarea):
    """A secret of several lines, such as a private key; what was typed is never written back into the page."""

    def format_value(self, value: Any) -> str:
        """Say nothing."""
        return ""


def _optional(declared: "dataclasses.Field[Any]") -> bool:
    return declared.default is not dataclasses.MISSING


def _field(declared: "dataclasses.Field[Any]", kind: Any, held: Mapping[str, Any]) -> forms.Field:
    said, name = declared.metadata, declared.name
    now = held.get(name, "" if not _optional(declared) else declared.default)
    common: dict[str, Any] = {"label": said["label"], "help_text": said["help"], "required": not _optional(declared)}
    if said["secret"]:
        if held.get(name):
            common |= {"required": False, "help_text": f"{KEPT} {said['help']}".strip()}
        # “new-password” is the one word by which browsers neither fill it in nor offer to remember it.
        attrs = {"autocomplete": "new-password", "spellcheck": "false"}
        secret = SecretLines(attrs={**attrs, "rows": 6}) if said.get("lines") else forms.PasswordInput(attrs=attrs)
        return forms.CharField(widget=secret, **common)
    if said["choices"]:
        choices = dict.fromkeys((*said["choices"], *([now] if now else [])))
        common["required"] = True
        return forms.ChoiceField(choices=[(choice, choice) for choice in choices], initial=now, **common)
    if kind is int:
        return forms.IntegerField(initial=now, **common)
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(widget=widget, initial=now, **common)


class DecisionForm(forms.Form):
    """What a person chooses about a case, and why; what does harm is asked twice."""

    choice = forms.ChoiceField(error_messages={"required": "Choose one of these first."})
    reason = forms.CharField(required=False, max_length=300)
    sure = forms.BooleanField(required=False)

    def __init__(self, dossier: Dossier, data: Any = None, *, always_why: bool = False) -> None:
        super().__init__(data)
        self.dossier = dossier
        self.always_why = always_why
        choices: Any = self.fields["choice"]
        choices.choices = [(choice.key, choice.label) for choice in dossier.choices]

    def clean(self) -> dict[str, Any]:
        """Ask for a reason where there is something to lose; leaving things as they are needs none."""
        said = super().clean() or self.cleaned_data
        wanted = self.always_why or (self.dossier.needs_reason and said.get("choice") != KEEP)
        if wanted and said.get("choice") and not said.get("reason") and "reason" not in self.errors:
            self.add_error("reason", "Say why: whoever looks at this later will want to know.")
        return said

    @property
    def chosen(self) -> Choice | None:
        """What was chosen, of a form that is valid; None while nothing is."""
        return self.dossier.choice(self.cleaned_data.get("choice", "")) if self.is_bound else None

    @property
    def asks_again(self) -> bool:
        """Whether the choice has to be confirmed before it counts."""
        return bool(self.chosen and self.chosen.harmful and not self.cleaned_data["sure"])
