"""People, as our support sees them inside a look-in: the same reasons and the same history as in Reception (R86)."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from portals.reception.people import whys
from sync.admin.single import link_to_one
from sync.queries import histories
from users.admin import LookIn
from users.directory import kind_of, open_school
from users.models import Guardian, Person, SchoolClass, StaffMember, Student


class PersonAdmin(LookIn):
    """Looks, never touches; medical notes are not among what it shows."""

    list_display = ["__str__", "status", "email_is_dummy", "source"]
    list_filter = ["status", "email_is_dummy", "source"]
    search_fields = ["folded"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Lead to what explains this person."""
        return ["explained", "from_mis"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the person's own columns below what explains them."""
        return [
            "explained",
            "from_mis",
            *(field.name for field in self.opts.fields if field.name not in {"id", "folded"}),
        ]

    @admin.display(description=_("Explained"))
    def explained(self, person: Person) -> str:
        """Link to the reasons and the history."""
        url = reverse(f"admin:users_{self.opts.model_name}_why", args=[person.pk])
        return format_html('<a href="{}">{}</a>', url, _("Why can’t they …? and their history"))

    @admin.display(description=_("In the MIS"))
    def from_mis(self, person: Person) -> str:
        """Link to where this person is read now."""
        return format_html('<a href="{}">{}</a>', link_to_one(kind_of(person), person.pk), _("Read this person now"))

    def get_urls(self) -> Any:
        """Add the page of reasons."""
        view = self.admin_site.admin_view(self.why_view)
        return [path("<int:pk>/why/", view, name=f"users_{self.opts.model_name}_why"), *super().get_urls()]

    def why_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show why a person cannot come in or see a student, and what happened to them.

        Raises:
            Http404: no such person at the school of the look-in.
        """
        if turned_away := self._way_in(request):
            return turned_away
        found = self.get_queryset(request).filter(pk=pk).first()
        if found is None:
            raise Http404("no such person")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Why can’t %(name)s …?") % {"name": found.name},
            "opts": self.opts,
            "words": request.GET.get("q", "")[:80],
            "entries": histories.history(found, page=request.GET.get("page")),
            **whys(found, open_school(), request.GET.get("q", "")[:80]),
        }
        return render(request, "admin/users/why.html", context)


@admin.register(SchoolClass)
class SchoolClassAdmin(LookIn):
    """Classes, each with the way to read it from the MIS now."""

    list_display = ["name", "year", "subject", "ended_on"]
    search_fields = ["name"]
    fields = ["from_mis", "name", "year", "subject", "ended_on"]
    readonly_fields = ["from_mis"]

    @admin.display(description=_("In the MIS"))
    def from_mis(self, school_class: SchoolClass) -> str:
        """Link to where this class is read now."""
        return format_html('<a href="{}">{}</a>', link_to_one("classes", school_class.pk), _("Read this class now"))


for model in (Student, Guardian, StaffMember):
    admin.site.register(model, PersonAdmin)
