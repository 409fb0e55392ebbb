"""The Celery application; what beat does is data in `workers.schedule`."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging, task_prerun
from django.db import close_old_connections

from workers.schedule import BEAT

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registrar.settings")
# Celery would prefer this variable to our setting. The broker must be the mailbox's own database:
# the length of its `settle` list decides whether to ring.
os.environ.pop("CELERY_BROKER_URL", None)


class OutOfMemory(Exception):
    """A task ran out of memory."""


class Bounded(Task):  # type: ignore[type-arg]
    """A task of ours: one that runs out of memory fails like any other.

    On a MemoryError Celery would end the whole worker, and hand the message to the next one.
    What a settlement was at when it failed is known without that (`enrollment.poison`).
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except MemoryError as error:
            raise OutOfMemory from error


app = Celery("registrar", task_cls=Bounded)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Not `app.conf`, which would load the settings whenever any part of the package is imported.
app.add_defaults(lambda: {"beat_schedule": BEAT})
app.autodiscover_tasks(["workers"])


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Django's LOGGING is the one configuration; Celery would replace the root handlers."""


@task_prerun.connect
def _fresh_connections(**_: Any) -> None:
    """Drop a database connection that died between tasks.

    With CELERY_DB_REUSE_MAX set Celery no longer closes connections after every task, so
    without this one restart of PostgreSQL would fail every later task for ever.
    """
    close_old_connections()
