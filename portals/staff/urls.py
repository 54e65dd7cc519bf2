"""`/s/<school>/staff/…`"""

from django.urls import path

from portals.staff import absence, classes, views

app_name = "staff"
urlpatterns = [
    path("", views.students, name="home"),
    path("students/<int:pk>/", views.student, name="student"),
    path("students/<int:pk>/medical/", views.medical, name="medical"),
    path("classes/", classes.classes, name="classes"),
    path("classes/<int:pk>/", classes.class_list, name="class"),
    path("absence/", absence.absence, name="absence"),
    path("absence/file/", absence.absence_csv, name="absence_csv"),
    path("absence/call/", absence.call, name="call"),
    path("absence/call/<int:pk>/", absence.call_about, name="call_about"),
    path("absence/<int:pk>/settle/", absence.settle, name="settle"),
    path("absence/<int:pk>/reopen/", absence.reopen, name="reopen"),
    path("absence/reports/<int:pk>/withdraw/", absence.take_back, name="take_back"),
]
