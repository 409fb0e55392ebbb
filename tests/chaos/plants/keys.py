"""Plants at the door in what is one request and what are two: keys, double clicks, budgets."""

from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connection

from enrollment import requests
from enrollment.models import Request
from enrollment.requests import Accepted, Answer, Declined, Submission
from tests.chaos.plants.ground import CLIENT, HISTORY, Ground
from tests.chaos.plants.order import Pause
from tests.chaos.plants.plant import Plant, reword, swap
from tests.chaos.plants.witness import at_once
from tests.factories import make_offering, make_student, make_term, open_window

# Scenes ---------------------------------------------------------------------------------------


def one_key_for_two_wishes(ground: Ground) -> None:
    """A key that asked for one course asks for another."""
    term = make_term()
    open_window(term)
    student, one, other = make_student(term), make_offering(term), make_offering(term)
    port = ground.door().port
    ground.witness.enroll(port, student, one, key="mine")
    again = ground.witness.enroll(port, student, other, key="mine")
    if again.code != "KEY_REUSED":
        ground.complain(CLIENT, f"a key used for another course was answered {again.status}")
    ground.settled_here()


def one_key_sent_by_many(ground: Ground) -> None:
    """The same request with the same key, six times at once to two hosts, and once more."""
    term = make_term()
    open_window(term)
    student, offering = make_student(term), make_offering(term)
    ports = [ground.door(name).port for name in ("one", "two")]

    def click(number: int) -> int:
        port = ports[number % 2]
        return ground.witness.insist(port, student, offering, "mine").request

    answers = at_once(*[lambda n=n: click(n) for n in range(6)])
    told = {click(6), *filter(None, answers)}
    if len(told) != 1 or 0 in told:
        ground.complain(CLIENT, f"one key was answered as requests {sorted(told)}, 0 for none")
    ground.settled_here()


def a_double_click(ground: Ground) -> None:
    """Twice the same wish without a key, the second after the first was answered."""
    term = make_term()
    open_window(term)
    student, offering = make_student(term), make_offering(term)
    port = ground.door().port
    clicks = [ground.witness.enroll(port, student, offering).request for _ in range(2)]
    if len(set(clicks)) != 1:
        ground.complain(CLIENT, f"a double click became requests {clicks}")
    ground.settled_here()


_SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
CREATE TRIGGER slowly AFTER INSERT ON pending FOR EACH STATEMENT EXECUTE FUNCTION slowly();
"""
"""What a host has inserted and counted is committed half a second later."""


def a_student_in_a_hurry(ground: Ground) -> None:
    """Two wishes to two hosts, of a student who may have one open; neither is committed before
    both were counted, unless the second host waits for the first."""
    term = make_term()
    open_window(term)
    student, offering = make_student(term), make_offering(term)
    with connection.cursor() as cursor:
        cursor.execute(_SLOWLY)
    doors = [ground.door(name, STUDENT_OPEN=1) for name in ("one", "two")]

    def ask(number: int) -> bool:
        wish = f"wish-{number}"
        return ground.witness.insist(doors[number].port, student, offering, wish).status == 202

    accepted = at_once(lambda: ask(0), lambda: ask(1))
    if sum(accepted) > 1:
        ground.complain(CLIENT, f"{sum(accepted)} requests of one student were open at once")
    ground.settled_here()


def a_commit_whose_answer_is_lost(ground: Ground) -> None:
    """The host never learns that its commit was made; the client sent no key."""
    term = make_term()
    open_window(term)
    student, offering = make_student(term), make_offering(term)
    lost = Pause("enrollment.requests:insert", action="lose", inner=True)
    ground.worker()
    reply = ground.witness.enroll(ground.door("door", lost).port, student, offering)
    ground.drained(6)
    rows = Request.objects.filter(student=student).count()
    if rows > 1:
        ground.complain(CLIENT, f"one POST, answered {reply.status}, became {rows} requests")


# Patches --------------------------------------------------------------------------------------


def no_body_hash() -> None:
    swap(Submission, "hash", lambda _: property(lambda _: b""))


def compared_after_the_insert() -> None:
    """A key with another body gets its row, and is refused afterwards."""

    def inserting(insert: Any) -> Any:
        def insert_and_compare(submissions: Sequence[Submission]) -> list[Answer]:
            marked = [s._replace(key=f"{s.key}#{s.hash.hex()[:8]}") for s in submissions]
            return [
                _compared(submission, answer)
                for submission, answer in zip(submissions, insert(marked), strict=True)
            ]

        return insert_and_compare

    swap(requests, "insert", inserting)


def _compared(submission: Submission, answer: Answer) -> Answer:
    used = Request.objects.filter(actor=submission.actor, key__startswith=f"{submission.key}#")
    if isinstance(answer, Accepted) and used.filter(pk__lt=answer.request).exists():
        return Declined("KEY_REUSED", {"request": answer.request})
    return answer


def no_on_conflict() -> None:
    reword(requests, "_INSERT", ("ON CONFLICT (actor, key) DO NOTHING", ""))


def no_double_click_guard() -> None:
    reword(requests, "_INSERT", ("WHERE asked.keyless AND", "WHERE false AND"))


def no_budget_lock() -> None:
    reword(requests, "_LOCK", ("pg_advisory_xact_lock", "concat"))


def blind_retry() -> None:
    """What failed is done once more."""
    no_double_click_guard()

    def inserting(insert: Any) -> Any:
        def insert_again(submissions: Sequence[Submission]) -> list[Answer]:
            try:
                answers: list[Answer] = insert(submissions)
            except OperationalError:
                answers = insert(submissions)
            return answers

        return insert_again

    swap(requests, "insert", inserting)


PLANTS = (
    Plant(
        "key-without-body-hash",
        "a key is compared, and not what it asked for",
        one_key_for_two_wishes,
        frozenset({CLIENT, HISTORY}),
        no_body_hash,
    ),
    Plant(
        "key-compared-after-the-insert",
        "a key used for something else is refused after its row was written",
        one_key_for_two_wishes,
        frozenset({HISTORY}),
        compared_after_the_insert,
    ),
    Plant(
        "no-on-conflict",
        "the second of two with one key fails instead of finding the first",
        one_key_sent_by_many,
        frozenset({CLIENT, HISTORY}),
        no_on_conflict,
    ),
    Plant(
        "no-double-click-guard",
        "the same wish without a key becomes a request each time",
        a_double_click,
        frozenset({CLIENT}),
        no_double_click_guard,
    ),
    Plant(
        "budget-without-its-lock",
        "two hosts count a student's open requests at the same time",
        a_student_in_a_hurry,
        frozenset({CLIENT}),
        no_budget_lock,
    ),
    Plant(
        "blind-retry",
        "a commit of which nobody knows whether it was made is made again",
        a_commit_whose_answer_is_lost,
        frozenset({CLIENT, HISTORY}),
        blind_retry,
        hidden_by="a key finds its row, so the client sends none; and the guard against a double "
        "click finds a wish still pending: it is off",
        sure=no_double_click_guard,
    ),
)
