"""What Flower's API saw of the workers since a moment; None where Flower does not answer."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from enrollment.mailbox import SETTLE

from .report import Flower

SECONDS = 10
MOST = 5000


def look(url: str, login: str, since: float) -> Flower | None:
    """Ask for the workers and the settle tasks received since then (seconds of the epoch)."""
    try:
        workers = _get(f"{url}/api/workers?status=true", login)
        tasks = _get(
            f"{url}/api/tasks?{urllib.parse.urlencode({'taskname': SETTLE, 'limit': MOST})}", login
        )
    except (OSError, ValueError):
        return None
    recent = [task for task in tasks.values() if (task.get("received") or 0) >= since]
    return Flower(
        workers=sum(bool(alive) for alive in workers.values()),
        settle_tasks=sum(task["state"] == "SUCCESS" for task in recent),
        failed_tasks=sum(task["state"] == "FAILURE" for task in recent),
    )


def _get(url: str, login: str) -> Any:
    request = urllib.request.Request(url)
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)
