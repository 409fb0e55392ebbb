"""Many POSTs of one student at once: no key, no limit and no click counts twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection

from courses.models import Offering, Term
from enrollment.models import Pending, Request
from tests import factories
from tests.callers import Caller, Reply

pytestmark = pytest.mark.concurrency
THREADS = 25


@pytest.fixture
def term(database: None) -> Term:
    term = factories.make_term()
    factories.open_window(term)
    return term


@pytest.fixture
def ada(term: Term) -> Caller:
    return Caller(factories.make_student(term))


def at_once(*posts: Callable[[], Reply]) -> list[Reply]:
    """Each in a thread and with a connection of its own."""

    def run(post: Callable[[], Reply]) -> Reply:
        try:
            return post()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, posts))


def test_one_key_sent_fifty_times_at_once_is_one_request(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(term)
    path = f"courses/{offering.course_id}/enroll/"

    replies = at_once(*[lambda: ada.post(path, idempotency_key="k")] * 50)

    assert {reply.status for reply in replies} == {202}
    assert len({reply.body["id"] for reply in replies}) == 1
    assert len({reply.headers["Location"] for reply in replies}) == 1
    assert Request.objects.count() == Pending.objects.count() == 1


def test_fifty_clicks_at_once_are_one_request(ada: Caller, term: Term) -> None:
    offering = factories.make_offering(term)
    path = f"courses/{offering.course_id}/enroll/"

    replies = at_once(*[lambda: ada.post(path)] * 50)

    assert len({reply.body["id"] for reply in replies}) == 1
    assert Request.objects.count() == 1


def test_a_student_cannot_have_more_undecided_by_sending_faster(ada: Caller, term: Term) -> None:
    offerings = [factories.make_offering(term) for _ in range(50)]

    replies = at_once(*(post_of(ada, offering) for offering in offerings))

    most = settings.REGISTRAR["STUDENT_OPEN"]
    assert Counter(reply.status for reply in replies) == {202: most, 429: 50 - most}
    assert {reply.code for reply in replies if reply.status == 429} == {"TOO_MANY_OPEN"}
    assert Pending.objects.count() == most


def post_of(caller: Caller, offering: Offering) -> Callable[[], Reply]:
    return lambda: caller.post(f"courses/{offering.course_id}/enroll/")
