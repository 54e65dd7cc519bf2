"""`/s/<school>/reception/…`"""

from django.urls import path

from portals.reception import conflicts, connection, joining, tonight, undo, uploads, views

app_name = "reception"
urlpatterns = [
    path("", views.home, name="home"),
    path("conflicts/", conflicts.conflicts, name="conflicts"),
    path("conflicts/carry-out/", conflicts.carry_out, name="carry_out"),
    path("conflicts/<str:digest>/", conflicts.conflict, name="conflict"),
    path("conflicts/<str:digest>/withdraw/", conflicts.withdraw, name="withdraw"),
    path("tonight/", tonight.tonight, name="tonight"),
    path("runs/", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/undo/", undo.undo, name="undo"),
    path("files/", uploads.files, name="files"),
    path("files/uploads/<str:batch>/", uploads.upload, name="upload"),
    path("files/<str:kind>.csv", uploads.template, name="template"),
    path("connection/", connection.show, name="connection"),
    path("connection/system/", connection.choose, name="systems"),
    path("connection/settings/", connection.settings, name="settings"),
    path("connection/go-on/", connection.go_on, name="go-on"),
    path("connection/test/", connection.test, name="test"),
    path("joining/", joining.checklist, name="joining"),
    path("joining/time-zone/", joining.zone, name="zone"),
    path("joining/preview/", joining.preview, name="preview"),
    path("joining/confirm/", joining.confirm, name="confirm"),
]
