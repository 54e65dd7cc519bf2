"""Syncs, as our support sees them: one-off runs with a reason (R18), runs and their changes inside a look-in."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sync import inbox, joining, registry, sentences
from sync.catalogue import LABELS, Ability, Says
from sync.connectors.wonde import Wonde
from sync.forms import DecisionForm, SettingsForm
from sync.joining import WORDS
from sync.mis_change_admin import MisChangeAdmin
from sync.models import (
    Change,
    CharacterReview,
    Connection,
    Decision,
    Hold,
    MisChange,
    MisProduct,
    Refusal,
    Run,
    Trial,
)
from sync.operations import characters, connections, decisions, notices, runs, trials, undo
from sync.operations import joining as operations
from tenants import scope
from tenants.admin import SchoolAdmin, SupportAdmin
from tenants.models import School
from users.admin import LookIn

admin.site.unregister(School)
admin.site.register(MisChange, MisChangeAdmin)

UNDO_SHOWN: Final = 200  # of each list; the number of all is told


class ReasonForm(forms.Form):
    """Why a sync is wanted now; the school sees it."""

    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The school sees this with the run."))


@admin.register(School)
class SchoolSyncAdmin(SchoolAdmin):
    """Schools, with the one-off sync."""

    actions = ["sync_now"]

    def get_urls(self) -> Any:
        """Add the page that asks for the reason. It stands outside of any look-in: it opens each school in turn."""
        view = scope.outside(self.admin_site.admin_view(self.sync_now_view))
        return [path("sync-now/", view, name="tenants_school_sync_now"), *super().get_urls()]

    @admin.action(description=_("Run roster sync now"), permissions=["view"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[School]) -> HttpResponse:
        """Ask for the reason first."""
        chosen = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True))
        return HttpResponseRedirect(f"{reverse('admin:tenants_school_sync_now')}?schools={chosen}")

    def sync_now_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason, then queue one run for each chosen school."""
        chosen = [int(pk) for pk in request.GET.get("schools", "").split(",") if pk.isdigit()]
        schools = list(School.objects.filter(pk__in=chosen))
        form = ReasonForm(request.POST or None)
        if schools and form.is_valid():
            for school in schools:
                self._request(request, school, form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:tenants_school_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Run roster sync now"),
            "schools": schools,
            "form": form,
            "opts": School._meta,
        }
        return render(request, "admin/tenants/school/sync_now.html", context)

    def _request(self, request: HttpRequest, school: School, reason: str) -> None:
        if school.status != School.Status.ACTIVE:
            messages.error(request, _("%(school)s is suspended; nothing was started.") % {"school": school})
            return
        try:
            with scope.school(school.pk):
                runs.check_seen()
                run = runs.request(
                    school=school, trigger=Run.Trigger.ONE_OFF, at=timezone.now(), by=request.user.pk, reason=reason
                )
        except (connections.NotConnected, connections.Frozen, runs.Unseen) as fault:
            messages.error(request, f"{school}: {fault}")
            return
        messages.success(
            request,
            _("%(school)s: run %(run)s waits for a worker. Its progress is in Reception, and here inside a look-in.")
            % {"school": school, "run": run.pk},
        )


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


