"""A's answer before B's POST means A is settled before B, in every course (rule 6).

Told from the posters' own log, by the same count that a rehearsal ends with.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from django.conf import settings
from django.db import connection

from courses.models import Offering
from enrollment import intake, requests
from enrollment.models import Outcome, Student
from enrollment.rehearsal.order import Passage, inversions
from enrollment.requests import Accepted, Answer, Submission
from enrollment.settlement import settle_ready
from enrollment.vocabulary import Kind
from tests.factories import ask, make_offering, make_student, make_term, open_window
from tests.races import PATIENCE, broken, settle_all, together

pytestmark = pytest.mark.concurrency

Insert = Callable[[Sequence[Submission]], list[Answer]]


class Logged(NamedTuple):
    """What a poster wrote down: when it sent, when it was answered, and for which course."""

    request: int
    offering: int
    sent: int
    answered: int


def post(insert: Insert, submission: Submission) -> Logged:
    sent = time.monotonic_ns()
    [answer] = insert([submission])
    answered = time.monotonic_ns()
    assert isinstance(answer, Accepted), answer
    return Logged(answer.request, submission.offerings[0], sent, answered)


def overtaken(log: Sequence[Logged]) -> int:
    settled = dict(Outcome.objects.values_list("request_id", "settlement_id"))
    return inversions(
        Passage(entry.offering, entry.sent, entry.answered, (settled[entry.request], entry.request))
        for entry in log
    )


class Crowd(NamedTuple):
    courses: list[Offering]
    students: list[Student]

    def requests(self, seed: int, count: int) -> list[Submission]:
        chance = random.Random(seed)
        return [
            ask(
                chance.choice([Kind.ENROLL, Kind.DROP]),
                chance.choice(self.students),
                chance.choice(self.courses),
                key=f"{seed}-{n}",
            )
            for n in range(count)
        ]


@pytest.fixture
def crowd(database: None, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_OPEN", 10_000)
    monkeypatch.setitem(settings.REGISTRAR, "STUDENT_PER_MINUTE", 10_000)
    term = make_term(credit_maximum=1000)
    open_window(term)
    return Crowd(
        [make_offering(term, base_limit=10) for _ in range(4)],
        [make_student(term, maximum=1000) for _ in range(30)],
    )


def settling_until(over: threading.Event) -> list[Logged]:
    """A settler woken every few milliseconds; when nobody posts any more it settles the rest."""
    while not over.wait(0.002):
        settle_ready(0.2)
    settle_all()
    return []


def through_the_intake(submissions: Sequence[Submission]) -> list[Answer]:
    return intake.submit(submissions, timeout=PATIENCE)


@pytest.mark.parametrize("insert", [through_the_intake, requests.submit_now])
def test_nobody_is_overtaken_by_who_asked_after_their_answer(crowd: Crowd, insert: Insert) -> None:
    """Eight posters, through one web process's intake or each on a connection of its own, while
    two settlers take what is ready."""
    over = threading.Event()
    all_posted = threading.Barrier(8, action=over.set)

    def poster(seed: int) -> list[Logged]:
        try:
            return [post(insert, submission) for submission in crowd.requests(seed, count=60)]
        finally:
            all_posted.wait(PATIENCE)

    logs = together(
        *[lambda seed=seed: poster(seed) for seed in range(8)], *[lambda: settling_until(over)] * 2
    )
    log = [entry for each in logs for entry in each]

    assert len(log) == 8 * 60
    assert overtaken(log) == 0
    assert broken() == {}


def test_with_ids_handed_out_in_advance_somebody_is_overtaken(crowd: Crowd) -> None:
    """A sequence with a cache: what a connection drew long ago goes before what was answered."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE requests_id_seq CACHE 32")
    try:
        log = two_connections_in_turn(crowd)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER SEQUENCE requests_id_seq CACHE 1")

    assert overtaken(log) > 0


def test_with_ids_drawn_one_by_one_connections_in_turn_keep_their_order(crowd: Crowd) -> None:
    assert overtaken(two_connections_in_turn(crowd)) == 0


def two_connections_in_turn(crowd: Crowd) -> list[Logged]:
    """One posts first, then the other, then the first again; all are settled together."""
    submissions = crowd.requests(seed=0, count=9)

    def post_three() -> list[Logged]:
        return [post(requests.insert, submissions.pop()) for _ in range(3)]

    before = post_three()
    [between] = together(post_three)
    after = post_three()
    settle_all()
    return before + between + after
