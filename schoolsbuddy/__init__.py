"""The composition of the product: settings, urls, Celery, schedule."""

from schoolsbuddy.celery import app as celery_app

__all__ = ["celery_app"]
