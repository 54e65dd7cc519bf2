"""What all gates share: sign-in, a live membership in the mode of the URL, the right, and the school's clock.

Everything is refused unless it is allowed here, and every view carries `gate`, so that a test can prove it (R9, R41).
"""

import functools
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django_htmx.middleware import HtmxDetails

from tenants.middleware import SchoolRequest
from users import doors, queries
from users.models import Guardian, StaffMember
from users.queries import Mode, Standing
from users.roles import Can

View = Callable[..., HttpResponse]

REMEMBERED: Final = "way"  # the cookie that remembers the last school and mode
MODE_NAMES: Final[dict[Mode, str]] = {"staff": "Staff", "parent": "Parent", "reception": "Reception"}


class PortalRequest(SchoolRequest):
    """A request that a gate let in: what the account is here, and the mode of the URL."""

    htmx: HtmxDetails

    standing: Standing
    mode: Mode


def public(view: View) -> View:
    """Let everybody in."""
    view.gate = "public"  # type: ignore[attr-defined] # a mark read by the house tests
    return view


def account(view: View) -> View:
    """Let every signed-in account in."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return _kept_private(view(request, *args, **kwargs))

    guarded.gate = "account"  # type: ignore[attr-defined] # a mark read by the house tests
    return guarded


def guard(view: View, *, mode: Mode, right: Can | None) -> View:
    """Let in whoever has this mode at the open school and, where one is named, the right."""

    @functools.wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        standing = queries.standing(account_id=request.user.pk)
        person = _person(standing, mode)
        if person is None:
            return _turn_away(request, standing, mode)
        if right is not None:
            doors.allow(standing, right)
        request.standing, request.mode = standing, mode
        if isinstance(person, Guardian):
            request.guardian = person
        else:
            request.staff_member = person
        return _inside(request, view, *args, **kwargs)

    guarded.gate = mode  # type: ignore[attr-defined] # a mark read by the house tests
    return guarded


def _inside(request: PortalRequest, view: View, *args: Any, **kwargs: Any) -> HttpResponse:
    """Run the view by the school's clock; remember the way; leave nothing in a shared browser."""
    with timezone.override(request.school.zone):
        response = view(request, *args, **kwargs)
    way = f"{request.school.slug}/{request.mode}"
    if request.COOKIES.get(REMEMBERED) != way:
        response.set_cookie(
            REMEMBERED,
            way,
            max_age=365 * 24 * 3600,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return _kept_private(response)


def _kept_private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_store=True)
    return response


def _person(standing: Standing, mode: Mode) -> StaffMember | Guardian | None:
    return standing.guardian if mode == "parent" else standing.staff_member


def _turn_away(request: PortalRequest, standing: Standing, mode: Mode) -> HttpResponse:
    """Send to the choice of ways whoever belongs here otherwise; a stranger learns nothing.

    Raises:
        Http404: the account has nothing to do with this school.
    """
    if standing.modes:
        messages.warning(request, f"That page is for {MODE_NAMES[mode].lower()} mode. Choose how to go on.")
    elif standing.waits:
        messages.info(request, f"First say whether you belong to {request.school.name}.")
    else:
        raise Http404("no way in")
    return redirect(f"{resolve_url('entrance:home')}?choose=1")
