"""Every address of the product, by audience. The mode is in the path, so two tabs in two modes cannot mix (R41)."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("portals.entrance.urls")),
    path("accounts/", include("allauth.urls")),
    path("s/<slug:school>/staff/", include("portals.staff.urls")),
    path("s/<slug:school>/parent/", include("portals.parent.urls")),
    path("s/<slug:school>/reception/", include("portals.reception.urls")),
    path("admin/", admin.site.urls),
]
