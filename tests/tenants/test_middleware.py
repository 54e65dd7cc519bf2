"""The school of a request: opened for the view and for the rendering of its answer, closed whatever happens."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import RequestFactory

from tenants import scope
from tenants.middleware import SchoolScope
from tenants.models import AuditEvent, School
from tests.tenants.samples import NIGHT, Furnished, furnish
from users.models import Student


def never(request: Any) -> HttpResponse:
    """A view that must not run."""
    raise AssertionError("the view ran")


@pytest.fixture
def ours(db: None) -> Furnished:
    """A furnished school."""
    return furnish("oakfield")


def call(view: Callable[..., Any], **kwargs: Any) -> Any:
    """What the middleware answers for a view with these parts of the URL."""
    request = RequestFactory().get("/")
    return SchoolScope(lambda _: HttpResponse()).process_view(request, view, (), kwargs)


def test_the_school_is_open_while_the_view_runs(ours: Furnished) -> None:
    def view(request: Any, pk: int) -> HttpResponse:
        return HttpResponse(f"{request.school.slug} {scope.current() == ours.pk} {Student.objects.get(pk=pk).pk == pk}")

    answer = call(view, school="oakfield", pk=ours[Student].pk)
    assert answer.content == b"oakfield True True"
    assert not scope.is_open()


@pytest.mark.parametrize("slug", ["nobody", "", "OAKFIELD", "oakfield "])
def test_an_unknown_school_is_404(ours: Furnished, slug: str) -> None:
    with pytest.raises(Http404):
        call(never, school=slug)


def test_a_suspended_school_is_404(db: None) -> None:
    furnish("elmfield", status=School.Status.SUSPENDED)
    with pytest.raises(Http404):
        call(never, school="elmfield")


def test_a_view_without_a_school_runs_as_it_is(db: None) -> None:
    assert call(never) is None


def test_an_exception_rolls_everything_back(ours: Furnished) -> None:
    def view(request: Any) -> HttpResponse:
        AuditEvent.objects.create(at=NIGHT, action="half.done")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(view, school="oakfield")
    assert not scope.is_open()
    with scope.school(ours.pk):
        assert not AuditEvent.objects.filter(action="half.done").exists()


def test_what_a_view_did_is_kept(ours: Furnished) -> None:
    def view(request: Any) -> HttpResponse:
        AuditEvent.objects.create(at=NIGHT, action="all.done")
        return HttpResponse()

    call(view, school="oakfield")
    with scope.school(ours.pk):
        assert AuditEvent.objects.filter(action="all.done").exists()


def test_a_lazy_answer_is_rendered_inside(ours: Furnished) -> None:
    template = engines["django"].from_string("{% for row in rows %}{{ row.given_name }} {% endfor %}")

    def view(request: Any) -> TemplateResponse:
        return TemplateResponse(request, template, {"rows": Student.objects.order_by("id")})

    assert call(view, school="oakfield").content == b"Oakfield1 Oakfield2 "


def test_a_view_to_the_outside_opens_its_own_school(ours: Furnished) -> None:
    view = scope.outside(functools.partial(never))
    request: Any = RequestFactory().get("/")
    kwargs = {"school": "oakfield", "pk": 1}
    assert SchoolScope(lambda _: HttpResponse()).process_view(request, view, (), kwargs) is None
    assert (request.school.pk, kwargs) == (ours.pk, {"pk": 1})
    assert not scope.is_open()


def test_a_streamed_answer_that_asks_late_is_an_error_not_a_leak(ours: Furnished) -> None:
    def view(request: Any) -> StreamingHttpResponse:
        late = Student.objects.all()
        return StreamingHttpResponse(row.given_name for row in iter(late.first, None))

    answer = call(view, school="oakfield")
    with pytest.raises(DatabaseError, match="no school is open"), transaction.atomic():
        list(answer.streaming_content)


def test_two_requests_after_each_other_see_a_school_each(ours: Furnished) -> None:
    furnish("elmfield")

    def view(request: Any) -> HttpResponse:
        return HttpResponse(",".join(Student.objects.order_by("id").values_list("given_name", flat=True)))

    assert call(view, school="oakfield").content == b"Oakfield1,Oakfield2"
    assert call(view, school="elmfield").content == b"Elmfield1,Elmfield2"
