"""Accounts and look-ins, as our support sees them: people of a school only inside a look-in (R86)."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.admin import SupportAdmin
from users.models import Account, RoleGrant, SupportGrant
from users.operations import support

# Libraries bring admin pages on which our own people could hand an address or a factor to somebody else.
for model in (Group, EmailAddress, Authenticator, UserSession):
    admin.site.unregister(model)


class ReadOnly(SupportAdmin):
    """Looks, never touches."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False


class LookIn(ReadOnly):
    """A school's own rows: shown while a look-in is open, else the way to open one."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the open school's rows."""
        return self._way_in(request) or super().changelist_view(request, extra_context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one of the open school's rows."""
        return self._way_in(request) or super().changeform_view(request, object_id, form_url, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the admin's history of one row."""
        return self._way_in(request) or super().history_view(request, object_id, extra_context)

    def _way_in(self, request: HttpRequest) -> HttpResponse | None:
        if scope.is_open():
            return None
        messages.info(request, _("These belong to one school: open a look-in first, with a reason."))
        return HttpResponseRedirect(reverse("admin:users_supportgrant_add"))


class LookInForm(forms.ModelForm[SupportGrant]):
    """Which school, why, for how long."""

    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=240, initial=60)

    class Meta:
        model = SupportGrant
        fields = ["school", "reason"]

    def clean_reason(self) -> str:
        """Ask for more than a blank."""
        reason: str = self.cleaned_data["reason"].strip()
        if not reason:
            raise ValidationError(_("Say why; the school sees it."))
        return reason


@admin.register(SupportGrant)
class SupportGrantAdmin(SupportAdmin):
    """Look-ins: opening one ends the one before."""

    form = LookInForm
    list_display = ["school", "account", "reason", "opened_at", "expires_at", "closed_at"]
    list_filter = ["school"]
    list_select_related = ["school", "account"]
    actions = ["close"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A look-in is opened and closed, never edited."""
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """All our people may look in, each with a reason."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: it is a record."""
        return False

    def save_model(self, request: Any, obj: SupportGrant, form: Any, change: bool) -> None:  # noqa: FBT001 Django's signature
        """Open it through the operation, which tells the school."""
        grant = support.open_grant(
            account=request.user,
            school=form.cleaned_data["school"],
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            minutes=form.cleaned_data["minutes"],
        )
        obj.__dict__.update(grant.__dict__)

    def get_urls(self) -> Any:
        """Opening and closing a look-in happen outside of any school, so that another may be open."""
        urls = super().get_urls()
        for pattern in urls:
            if pattern.name in {"users_supportgrant_add", "users_supportgrant_changelist"}:
                scope.outside(pattern.callback)
        return urls

    @admin.action(description=_("End the selected look-ins"), permissions=["view"])
    def close(self, request: HttpRequest, queryset: Any) -> None:
        """End them now."""
        for grant in queryset:
            support.close_grant(grant=grant, at=timezone.now())


@admin.register(Account)
class AccountAdmin(ReadOnly):
    """Logins: no person's data, only the address and whether it was ever used."""

    list_display = ["email", "is_active", "is_support", "activated_at", "last_login"]
    search_fields = ["email"]
    list_filter = ["is_support", "is_active"]
    fields = ["email", "is_active", "is_support", "activated_at", "created_at", "last_login"]


@admin.register(RoleGrant)
class RoleGrantAdmin(LookIn):
    """Who holds which role at the school of the look-in."""

    list_display = ["staff_member", "role", "granted_at", "reason", "revoked_at"]
    list_select_related = ["staff_member"]
