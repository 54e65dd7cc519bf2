"""`/s/<school>/reception/…`"""

from django.urls import path

from portals.reception import conflicts, connection, hands, joining, people, rules, tonight, undo, uploads, views

app_name = "reception"
urlpatterns = [
    path("", views.home, name="home"),
    path("conflicts/", conflicts.conflicts, name="conflicts"),
    path("conflicts/carry-out/", conflicts.carry_out, name="carry_out"),
    path("conflicts/<str:digest>/", conflicts.conflict, name="conflict"),
    path("conflicts/<str:digest>/take-back/", conflicts.take_back, name="take_back"),
    path("tonight/", tonight.tonight, name="tonight"),
    path("runs/", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/undo/", undo.undo, name="undo"),
    path("people/", people.people, name="people"),
    path("people/<str:kind>/<int:pk>/", people.person, name="person"),
    path("people/<str:kind>/<int:pk>/why/", people.why, name="why"),
    path("people/<str:kind>/<int:pk>/correct/<str:field>/", hands.correct, name="correct"),
    path("people/<str:kind>/<int:pk>/id/", hands.new_id, name="new_id"),
    path("people/edits/<int:pk>/withdraw/", hands.withdraw, name="withdraw"),
    path("people/staff/<int:pk>/delete/", hands.delete, name="delete"),
    path("people/staff/<int:pk>/restore/", hands.restore, name="restore"),
    path("people/students/<int:pk>/guardian/", hands.add_guardian, name="add_guardian"),
    path("people/guardians/<int:pk>/tie/", hands.tie, name="tie"),
    path("people/ties/<int:pk>/block/", hands.block, name="block"),
    path("people/ties/<int:pk>/unblock/", hands.unblock, name="unblock"),
    path("people/ties/<int:pk>/untie/", hands.untie, name="untie"),
    path("rules/", rules.rules, name="rules"),
    path("rules/parents-domain/", rules.parents_domain, name="parents_domain"),
    path("rules/primary-years/", rules.primary_years, name="primary_years"),
    path("rules/roll-over/", rules.rollover, name="rollover"),
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
