"""What partners post to us. Each address belongs to one school and holds a secret; see `sync.operations.notices`."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sync.operations import notices
from tenants.middleware import SchoolRequest


@csrf_exempt  # Wonde has no session with us and no token of ours: the secret in the address is what lets it in
@require_POST
def wonde(request: SchoolRequest, secret: str) -> HttpResponse:
    """Hear what Wonde says about the open school; a wrong secret is an address that does not exist."""
    connection = notices.addressed(school=request.school, secret=secret)
    if connection is None:
        raise Http404
    notices.hear(connection=connection, body=request.body, at=timezone.now())
    return HttpResponse(status=204)
