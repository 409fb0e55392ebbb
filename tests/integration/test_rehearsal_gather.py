"""The report's numbers: from the database, from the clients' log, and where the two disagree."""

from datetime import timedelta

import pytest

from courses.models import Offering
from enrollment import windows
from enrollment.models import Student, Window
from enrollment.rehearsal.gather import Day, gather
from enrollment.rehearsal.report import Report
from enrollment.rehearsal.scenery import Stage
from enrollment.rehearsal.witness import Evidence, Seen
from enrollment.settlement import settle
from enrollment.vocabulary import Kind
from tests.factories import ask, enroll, make_offering, make_student, make_term, open_window, submit

SECOND = 1_000_000_000


class Campus:
    """One course of two seats and sections of one, five students, and what they saw."""

    def __init__(self) -> None:
        self.term = make_term()
        self.window: Window = open_window(self.term)
        self.course: Offering = make_offering(
            self.term, code="TID101", base_limit=2, auto_create=True, section_limit=1,
            open_threshold=1, max_sections=1,
        )  # fmt: skip
        self.students: list[Student] = [make_student(self.term) for _ in range(5)]
        self.evidence = Evidence()

    def saw(self, request: int, at: int, result: str = "") -> None:
        """The client sent this request at second `at` and was answered half a second later."""
        sent = (1 + at) * SECOND
        self.evidence.requests[request] = Seen(sent, sent, sent + SECOND // 2, 0, result)

    def report(self) -> Report:
        stage = Stage(
            self.term.pk,
            self.term.code,
            [self.course.course_id],
            [self.course.pk],
            [student.pk for student in self.students],
            [],
            [],
        )
        return gather(Day("A day", "http", stage, self.window.pk, 0, lambda: self.evidence, None))


@pytest.fixture
def campus(database: None) -> Campus:
    return Campus()


def settled_day(campus: Campus) -> list[int]:
    """All five ask, in order: two base seats, one section of one, two wait."""
    requests = enroll(campus.course, campus.students)
    settle([campus.course.pk])
    return requests


def test_requests_are_counted_by_what_became_of_them(campus: Campus) -> None:
    requests = settled_day(campus)
    for at, request in enumerate(requests):
        campus.saw(request, at)

    report = campus.report()

    assert (report.accepted, report.settled, report.lost) == (5, 5, 0)
    assert report.results == {"ENROLLED": 3, "WAITLISTED": 2}
    assert report.still_waiting == 2
    assert report.sections.by_course == {"TID101": 1}
    assert report.sections.by_threshold == {1: 1}
    assert report.send_to_decision is not None
    assert report.send_to_decision.count == 5
    assert [process.requests for process in report.processes] == [5]


def test_promotions_and_refusals_have_their_reasons(campus: Campus) -> None:
    settled_day(campus)
    submit(
        ask(Kind.DROP, campus.students[0], campus.course),
        ask(Kind.DROP, campus.students[4], campus.course),
    )
    settle([campus.course.pk])

    report = campus.report()

    assert report.promoted == 1
    assert report.refused == {"NOT_ENROLLED": 1}


def test_the_order_that_clients_saw_is_the_order_of_settling(campus: Campus) -> None:
    for at, request in enumerate(settled_day(campus)):
        campus.saw(request, at)

    assert campus.report().inversions == 0


def test_an_inversion_planted_in_the_clients_log_is_counted_as_1(campus: Campus) -> None:
    requests = settled_day(campus)
    for at, request in zip((0, 2, 1, 3, 4), requests, strict=True):
        campus.saw(request, at)

    report = campus.report()

    assert report.inversions == 1
    assert "1 pairs were settled out of order" in list(report.faults(processes=1))


def test_a_request_that_a_client_was_promised_and_nobody_has_is_lost(campus: Campus) -> None:
    for at, request in enumerate(settled_day(campus)):
        campus.saw(request, at)
    campus.saw(999_999, 6)

    report = campus.report()

    assert (report.vanished, report.lost) == (1, 1)


def test_a_request_that_was_never_settled_is_lost_and_verify_says_so_too(campus: Campus) -> None:
    [request] = enroll(campus.course, campus.students[:1])
    campus.saw(request, 0)

    report = campus.report()

    assert (report.accepted, report.settled, report.lost) == (1, 0, 1)
    assert report.violations


def test_a_decision_seen_that_is_not_the_one_stored_is_a_contradiction(campus: Campus) -> None:
    requests = settled_day(campus)
    campus.saw(requests[0], 0, "ENROLLED")
    campus.saw(requests[1], 1, "WAITLISTED")

    assert campus.report().contradicted == 1


def test_requests_of_other_terms_are_not_counted(campus: Campus) -> None:
    other = make_term()
    open_window(other)
    elsewhere = make_offering(other, code="TID102")
    enroll(elsewhere, [make_student(other)])
    settle([elsewhere.pk])
    settled_day(campus)

    report = campus.report()

    assert report.accepted == 5
    assert [process.requests for process in report.processes] == [5]


def test_a_window_that_beat_did_not_announce_is_a_fault(campus: Campus) -> None:
    settled_day(campus)
    windows.advance(campus.window.pk, campus.window.opens_at, actor="user:1")

    faults = list(campus.report().faults(processes=1))

    assert "beat did not announce the opening" in faults, "somebody else did"
    assert "beat did not announce the closing" in faults


def test_what_beat_announced_is_told_with_its_delay(campus: Campus) -> None:
    settled_day(campus)
    late = timedelta(milliseconds=40)
    windows.advance(campus.window.pk, campus.window.opens_at + late)
    windows.advance(campus.window.pk, campus.window.closes_at + 2 * late)

    report = campus.report()

    assert (report.window_opened_by_beat, report.window_closed_by_beat) == (True, True)
    assert report.announced_late_ms == (40, 80)
    assert list(report.faults(processes=1)) == []
