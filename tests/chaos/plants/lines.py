"""Plants in the order of the line: whose turn it is (rule 6)."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from enrollment import facts, requests, settlement
from enrollment.vocabulary import Ask, Kind
from tests.chaos.plants.ground import CLIENT, HISTORY, Ground
from tests.chaos.plants.plant import Plant, reword, swap
from tests.factories import ask, make_offering, make_student, make_term, open_window

# Scenes ---------------------------------------------------------------------------------------


def two_web_hosts_in_turn(ground: Ground) -> None:
    """Requests go to one host, then to the other, then to the first again; then all settle."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=4)
    doors = [ground.door("one"), ground.door("two", CLOCK_IS_SLOW=True)]
    codes = []
    for turn in range(6):
        student = make_student(term)
        port = doors[turn % 2].port
        codes.append(ground.witness.enroll(port, student, offering, key=f"turn-{turn}").request)
    ground.worker()
    ground.drained(6)
    with connection.cursor() as cursor:
        cursor.execute("SELECT request_id FROM outcomes WHERE result = 'ENROLLED'")
        seated = {request for (request,) in cursor.fetchall()}
    if seated != set(codes[:4]):
        ground.complain(CLIENT, f"of {codes} in the order of sending, {sorted(seated)} have seats")


def a_long_line(ground: Ground) -> None:
    """Eight ask one after the other, and a batch holds two."""
    term = make_term()
    open_window(term)
    offering = make_offering(term, base_limit=3)
    for _ in range(8):
        ground.witness.submit(ask(Kind.ENROLL, make_student(term), offering))
    ground.worker(SETTLE_BATCH=2)
    ground.drained(6)


# Patches --------------------------------------------------------------------------------------


def newest_first() -> None:
    reword(
        facts.lines,
        "_LINE",
        ("ORDER BY request_id LIMIT", "ORDER BY request_id DESC LIMIT"),
        ("ORDER BY line.request_id LIMIT", "ORDER BY line.request_id DESC LIMIT"),
    )


_ORDER_OF_TIMES = "SELECT id FROM requests WHERE id = ANY(%s) ORDER BY accepted_at, id"


def by_the_hosts_clock() -> None:
    """Accepted when the web host's clock said so, one of them five seconds behind, and decided
    in the order of those times."""
    from django.conf import settings

    if settings.REGISTRAR.get("CLOCK_IS_SLOW"):
        reword(
            requests,
            "_INSERT",
            ("window_id, (SELECT now", "window_id, (SELECT now - interval '5 s'"),
        )

    def deciding(allocate: Any) -> Any:
        def in_order_of_times(state: Any, asks: Sequence[Ask], *rest: Any) -> Any:
            known = {ask.id: ask for ask in asks}
            with connection.cursor() as cursor:
                cursor.execute(_ORDER_OF_TIMES, [list(known)])
                ordered = [known[id_] for (id_,) in cursor.fetchall()]
            return allocate(state, ordered, *rest)

        return in_order_of_times

    swap(settlement, "allocate", deciding)


PLANTS = (
    Plant(
        "ids-handed-out-in-advance",
        "the sequence of request ids has a cache: each connection draws 32 at a time",
        two_web_hosts_in_turn,
        frozenset({HISTORY}),
        statements=("ALTER SEQUENCE requests_id_seq CACHE 32",),
    ),
    Plant(
        "first-by-timestamp",
        "the line is ordered by the web hosts' clocks, which differ",
        two_web_hosts_in_turn,
        frozenset({CLIENT, "deciding-again-decides-the-same", "decided-in-order"}),
        by_the_hosts_clock,
    ),
    Plant(
        "newest-first",
        "a batch is taken from the end of the line",
        a_long_line,
        frozenset({HISTORY}),
        newest_first,
    ),
)
