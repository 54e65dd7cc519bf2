"""The clock, as our support sees it: the schedule board, and a rehearsal of any zone and date (R10, R11, R14)."""

import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync import clock
from sync.admin import pictures
from sync.models import Slot
from sync.queries import board, rehearsal
from sync.queries.slots import timing_of
from tenants import scope
from tenants.models import School, check_timezone
from tenants.queries import zones
from users.admin import ReadOnly

SCHOOLS_A_PAGE: Final = 50
ALWAYS: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NEVER_EARLIER: Final = datetime.date(1970, 1, 8)
NEVER_LATER: Final = datetime.date(2099, 12, 24)

ICONS: Final = {
    board.Health.MISSED: "circle-x",
    board.Health.TROUBLE: "triangle-alert",
    board.Health.PAUSED: "ban",
    board.Health.HELD: "shield-alert",
    board.Health.LATE: "history",
    board.Health.FROZEN: "lock",
    board.Health.NOT_CONFIRMED: "eye",
    board.Health.NOT_CONNECTED: "x",
    board.Health.WAITING: "clock",
    board.Health.GOOD: "circle-check",
    board.Health.SUSPENDED: "moon",
}
# Zones and dates worth a look, and what is to be seen there (R11).
SAMPLES: Final = (
    ("Europe/London", "2026-03-29", "London, clocks forward"),
    ("Europe/London", "2026-10-25", "London, clocks back"),
    ("America/New_York", "2026-03-08", "New York, clocks forward"),
    ("America/New_York", "2026-11-01", "New York, clocks back"),
    ("Australia/Lord_Howe", "2026-10-04", "Lord Howe, by half an hour"),
    ("Pacific/Chatham", "2026-09-27", "Chatham, by an odd hour"),
    ("Antarctica/Troll", "2026-03-29", "Troll, a night without a minute"),
    ("Asia/Kathmandu", "2026-03-29", "Kathmandu, the day before in UTC"),
    ("Pacific/Apia", "2011-12-30", "Samoa, a date left out"),
)


class RehearsalForm(forms.Form):
    """Which zone and date to rehearse, and for which school, if it is about one."""

    zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        help_text=_("Such as Europe/London. Empty: the school’s own."),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    date = forms.DateField(
        label=_("Date"),
        help_text=_("The school’s own date; three days before and behind it are shown as well."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("This date does not exist; write one such as 2026-03-29.")},
    )
    morning = forms.ChoiceField(
        label=_("Morning slot"),
        required=False,
        choices=[("", _("the school’s own, else 09:30")), *School.MorningSlot.choices],
    )
    school = forms.CharField(
        label=_("School"),
        required=False,
        help_text=_("Its part of the address. It has a place of its own in the night. Empty: any school."),
    )

    def clean_zone(self) -> str:
        """Accept the name of a zone."""
        name: str = self.cleaned_data["zone"]
        if name:
            check_timezone(name)
        return name

    def clean_date(self) -> datetime.date:
        """Accept a date of which time zones know something."""
        date: datetime.date = self.cleaned_data["date"]
        if not NEVER_EARLIER <= date <= NEVER_LATER:
            raise ValidationError(_("Choose a date between 1970 and 2099."))
        return date

    def clean_school(self) -> School | None:
        """Find the school."""
        slug: str = self.cleaned_data["school"]
        found = School.objects.filter(slug=slug).first() if slug else None
        if slug and found is None:
            raise ValidationError(_("There is no school “%(slug)s”."), params={"slug": slug})
        return found

    def clean(self) -> dict[str, Any]:
        """Ask for a zone, unless a school has one."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given["zone"] and not given["school"]:
            self.add_error("zone", _("Choose a time zone, or a school."))
        return given

    def timing(self) -> clock.Timing:
        """Return what is rehearsed: of the school what was not chosen otherwise."""
        given = self.cleaned_data
        school: School | None = given["school"]
        own = timing_of(school) if school else None
        morning = given["morning"] or (school.morning_slot if school else School.MorningSlot.EARLY.value)
        return clock.Timing(
            school=own.school if own else 0,  # the first of the night
            zone=given["zone"] or (own.zone if own else ""),
            morning=datetime.time.fromisoformat(morning),
            since=ALWAYS,
        )


@admin.register(Slot)
class SlotAdmin(ReadOnly):
    """Claimed slots of all schools: times and outcomes, nobody's data."""

    list_display = ["school", "slot", "local_date", "due_at", "claimed_at", "late", "outcome", "retry_at"]
    list_filter = ["slot", "late", "outcome"]
    list_select_related = ["school"]
    search_fields = ["school__name", "school__slug"]
    date_hierarchy = "local_date"
    show_full_result_count = False

    def get_urls(self) -> Any:
        """Add the board and the rehearsal. They stand outside of any look-in: they are about every school."""
        views = [
            path("schedule/", self.admin_site.admin_view(self.board_view), name="sync_slot_schedule"),
            path("rehearsal/", self.admin_site.admin_view(self.rehearsal_view), name="sync_slot_rehearsal"),
        ]
        for view in views:
            scope.outside(view.callback)
        return [*views, *super().get_urls()]

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """Show all schools with their last and next slots, the worst first."""
        self._demand_support(request)
        now = timezone.now()
        chosen = board.Filters(**{name: request.GET.get(name, "") for name in ("health", "zone", "mis", "search")})
        found = board.board(now=now, filters=chosen)
        page = Paginator(found.lines, SCHOOLS_A_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Schedule board"),
            "board": found,
            "page": page,
            "rows": [(line, ICONS[line.health], line.upcoming(now)) for line in page],
            "healths": [(health, ICONS[health], found.counts.get(health, 0)) for health in board.Health],
            "number": sum(found.counts.values()),
            "chosen": chosen,
            "strip": pictures.strip(found.hours),
            "opts": Slot._meta,
        }
        return render(request, "admin/sync/slot/schedule.html", context)

    def rehearsal_view(self, request: HttpRequest) -> HttpResponse:
        """Show when the runs of some days are due in a zone, in UTC and in its own time."""
        self._demand_support(request)
        today = timezone.now().date().isoformat()
        form = RehearsalForm(request.GET or {"zone": "Europe/London", "date": today})
        context = {
            **self.admin_site.each_context(request),
            "title": _("Clock rehearsal"),
            "form": form,
            "zones": zones(),
            "samples": SAMPLES,
            "opts": Slot._meta,
        }
        if form.is_valid():
            timing, date = form.timing(), form.cleaned_data["date"]
            days = rehearsal.rehearse(timing, date)
            context |= {"days": days, "timing": timing, "picture": pictures.timeline(days, date)}
        elif "date" in form.errors:  # a field for dates would drop what is none
            form.fields["date"].widget = forms.TextInput()
        return render(request, "admin/sync/slot/rehearsal.html", context)

    def _demand_support(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
