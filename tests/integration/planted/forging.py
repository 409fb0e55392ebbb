"""Forgers who own the database: they edit what was written and hash the whole chain again.

No chain shows that. What sees it is replay.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeAlias

from django.db import connection

from registrar.audit.log import GENESIS, Draft, digest, moment

from .plant import lifted

Edit: TypeAlias = Callable[[dict[str, Any]], bool]
"""Edits what it was looking for, and says whether this was it."""


def _entries() -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, stream, seq, at, actor, event, settlement, request, body "
            "FROM audit_entries ORDER BY stream, seq"
        )
        return [list(row) for row in cursor.fetchall()]


def rewritten(change: Edit) -> Callable[[], None]:
    """A forger who edits the first entry that `change` edits, and hashes the stream again."""

    def forge() -> None:
        _write(lambda body: body, first=change)

    return forge


def facts_rewritten(change: Edit) -> Callable[[], None]:
    """A forger who edits the facts of the first settlement that `change` edits, and every hash."""

    def forge() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, facts FROM settlements ORDER BY id")
            told = [(id_, text, json.loads(text)) for id_, text in cursor.fetchall()]
            id_, text, facts = next(each for each in told if change(each[2]))
            forged = json.dumps(facts, separators=(",", ":"))
            cursor.execute(lifted("settlements"))
            cursor.execute("UPDATE settlements SET facts = %s WHERE id = %s", [forged, id_])
        old, new = (sha256(each.encode()).hexdigest() for each in (text, forged))
        _write(lambda body: body.replace(old, new))

    return forge


def _write(edit: Callable[[str], str], first: Edit | None = None) -> None:
    heads: dict[str, bytes] = {}
    edited = first is None
    with connection.cursor() as cursor:
        cursor.execute(lifted("audit_entries"))
        for id_, stream, seq, at, actor, event, settlement, request, body in _entries():
            text = edit(body)
            told = json.loads(text)
            if first and not edited and first({"event": event, **told, "told": told}):
                text = json.dumps(told, sort_keys=True, separators=(",", ":"))
                edited = True
            draft = Draft(stream, event, actor, text, settlement, request)
            hash_ = digest(heads.get(stream, GENESIS), seq, moment(at), draft)
            heads[stream] = hash_
            cursor.execute(
                "UPDATE audit_entries SET body = %s, hash = %s WHERE id = %s", [text, hash_, id_]
            )
    assert edited, "no entry to forge"
