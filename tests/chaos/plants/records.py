"""Plants in the record: the chain, the facts, and what the owner of the database may rewrite."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.db import connection

from enrollment import record, windows
from registrar.audit import log
from registrar.celery import app
from tests.chaos.plants.ground import Ground
from tests.chaos.plants.plant import Plant, reword, swap
from tests.chaos.plants.seats import a_seat_given_back
from tests.factories import make_term, open_window
from tests.integration.planted.forging import facts_rewritten, rewritten
from tests.integration.planted.plant import lifted

# Scenes ---------------------------------------------------------------------------------------


def a_short_day(ground: Ground) -> None:
    """Two seats, three students, and one who gives the seat back."""
    a_seat_given_back(ground, students=3)


def an_opening_told_three_times(ground: Ground) -> None:
    """Beat's task that a window has opened arrives three times."""
    window = open_window(make_term())
    ground.worker()
    for _ in range(3):
        app.send_task(windows.OPEN_WINDOW, kwargs={"window": window.pk}, queue=windows.QUEUE)
    ground.must(lambda: _told(window.pk), "the opening is announced")
    app.send_task(windows.OPEN_WINDOW, kwargs={"window": window.pk}, queue=windows.QUEUE)
    ground.until(lambda: _told(window.pk) > 1, 0.5)


def _told(window: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_entries WHERE stream = %s AND event = 'window_opened'",
            [f"window:{window}"],
        )
        count: int = cursor.fetchone()[0]
        return count


# Patches and forgers --------------------------------------------------------------------------


def no_lengths() -> None:
    """What is hashed are the parts, one after the other, with nothing to say where each ends."""

    def hashing(_: Any) -> Any:
        def digest(prev: bytes, seq: int, at: str, draft: log.Draft) -> bytes:
            numbers = (draft.settlement or "", draft.request or "")
            parts = (draft.stream, seq, at, draft.actor, draft.event, *numbers, draft.body)
            text = "".join(map(str, parts)).encode()
            return sha256(log.DOMAIN + prev + text).digest()

        return digest

    swap(log, "digest", hashing)


def facts_not_chained() -> None:
    """Entries do not say by a hash on what facts was decided."""

    def drafting(drafts: Any) -> Any:
        def draft_without(*arguments: Any) -> Any:
            return (draft._replace(body=_without_state(draft.body)) for draft in drafts(*arguments))

        return draft_without

    swap(record, "_drafts", drafting)


def _without_state(body: str) -> str:
    told = json.loads(body)
    told.pop("state", None)
    return log.canonical(told)


def _claims_nothing() -> None:
    reword(windows, "_OPEN", (" AND opened_at IS NULL", ""))


def unnoticed(forge: Callable[[], None]) -> Callable[[], None]:
    """The same forger, who afterwards puts back the triggers that stood in the way."""

    def forge_and_cover() -> None:
        forge()
        with connection.cursor() as cursor:
            for table in ("audit_entries", "settlements"):
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_rows")

    return forge_and_cover


def an_entry_rewritten() -> None:
    with connection.cursor() as cursor:
        cursor.execute(lifted("audit_entries"))
        cursor.execute("UPDATE audit_entries SET actor = 'user:7' WHERE id = 2")


def _another_code(entry: dict[str, Any]) -> bool:
    if entry.get("code") != "WAITLISTED":
        return False
    entry["told"]["code"] = "ENROLLED"
    return True


def the_log_cut_short() -> None:
    """The last entry is gone, and the chain before it is whole."""
    with connection.cursor() as cursor:
        cursor.execute(lifted("audit_entries"))
        cursor.execute("DELETE FROM audit_entries WHERE id = (SELECT max(id) FROM audit_entries)")


def _one_more_seat(facts: dict[str, Any]) -> bool:
    """The second settlement knew of one seat more than there was."""
    facts["state"][0][0][15][0][1] += 1
    return True


def facts_altered() -> None:
    """Somebody edits what a settlement knew, and leaves every hash as it is."""
    with connection.cursor() as cursor:
        cursor.execute(lifted("settlements"))
        cursor.execute("UPDATE settlements SET facts = replace(facts, '\"rules\":', '\"rules\": ')")


_REPLAYED = frozenset({"deciding-again-decides-the-same", "facts-agree-with-history"})

PLANTS = (
    Plant(
        "chain-without-lengths",
        "entries are hashed without the lengths of their parts",
        a_short_day,
        frozenset({"chain-is-whole"}),
        no_lengths,
    ),
    Plant(
        "facts-not-chained",
        "entries do not carry the hash of the facts they were decided on",
        a_short_day,
        frozenset({"facts-are-as-hashed"}),
        facts_not_chained,
    ),
    Plant(
        "facts-altered",
        "the stored facts are not those that were hashed",
        a_short_day,
        frozenset({"facts-are-as-hashed"}),
        tamper=unnoticed(facts_altered),
    ),
    Plant(
        "facts-and-hashes-rewritten",
        "nobody would see by a hash that facts were rewritten: every one was made anew",
        a_short_day,
        _REPLAYED,
        tamper=unnoticed(facts_rewritten(_one_more_seat)),
    ),
    Plant(
        "entry-rewritten",
        "the owner of the database edits an entry",
        a_short_day,
        frozenset({"chain-is-whole"}),
        tamper=unnoticed(an_entry_rewritten),
    ),
    Plant(
        "entry-rewritten-and-chained-again",
        "the owner edits an entry and hashes the whole stream again",
        a_short_day,
        _REPLAYED | {"outcomes-are-as-audited"},
        tamper=unnoticed(rewritten(_another_code)),
    ),
    Plant(
        "log-cut-short",
        "the last entry of the log is gone",
        a_short_day,
        frozenset({"decided-is-audited-once", "audit-rebuilds-the-seats"}),
        tamper=unnoticed(the_log_cut_short),
    ),
    Plant(
        "opening-announced-again",
        "what a window's opening sets off happens each time that somebody says it is due",
        an_opening_told_three_times,
        frozenset({"window-effects-happen-once"}),
        _claims_nothing,
    ),
)
