"""The way in, and what all pages share."""

from django.urls import path

from portals.entrance import systems, views, watchdog

app_name = "entrance"
urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("healthz/clock", watchdog.clock, name="clock"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", watchdog.metrics, name="metrics"),
    path("theme/<int:hue>.css", views.hue, name="hue"),
    path("account/theme", views.theme, name="theme"),
    path("account/", views.account, name="account"),
    path("systems/", systems.systems, name="systems"),
    path("systems/<str:system>/", systems.system, name="system"),
    path("gallery/", views.gallery, name="gallery"),
    path("s/<slug:school>/joining/", views.joining, name="joining"),
    path("accounts/email/", views.address, name="address"),
]
