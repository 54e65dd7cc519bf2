"""`/s/<school>/reception/…`"""

from django.urls import path

from portals.reception import uploads, views

app_name = "reception"
urlpatterns = [
    path("", views.home, name="home"),
    path("runs/", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("files/", uploads.files, name="files"),
    path("files/uploads/<str:batch>/", uploads.upload, name="upload"),
    path("files/<str:kind>.csv", uploads.template, name="template"),
]
