"""`/s/<school>/reception/…`"""

from django.urls import path

from portals.reception import views

app_name = "reception"
urlpatterns = [
    path("", views.home, name="home"),
    path("runs/", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("files/", views.files, name="files"),
    path("files/<str:kind>.csv", views.template, name="template"),
]
