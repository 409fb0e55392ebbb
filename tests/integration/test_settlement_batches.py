"""What one settlement leaves behind, and what it does to the index in Redis."""

import time
from collections.abc import Iterable
from typing import Any, NoReturn

import pytest
from django.conf import settings
from django.db import connection

from courses.models import Offering, Term
from enrollment import facts, mailbox, settlement
from enrollment.mailbox import Line, Turn
from enrollment.models import Attempt, Enrollment, Outcome, Pending, Settlement
from enrollment.settlement import Report, Settled, settle, settle_ready
from enrollment.vocabulary import Kind
from registrar.audit.models import Entry
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window, submit
from tests.races import after, broken, ready, settle_all, together


@pytest.fixture
def term(database: None) -> Term:
    term = make_term()
    open_window(term)
    return term


@pytest.fixture
def course(term: Term) -> Offering:
    return make_offering(term, base_limit=3)


def results() -> list[str]:
    return list(Outcome.objects.order_by("request_id").values_list("result", flat=True))


def queued(course: Offering) -> set[int]:
    members: Any = mailbox.client().zrange(f"{mailbox.PREFIX}queue:{course.pk}", 0, -1)
    return {int(member) for member in members}


# One transaction ------------------------------------------------------------------------------


def test_a_batch_is_decided_in_the_order_of_its_requests(term: Term, course: Offering) -> None:
    enroll(course, [make_student(term) for _ in range(5)])

    done = settle([course.pk])

    assert done.decided == 5
    assert results() == ["ENROLLED"] * 3 + ["WAITLISTED"] * 2
    assert Settlement.objects.get().decided == 5
    assert not Pending.objects.exists()
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("offering", [1, 10**9])
def test_a_message_too_many_or_for_a_course_that_is_not_there_does_nothing(
    course: Offering, offering: int
) -> None:
    for _ in range(3):
        assert settle([offering]) == Settled()

    assert not Settlement.objects.exists()


