"""One of the four places where a school is opened: a support grant around the Django admin."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from tenants import scope
from users import queries


class SupportScope:
    """Runs the admin's views inside the school that support's open grant names; without one, global tables only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Open the granted school around an admin view; it calls the view itself, as tenants.middleware does."""
        if request.resolver_match.namespace != "admin" or not getattr(request.user, "is_support", False):
            return None
        grant = request.support_grant = queries.open_grant(account_id=request.user.pk, at=timezone.now())
        if grant is None or getattr(view, "outside_scope", False):
            return None
        with scope.school(grant.school_id):
            response: Any = view(request, *args, **kwargs)
            done: HttpResponseBase = response.render() if hasattr(response, "render") else response
            return done
