"""The textbook's design: one Celery task a request, and a transaction that locks with
`select_for_update`.

It works on our tables under our constraints, writes the audit entry with its hash, the outcome
and the place in line as we do, and has what tuning there is: connections kept between tasks, no
task events, publishing over one connection. What it leaves out is in its favour: it keeps no
facts to decide again from, and promotes nobody from a waitlist.
"""

import time
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from benchmarks import campus, databases, truths, workers
from benchmarks.contender import Run
from benchmarks.textbook_app import app
from benchmarks.workers import Crew
from courses.models import Offering, Section, section_code
from courses.timetable import Meets, overlap
from enrollment import mailbox
from enrollment.models import (
    Enrollment,
    Outcome,
    Pending,
    Request,
    StudentTerm,
    WaitlistEntry,
)
from enrollment.vocabulary import Event, Result
from registrar.audit.log import Draft, append, canonical

QUEUE = "textbook"
CREW = Crew("benchmarks.textbook_app", QUEUE, workers=1, processes=2)
_LONGEST = 120


@app.task(name="benchmarks.textbook.enroll", queue=QUEUE)
def enroll(request_id: int) -> None:
    decide(request_id)


def publish(request_ids: Sequence[int]) -> None:
    """One message each, over one connection."""
    with app.producer_pool.acquire(block=True) as producer:
        for request_id in request_ids:
            enroll.apply_async((request_id,), producer=producer, retry=False)


# The transaction ----------------------------------------------------------------------------


def decide(request_id: int) -> None:
    """Seat, waitlist or refuse one ENROLL. A second delivery finds it decided and does nothing."""
    with transaction.atomic():
        request = Request.objects.select_related("student").get(pk=request_id)
        # Without `no_key` intake's foreign-key checks would wait for the lock.
        offerings = Offering.objects.select_for_update(no_key=True, of=("self",))
        offering = offerings.select_related("course").get(pk=request.offerings[0])
        loads = StudentTerm.objects.select_for_update(no_key=True)
        load = loads.get(student=request.student, term_id=request.term_id)
        if not Pending.objects.filter(request_id=request_id, offering=offering).delete()[0]:
            return
        result, code = _decide(request, offering, load)
        _write_history(request, offering, result, code)


def _decide(request: Request, offering: Offering, load: StudentTerm) -> tuple[Result, str]:
    seats = Enrollment.objects.filter(student_id=load.student_id, active=True)
    own = list(seats.values_list("offering_id", "term_id", "meets"))
    waits = WaitlistEntry.objects.filter(
        student_id=load.student_id, offering=offering, state=WaitlistEntry.State.WAITING
    )
    if any(seat[0] == offering.pk for seat in own) or waits.exists():
        return Result.REFUSED, "ALREADY"
    if load.credits + offering.course.credit > load.max_credits:
        return Result.REFUSED, "CREDITS"
    busy = [meets for _, term, meets in own if term == load.term_id]
    section = _with_room(offering, busy) or _open(offering)
    if section is None:
        _wait(request, load, offering)
        return Result.WAITLISTED, "WAITLISTED"
    _seat(request, load, section)
    return Result.ENROLLED, "ENROLLED"


def _with_room(offering: Offering, busy: Sequence[Meets]) -> Section | None:
    rooms = Section.objects.filter(offering=offering, taken__lt=F("enrollment_limit"))
    for section in rooms.order_by("section_number"):
        if not any(overlap(section.meets, meets) for meets in busy):
            section.offering = offering
            return section
    return None


def _open(offering: Offering) -> Section | None:
    number = offering.next_number
    if offering.max_sections is not None and number > offering.max_sections:
        return None
    Offering.objects.filter(pk=offering.pk).update(next_number=number + 1)
    return Section.objects.create(
        offering=offering,
        course_id=offering.course_id,
        term_id=offering.term_id,
        section_number=number,
        code=section_code(offering.course.code, number),
        enrollment_limit=offering.section_limit,
        automatic=True,
        needs_assignment=True,
    )


def _wait(request: Request, load: StudentTerm, offering: Offering) -> None:
    WaitlistEntry.objects.create(
        request_id=request.pk,
        student_id=load.student_id,
        term_id=load.term_id,
        offering=offering,
    )
    Offering.objects.filter(pk=offering.pk).update(waiting=F("waiting") + 1)


def _seat(request: Request, load: StudentTerm, section: Section) -> None:
    offering = section.offering
    Enrollment.objects.create(
        student_id=load.student_id,
        term_id=load.term_id,
        offering=offering,
        section=section,
        credits=offering.course.credit,
        meets=section.meets,
        request_id=request.pk,
    )
    Section.objects.filter(pk=section.pk).update(taken=F("taken") + 1)
    Offering.objects.filter(pk=offering.pk).update(taken=F("taken") + 1)
    credits = F("credits") + offering.course.credit
    StudentTerm.objects.filter(pk=load.pk).update(credits=credits)


def _write_history(request: Request, offering: Offering, result: Result, code: str) -> None:
    Outcome.objects.create(
        request_id=request.pk, settlement_id=0, result=result, code=code, facts={}
    )
    body = canonical({"student": request.student_id, "result": result, "code": code})
    stream = f"offering:{offering.pk}"
    entry = Draft(stream, Event.DECIDED, request.actor, body, request=request.pk)
    with connection.cursor() as cursor:
        append(cursor, [entry], at=timezone.now())


# The contender ------------------------------------------------------------------------------


class Textbook:
    """The first requests of a workload, a message each, worked off by idle workers."""

    def __init__(self, workload: str, template: str) -> None:
        self.template = template
        self.name = f"textbook {workload}"

    def run(self, round_: int) -> Run:
        with databases.made("round", self.template) as database:
            mailbox.client().flushdb()
            ids = campus.pending_ids()
            publish(ids)
            workers.hold_back(QUEUE)
            with workers.running(CREW, app, databases.environment(database)):
                begun = time.perf_counter()
                workers.release(QUEUE)
                truths.until_decided(_LONGEST)
                seconds = time.perf_counter() - begun
            truths.check(fill_in_order=False)
        return Run(self.name, round_, len(ids), seconds, {"sample": len(ids)})