@admin.register(Connection)
class ConnectionAdmin(LookIn):
    """How the school is connected; never its secrets."""

    list_display = ["__str__", "connector", "generation", "active", "paused_reason"]
    fields = ["product", "connector", "generation", "active", "paused_reason", "notices_to"]
    readonly_fields = ["notices_to"]
    change_list_template = "admin/sync/connection/change_list.html"

    @admin.display(description=_("Address for webhooks"))
    def notices_to(self, connection: Connection) -> str:
        """Say what to enter in the partner's portal, so that it can tell us about this school."""
        if connection.connector != Wonde.key:
            return str(_("This partner posts nothing to us."))
        return str(settings.SITE_URL) + notices.address(school=connection.school, connection=connection)

    def get_urls(self) -> Any:
        """Add the page on which support joins a school to its MIS, inside a look-in."""
        views = [
            path("joining/", self.admin_site.admin_view(self.joining_view), name="sync_connection_joining"),
            path("settings/", self.admin_site.admin_view(self.settings_view), name="sync_connection_settings"),
            path("trial/", self.admin_site.admin_view(self.trial_view), name="sync_connection_trial"),
        ]
        return [*views, *super().get_urls()]

    def joining_view(self, request: HttpRequest) -> HttpResponse:
        """Show how far the school of the look-in is, what its connection test found, and which system it uses."""
        if turned_away := self._way_in(request):
            return turned_away
        school = self._school(request)
        now = joining.joining(school)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Join %(school)s to its MIS") % {"school": school},
            "joining": now,
            "lines": joining.shares(now.system, now.test if now.tested else None) if now.system else (),
            "groups": joining.catalogue(),
            "may_change": self._may_change(request),
            "lost": {
                trial.kind: trial.is_lost(timezone.now()) for trial in (now.test, now.preview) if trial is not None
            },
            "opts": Connection._meta,
        }
        return render(request, "admin/sync/connection/joining.html", context)

    def settings_view(self, request: HttpRequest) -> HttpResponse:
        """Show and save the settings of one system, as Reception does; the reason is the look-in's.

        Raises:
            PermissionDenied: changing takes a right of Django's own.
            Http404: no such system.
        """
        if turned_away := self._way_in(request):
            return turned_away
        if not self._may_change(request):
            raise PermissionDenied
        now = joining.joining(self._school(request))
        slug = request.GET.get("system")
        system = now.system if slug is None else joining.system(slug)
        key = system.product.connector if system else now.connection.connector if now.connection and not slug else ""
        connector = joining.connector_of(key)
        if connector is None:
            raise Http404("no such system")
        same = now.connection is not None and now.connection.connector == key
        form = SettingsForm(connector, now.connection.settings if now.connection and same else {}, request.POST or None)
        if request.method == "POST" and form.is_valid() and self._save(request, form, system):
            return HttpResponseRedirect(reverse("admin:sync_connection_joining"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Settings of %(system)s") % {"system": system.product if system else connector.label},
            "form": form,
            "changes": now.connection is not None and not same,
            "opts": Connection._meta,
        }
        return render(request, "admin/sync/connection/settings.html", context)

    def trial_view(self, request: Any) -> HttpResponse:
        """Ask for a test or a preview, or confirm a preview; every one of our people may, as with a sync."""
        if turned_away := self._way_in(request):
            return turned_away
        school, at, wish = self._school(request), timezone.now(), request.POST.get("wish", "")
        try:
            if wish in set(Trial.Kind.values):
                trials.ask(school=school, kind=Trial.Kind(wish), at=at, by=request.user.pk)
                messages.success(request, _("It waits for a worker; look again in some seconds."))
            elif wish == "confirm" and request.POST.get("preview", "").isdecimal():
                run = trials.confirm(school=school, trial=int(request.POST["preview"]), at=at, by=request.user.pk)
                messages.success(request, _("Run %(run)s waits for a worker.") % {"run": run.pk})
        except (connections.NotConnected, connections.Frozen, trials.NothingToConfirm) as fault:
            messages.error(request, str(fault))
        return HttpResponseRedirect(reverse("admin:sync_connection_joining"))

    def _save(self, request: Any, form: SettingsForm, system: joining.System | None) -> bool:
        try:
            operations.save_connection(
                school=self._school(request),
                product=system.product if system else None,
                connector=form.connector.key,
                given=form.given(),
                by=request.user.pk,
                at=timezone.now(),
                reason=request.support_grant.reason,
            )
        except operations.ChangeIsAProject as fault:
            messages.error(request, str(fault))
            return False
        messages.success(request, _("Saved. Nothing was sent to the MIS yet."))
        return True

    def _may_change(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.change_connection")

    def _school(self, request: HttpRequest) -> School:
        return School.objects.get(pk=scope.current())


@admin.register(CharacterReview)
class CharacterReviewAdmin(LookIn):
    """Names with broken letters that the school of the look-in asked us to review: before, after, and a tick (R67)."""

    list_display = ["id", "asked_at", "asked_by", "number", "reviewed_at", "reviewed_by", "applied"]
    list_select_related = ["asked_by", "reviewed_by"]

    @admin.display(description=_("Names"))
    def number(self, review: CharacterReview) -> int:
        """Count its proposals."""
        return len(review.proposals)

    def changeform_view(
        self,
        request: Any,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show each name before and after; take the ticked ones as the school's own corrections, and end the review.

        Raises:
            Http404: no such review at this school.
            PermissionDenied: applying takes a right of Django's own.
        """
        if turned_away := self._way_in(request):
            return turned_away
        review = self.get_object(request, object_id or "")
        if review is None or not self.has_view_permission(request, review):
            raise Http404("no such review")
        may_apply = request.user.has_perm("sync.change_characterreview")
        if request.method == "POST":
            if not may_apply:
                raise PermissionDenied
            self._close(request, review)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Names with broken letters"),
            "review": review,
            "may_apply": may_apply and review.reviewed_at is None,
            "opts": CharacterReview._meta,
        }
        return render(request, "admin/sync/characterreview/review.html", context)

    def _close(self, request: Any, review: CharacterReview) -> None:
        chosen = {int(place) for place in request.POST.getlist("take") if place.isdecimal()}
        try:
            taken = characters.close_review(
                review,
                chosen=chosen,
                by=request.user.pk,
                at=timezone.now(),
                reason=request.support_grant.reason,
            )
        except characters.NothingToReview as fault:
            messages.error(request, str(fault))
            return
        messages.success(request, _("Names corrected: %(number)s.") % {"number": taken.applied})
        for skipped in taken.skipped:
            messages.warning(request, _("“%(name)s” was left: %(why)s") % {"name": skipped.now, "why": skipped.why})


@admin.register(Trial)
class TrialAdmin(LookIn):
    """Connection tests and previews of the school of the look-in."""

    list_display = ["id", "kind", "asked_at", "ended_at", "error_kind", "confirmed_at"]
    list_filter = ["kind"]
    exclude = ["made_with", "plan_hash"]


def case_link(digest: str, words: str) -> str:
    """Return a link to the page of a case; what is held without a digest has none."""
    return (
        format_html('<a href="{}">{}</a>', reverse("admin:sync_hold_case", args=[digest]), words) if digest else words
    )


class HoldInline(admin.TabularInline[Hold, Run]):
    """What waits for a person."""

    model = Hold
    fields = ["kind", "to_case"]
    readonly_fields = ["to_case"]
    extra = 0

    @admin.display(description=_("Reason"))
    def to_case(self, hold: Hold) -> str:
        """Say why it waits, and lead to its page."""
        return case_link(hold.digest, hold.reason)


@admin.register(Hold)
class HoldAdmin(LookIn):
    """What runs held back, and the page on which support decides about it, with the reason of the moment."""

    list_display = ["run", "kind", "case", "to_case"]
    list_filter = ["case", "kind"]
    list_select_related = ["run"]
    ordering = ["-id"]
    fields = ["run", "kind", "case", "to_case", "refs"]
    readonly_fields = ["to_case"]

    @admin.display(description=_("Reason"))
    def to_case(self, hold: Hold) -> str:
        """Say why it waits, and lead to its page."""
        return case_link(hold.digest, hold.reason)

    def get_urls(self) -> Any:
        """Add the page of one case."""
        view = self.admin_site.admin_view(self.case_view)
        return [path("case/<str:digest>/", view, name="sync_hold_case"), *super().get_urls()]

    def case_view(self, request: HttpRequest, digest: str) -> HttpResponse:
        """Show a case of the look-in's school, and decide it or take that back, as Reception does.

        Raises:
            Http404: the school never had such a case.
            PermissionDenied: deciding takes a right of Django's own.
        """
        if turned_away := self._way_in(request):
            return turned_away
        dossier = inbox.dossier(digest, at=timezone.now())
        if dossier is None:
            raise Http404("no such case")
        form = DecisionForm(dossier, request.POST or None, always_why=True)
        may_decide = request.user.has_perm("sync.add_decision")
        if request.method == "POST" and not may_decide:
            raise PermissionDenied
        if request.method == "POST" and self._said(request, dossier, form):
            return HttpResponseRedirect(reverse("admin:sync_hold_case", args=[digest]))
        context = {
            **self.admin_site.each_context(request),
            "title": dossier.heading.title,
            "dossier": dossier,
            "form": form,
            "may_decide": may_decide,
            "opts": Hold._meta,
        }
        return render(request, "admin/sync/hold/case.html", context)

    def _said(self, request: Any, dossier: inbox.Dossier, form: DecisionForm) -> bool:
        """Do what the page was asked to do; False if its form has to be shown again."""
        by, at, said = request.user.pk, timezone.now(), dossier.item.decision
        takes_back = "withdraw" in request.POST and said is not None
        if not takes_back and not (dossier.open and self._is_sure(form)):
            return not dossier.open
        try:
            if takes_back and said:
                decisions.withdraw(said, by=by, at=at)
            else:
                chosen = form.cleaned_data
                decisions.decide(dossier.item.hold, choice=chosen["choice"], by=by, at=at, reason=chosen["reason"])
        except (decisions.WorldMoved, decisions.AlreadyDecided, decisions.CarriedOut) as fault:
            messages.error(request, str(fault))
        else:
            messages.success(request, _("Done. The next sync goes by it."))
        return True

    def _is_sure(self, form: DecisionForm) -> bool:
        if form.is_valid() and form.asks_again:
            form.add_error("sure", _("This cannot simply be taken back: tick the box if you are sure."))
        return form.is_valid()


@admin.register(Decision)
class DecisionAdmin(LookIn):
    """What people decided about holds."""

    list_display = ["to_case", "case", "kind", "by", "at", "reason", "expires_at", "withdrawn_at", "run"]
    list_filter = ["case", "kind", "choice"]
    list_select_related = ["by", "run"]
    date_hierarchy = "at"
    exclude = ["digest"]

    @admin.display(description=_("Decision"))
    def to_case(self, decision: Decision) -> str:
        """Say what was chosen, and lead to the page of the case."""
        return case_link(decision.digest, inbox.chosen(decision))


class RefusalInline(admin.TabularInline[Refusal, Run]):
    """What could not be taken."""

    model = Refusal
    fields = ["kind", "ref", "reason", "place"]
    extra = 0


@admin.register(Run)
class RunAdmin(LookIn):
    """Runs of the school of the look-in."""

    list_display = ["id", "local_date", "trigger", "status", "reason", "queued_at", "finished_at"]
    list_filter = ["status", "trigger"]
    date_hierarchy = "local_date"
    inlines = [HoldInline, RefusalInline]
    change_form_template = "admin/sync/run/change_form.html"

    def get_urls(self) -> Any:
        """Add the page on which a run is undone, inside a look-in."""
        view = self.admin_site.admin_view(self.undo_view)
        return [path("<int:pk>/undo/", view, name="sync_run_undo"), *super().get_urls()]

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what undoing a run would do and, once a reason is given, do it; as in Reception.

        Raises:
            PermissionDenied: undoing takes a right of Django's own.
            Http404: no such run at the school of the look-in.
        """
        if turned_away := self._way_in(request):
            return turned_away
        if not request.user.has_perm("sync.change_run"):
            raise PermissionDenied
        school, run = School.objects.get(pk=scope.current()), get_object_or_404(Run, pk=pk)
        form = ReasonForm(request.POST or None)
        try:
            if form.is_valid():
                made = undo.undo(
                    school=school,
                    run=run.pk,
                    by=request.user.pk,
                    at=timezone.now(),
                    reason=form.cleaned_data["reason"],
                    seen=request.POST.get("seen") or "nothing was shown",
                )
                messages.success(request, _("Run %(run)s put it back.") % {"run": made.pk})
                return HttpResponseRedirect(reverse("admin:sync_run_change", args=[made.pk]))
            found = undo.preview(school=school, run=run, at=timezone.now())
        except (undo.CannotUndo, runs.AnotherRunIsOn) as fault:
            messages.error(request, str(fault))
            return HttpResponseRedirect(reverse("admin:sync_run_change", args=[run.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Undo %(run)s") % {"run": run},
            "run": run,
            "restores": [sentences.put_back(one) for one in found.undoing.restores[:UNDO_SHOWN]],
            "left_alone": [(sentences.say(one.done), one.why) for one in found.undoing.left_alone[:UNDO_SHOWN]],
            "number": len(found.undoing.restores),
            "staying": len(found.undoing.left_alone),
            "later": found.later,
            "digest": found.undoing.digest(),
            "form": form,
            "opts": Run._meta,
        }
        return render(request, "admin/sync/run/undo.html", context)


@admin.register(Change)
class ChangeAdmin(LookIn):
    """What runs did, one line a field."""

    list_display = ["run", "kind", "action", "label", "field", "old", "new", "why"]
    list_filter = ["kind", "action"]
    search_fields = ["label", "ref"]
    list_select_related = ["run"]
