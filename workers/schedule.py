"""What beat does by itself, as plain data: `registrar.celery` hands it over.

The opening and closing of windows are not here: `enrollment.windows` writes a clocked task for
each, and `tick` repairs what those miss.
"""

from typing import Any

TICK = "workers.tasks.tick"
REMIND = "workers.tasks.remind"
FORGET = "workers.tasks.forget"

BEAT: dict[str, dict[str, Any]] = {
    "tick": {"task": TICK, "schedule": 30.0, "options": {"queue": "default"}},
    "remind": {"task": REMIND, "schedule": 3600.0, "options": {"queue": "default"}},
    "forget": {"task": FORGET, "schedule": 3600.0, "options": {"queue": "default"}},
}
