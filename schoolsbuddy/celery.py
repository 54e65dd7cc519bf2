"""The Celery application. Every setting of it is in `settings.py`, with its reason."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")

app = Celery("schoolsbuddy")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
