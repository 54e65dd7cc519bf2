"""`/s/<school>/parent/…`"""

from django.urls import path

from portals.parent import absence, views

app_name = "parent"
urlpatterns = [
    path("", views.home, name="home"),
    path("children/<int:pk>/", views.child, name="child"),
    path("children/<int:pk>/absence/", absence.absence, name="absence"),
    path("absences/<int:pk>/", absence.report, name="report"),
    path("absences/<int:pk>/withdraw/", absence.withdraw, name="withdraw"),
]
