"""Names with broken letters, as support reviews them (R67)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.models import CharacterReview
from sync.operations import characters
from users.admin import LookIn


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