def test_a_settlement_that_fails_at_its_end_leaves_nothing(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = enroll(course, [make_student(term)])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE settlements ADD CONSTRAINT planted CHECK (decided = 0)")

    with pytest.raises(Exception, match="planted"):
        settle([course.pk])

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE settlements DROP CONSTRAINT planted")
    assert list(Pending.objects.values_list("request_id", flat=True)) == pending
    for written in (Enrollment, Outcome, Entry):
        assert not written._default_manager.exists()
    assert ready() == [course.pk]


def test_a_long_line_is_settled_in_batches_without_a_gap(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 2)
    enroll(course, [make_student(term) for _ in range(5)])

    report = settle_ready(5.0)

    assert (report.decided, report.settlements) == (5, 3)
    assert list(Settlement.objects.order_by("id").values_list("decided", flat=True)) == [2, 2, 1]
    assert results() == ["ENROLLED"] * 3 + ["WAITLISTED"] * 2


def test_quiet_courses_are_drained_together(term: Term) -> None:
    courses = [make_offering(term) for _ in range(10)]
    for course in courses:
        enroll(course, [make_student(term)])

    report = settle_ready(5.0)

    assert (report.decided, report.settlements) == (10, 1)
    assert report.courses == tuple(sorted(course.course.code for course in courses))
    assert Settlement.objects.get().offerings == [course.pk for course in courses]


def test_what_a_settlement_leaves_is_what_verify_expects(term: Term, course: Offering) -> None:
    """Allocating again on the stored facts, folding the audit, chains, counters: everything."""
    students = [make_student(term) for _ in range(6)]
    other = make_offering(term, base_limit=0, auto_create=True, section_limit=2)
    enroll(course, students)
    enroll(other, students)
    settle_all()
    submit(ask(Kind.DROP, students[0], course), ask(Kind.SWAP, students[5], course, other))
    submit(ask(Kind.BUNDLE, make_student(term), other, make_offering(term)))
    settle_all()

    assert broken() == {}


# Another door while a batch is settled --------------------------------------------------------


def test_times_that_are_confirmed_and_used_in_one_batch_do_not_collide(term: Term) -> None:
    """A course leaves Monday morning, and its student takes a course on Monday morning."""
    monday, tuesday = ((540, 590),), ((1980, 2030),)
    student = make_student(term)
    moved, wanted = make_offering(term, base_meets=monday), make_offering(term, base_meets=monday)
    enroll(moved, [student])
    settle_all()
    confirm = ask(Kind.TIMETABLE, None, moved, section=0, meets=[list(span) for span in tuesday])
    submit(confirm, ask(Kind.ENROLL, student, wanted))

    settle([moved.pk, wanted.pk])

    assert results() == ["ENROLLED", "DONE", "ENROLLED"]
    assert broken() == {}


# The index in Redis ---------------------------------------------------------------------------


def test_what_was_settled_is_taken_out_of_the_index(term: Term, course: Offering) -> None:
    requests = enroll(course, [make_student(term) for _ in range(3)])
    assert queued(course) == set(requests)

    settle_ready(1.0)

    assert queued(course) == set()
    assert ready() == []


def test_ghosts_leave_the_index_even_when_nothing_is_pending(term: Term, course: Offering) -> None:
    """Ids that a lost message or a restored Redis brought back count in no line for long."""
    ghosts = enroll(course, [make_student(term) for _ in range(2)])
    settle_all()
    mailbox.post([(course.pk, ghost) for ghost in ghosts])

    report = settle_ready(1.0)

    assert report == Report((), 0, 0, report.milliseconds)
    assert mailbox.depth(course.pk) == 0


def test_ghosts_before_the_head_leave_the_index_with_it(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one settlement failed to remove, the next one of that line does."""
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    ghost, decided, waiting = enroll(course, [make_student(term) for _ in range(3)])
    with monkeypatch.context() as redis_is_away:
        redis_is_away.setattr(mailbox, "settled", lambda lines: list(lines))
        settle([course.pk])
    assert queued(course) == {ghost, decided, waiting}

    settle([course.pk])

    assert queued(course) == {waiting}


def one_more_in_between(patch: pytest.MonkeyPatch, course: Offering) -> list[int]:
    """Accept a request after the rows were asked and before Redis is tidied."""
    later: list[int] = []
    settled = mailbox.settled

    def accept_then_tidy(lines: Iterable[Line]) -> None:
        seen = list(lines)
        if not later:
            later.extend(enroll(course, [make_student(course.term)]))
        settled(seen)

    patch.setattr(mailbox, "settled", accept_then_tidy)
    return later


def test_a_request_queued_while_redis_is_tidied_stays_in_the_index(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    enroll(course, [make_student(term)])
    later = one_more_in_between(monkeypatch, course)

    settle([course.pk])

    assert queued(course) == set(later)


def test_tidied_without_a_bound_a_live_request_falls_out_of_the_index(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    enroll(course, [make_student(term)])
    reach = facts.reach
    monkeypatch.setattr(facts, "reach", lambda *args: reach(*args)._replace(drawn=10**9))
    later = one_more_in_between(monkeypatch, course)

    settle([course.pk])

    assert later
    assert queued(course) == set()


# The bell -------------------------------------------------------------------------------------


def test_no_more_is_rung_than_settlers_can_answer(term: Term, course: Offering) -> None:
    for _ in range(10):
        enroll(course, [make_student(term)])

    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) == settings.REGISTRAR["SETTLE_SLOTS"]


def test_a_line_of_thirty_thousand_is_put_back_and_rung_for(database: None) -> None:
    """In one call it would take longer than a call may, and nobody would ring."""
    mailbox.post([(n % 3, n) for n in range(30_000)])

    assert [mailbox.depth(offering) for offering in range(3)] == [10_000] * 3
    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) == 1


def test_a_settler_whose_time_is_up_rings_for_the_next(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    monkeypatch.setattr(mailbox, "RELIEF_SECONDS", 0)
    enroll(course, [make_student(term) for _ in range(3)])
    mailbox.client().delete(mailbox.SETTLE_QUEUE)
    after(monkeypatch, settlement, "settle", lambda: time.sleep(0.2))

    settle_ready(0.2)

    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) >= 1
    assert Pending.objects.count() == 2


def test_a_settler_whose_time_is_up_goes_on_while_nobody_comes(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_BATCH", 1)
    enroll(course, [make_student(term) for _ in range(3)])
    mailbox.client().delete(mailbox.SETTLE_QUEUE)
    left: list[int] = []
    after(monkeypatch, settlement, "settle", lambda: time.sleep(0.1))
    after(monkeypatch, mailbox, "wake", lambda: left.append(Pending.objects.count()))

    settle_ready(0.1)

    assert Pending.objects.count() == 0
    assert left == [2]  # once, and as soon as its time was up


def test_a_settler_is_relieved_by_one_that_has_settled_something(term: Term) -> None:
    course, other = make_offering(term), make_offering(term)
    mailbox.take("old", Turn.ON)
    mailbox.take("old", Turn.OVER)

    def taken(settler: str, turn: Turn) -> list[int]:
        enroll(course if turn is Turn.OVER else other, [make_student(term)])
        return list(mailbox.take(settler, turn))

    assert taken("new", Turn.FIRST) == [other.pk]
    assert taken("old", Turn.OVER) == [course.pk]  # the new one is not back yet
    assert taken("new", Turn.ON) == [other.pk]
    assert taken("old", Turn.OVER) == []


def test_a_settler_whose_time_is_up_ends_its_duty_when_it_leaves(
    term: Term, course: Offering
) -> None:
    mailbox.take("old", Turn.ON)
    mailbox.take("old", Turn.OVER)
    enroll(course, [make_student(term)])
    assert rung() == 0

    mailbox.leave("old")

    assert rung() == 1


def test_a_settler_that_found_nothing_left_does_not_ring(term: Term, course: Offering) -> None:
    enroll(course, [make_student(term)])
    mailbox.client().delete(mailbox.SETTLE_QUEUE)

    settle_ready(1.0)

    assert mailbox.client().llen(mailbox.SETTLE_QUEUE) == 0


def rung() -> int:
    """How many settle messages there are; none afterwards."""
    redis = mailbox.client()
    length = int(redis.llen(mailbox.SETTLE_QUEUE))
    redis.delete(mailbox.SETTLE_QUEUE)
    return length


def test_nobody_is_rung_for_while_a_settler_is_about_to_come_back(
    term: Term, course: Offering
) -> None:
    mailbox.take("somebody")
    enroll(course, [make_student(term)])
    assert rung() == 0

    mailbox.leave("somebody")
    assert rung() == 1
    enroll(course, [make_student(term)])
    assert rung() == 1


def test_more_than_the_settler_on_duty_will_take_is_rung_for(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_OFFERINGS", 2)
    mailbox.take("somebody")
    for _ in range(2):
        enroll(make_offering(term), [make_student(term)])
    assert rung() == 0

    enroll(make_offering(term), [make_student(term)])
    assert rung() == 1


def test_a_settler_that_does_not_come_back_is_believed_for_half_a_second(
    term: Term, course: Offering
) -> None:
    mailbox.take("somebody")
    enroll(course, [make_student(term)])
    time.sleep(mailbox.DUTY_SECONDS)

    enroll(course, [make_student(term)])

    assert rung() == 1


def test_a_settlement_that_fails_ends_its_settlers_duty(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise RuntimeError

    enroll(course, [make_student(term)])
    rung()
    monkeypatch.setattr(facts, "read_line", fail)

    with pytest.raises(RuntimeError):
        settle_ready(1.0)

    assert rung() == 1


def test_whoever_finds_another_on_duty_leaves_it_to_them(term: Term, course: Offering) -> None:
    mailbox.take("somebody")
    enroll(course, [make_student(term)])

    assert list(mailbox.take("another")) == []
    assert list(mailbox.take("somebody")) == [course.pk]


def test_two_settle_while_more_is_ready_than_one_takes(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_OFFERINGS", 1)
    courses = [make_offering(term) for _ in range(4)]
    mailbox.take("somebody")
    for course in courses:
        enroll(course, [make_student(term)])

    taken = [mailbox.take(name) for name in ("another", "somebody", "another", "somebody")]

    assert [list(some) for some in taken] == [[course.pk] for course in courses[:3]] + [[]]
    assert list(mailbox.take("another")) == [courses[3].pk]


def test_a_settler_with_nothing_to_do_waits_a_moment_for_the_next(
    term: Term, course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "LINGER_SECONDS", 0.09)
    student = make_student(term)

    def come() -> list[int]:
        time.sleep(0.02)
        return enroll(course, [student])

    [taken, _] = together(lambda: list(mailbox.take("somebody")), come)

    assert taken == [course.pk]


def test_a_busy_course_is_not_moved_back_by_what_comes_later(
    term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready courses are taken by their lowest pending id, however often they are rung for."""
    monkeypatch.setitem(settings.REGISTRAR, "SETTLE_OFFERINGS", 1)
    busy, other = make_offering(term), make_offering(term)
    enroll(busy, [make_student(term)])
    enroll(other, [make_student(term)])
    enroll(busy, [make_student(term)])

    assert list(mailbox.take("somebody")) == [busy.pk]
