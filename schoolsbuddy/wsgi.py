"""The web application: `gunicorn schoolsbuddy.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")

application = get_wsgi_application()
