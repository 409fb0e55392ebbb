"""The textbook's Celery application, apart from its task: a worker imports it before any model."""

from celery import Celery

app = Celery("textbook", set_as_current=False, include=["benchmarks.textbook"])
app.config_from_object("django.conf:settings", namespace="CELERY")
