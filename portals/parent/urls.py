"""`/s/<school>/parent/…`"""

from django.urls import path

from portals.parent import views

app_name = "parent"
urlpatterns = [
    path("", views.home, name="home"),
    path("children/<int:pk>/", views.child, name="child"),
]
