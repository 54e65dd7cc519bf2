"""Every address of the product, by audience. The mode is in the path, so two tabs in two modes cannot mix (R41)."""

from django.contrib import admin
from django.urls import include, path

from sync import webhooks

urlpatterns = [
    path("", include("portals.entrance.urls")),
    path("accounts/", include("allauth.urls")),
    path("s/<slug:school>/staff/", include("portals.staff.urls")),
    path("s/<slug:school>/parent/", include("portals.parent.urls")),
    path("s/<slug:school>/reception/", include("portals.reception.urls")),
    path("hooks/wonde/<slug:school>/<str:secret>/", webhooks.wonde, name="wonde_notice"),
    path("admin/", admin.site.urls),
]
