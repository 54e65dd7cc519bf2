"""One of the four places where a school is opened: the request."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from tenants import queries, scope
from tenants.models import School


class SchoolRequest(HttpRequest):
    """A request under `/s/<school>/…`: its school is open while the view runs."""

    school: School


class SchoolScope:
    """Runs every view that takes `school` from its URL inside that school's scope, hence inside one transaction.

    It calls the view itself (hence it stands last in MIDDLEWARE), because an exception must roll the transaction back
    and only here is it still an exception, not yet a 500 page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Open the school named in the URL, or answer 404."""
        slug = kwargs.pop("school", None)
        if slug is None:
            return None
        school = queries.school_by_slug(slug)
        if school is None:
            raise Http404("no such school")
        request.school = school
        if getattr(view, "outside_scope", False):
            return None
        with scope.school(school.pk):
            response: Any = view(request, *args, **kwargs)
            done: HttpResponseBase = response.render() if hasattr(response, "render") else response
            return done
