"""`/s/<school>/staff/…`"""

from django.urls import path

from portals.staff import views

app_name = "staff"
urlpatterns = [
    path("", views.students, name="home"),
    path("students/<int:pk>/", views.student, name="student"),
    path("students/<int:pk>/medical/", views.medical, name="medical"),
]
