"""A workload as rows: the term, its courses and students, and every request accepted, undecided.

Requests go in by the pipeline's own door, so that what is settled is what a day would leave.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from benchmarks.workloads import LIMIT, CourseWanted, Workload
from courses.models import Course, Offering, Section, SemesterType, Term, section_code
from enrollment import mailbox, requests
from enrollment.models import Student, Window
from enrollment.vocabulary import Kind

TERM = "BENCH"
_AT_ONCE = 500
_TRIES = 5
_STEADY = ("terms", "courses", "offerings", "sections", "students")


def build(workload: Workload) -> None:
    """Write it all into the database this process is connected to."""
    term = Term.objects.create(
        code=TERM,
        year=2026,
        semester_type=SemesterType.ODD,
        credit_maximum=workload.credit_maximum,
    )
    now = timezone.now()
    hour = timedelta(hours=1)
    Window.objects.create(term=term, name="All", opens_at=now - hour, closes_at=now + 24 * hour)
    _offer(term, workload.courses)
    # Those who were there in earlier terms stay who they are.
    Student.objects.bulk_create(
        (Student(number=student_number(nth)) for nth in range(workload.students)),
        batch_size=_AT_ONCE,
        ignore_conflicts=True,
    )
    # A university has known these for years. What the rush writes it has no statistics of.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(_STEADY))
    ask(submissions(workload))


def student_number(nth: int) -> str:
    """The university's number of the nth student of any workload, from 0."""
    return f"B{nth:06d}"


def _offer(term: Term, wanted: Sequence[CourseWanted]) -> None:
    courses = Course.objects.bulk_create(
        Course(code=f"B{nth:05d}", name=f"Course {nth}", credit=each.credits, max_seats=LIMIT)
        for nth, each in enumerate(wanted)
    )
    offerings = Offering.objects.bulk_create(
        Offering(
            course=course,
            term=term,
            base_limit=0,
            section_limit=LIMIT,
            max_sections=each.max_sections,
            next_number=2 if each.meets else 1,
        )
        for course, each in zip(courses, wanted, strict=True)
    )
    Section.objects.bulk_create(
        Section(
            offering=offering,
            course=offering.course,
            term=term,
            section_number=1,
            code=section_code(offering.course.code, 1),
            enrollment_limit=LIMIT,
            meets=each.meets,
        )
        for offering, each in zip(offerings, wanted, strict=True)
        if each.meets
    )


def submissions(workload: Workload) -> list[requests.Submission]:
    """What its students ask for, in their order, in the database that `build` has written."""
    term = Term.objects.get(code=TERM)
    offerings = list(Offering.objects.filter(term=term).order_by("pk").values_list("pk", flat=True))
    everybody = Student.objects.order_by("number").values_list("pk", flat=True)
    students = list(everybody[: workload.students])
    return [
        requests.Submission(
            Kind.ENROLL,
            f"student:{students[student]}",
            students[student],
            term.pk,
            (offerings[course],),
            {"offering": offerings[course]},
            # With a key of its own a second request for the same course is no double click.
            f"bench:{nth}",
        )
        for nth, (student, course) in enumerate(workload.asks)
    ]


def ask(submissions: Sequence[requests.Submission]) -> list[int]:
    """Accept them, and queue none of them; their ids, in order."""
    ids: list[int] = []
    for begin in range(0, len(submissions), _AT_ONCE):
        ids += accepted(requests.insert(submissions[begin : begin + _AT_ONCE]))
    return ids


def flush(submissions: Sequence[requests.Submission], at_once: int) -> int:
    """Accept them as a web process does, so many in one commit; how many there were."""
    for begin in range(0, len(submissions), at_once):
        accepted(requests.submit_now(submissions[begin : begin + at_once]))
    return len(submissions)


def accepted(answers: Iterable[requests.Answer]) -> list[int]:
    """The ids of the requests. RuntimeError where one was declined: then it is no benchmark."""
    ids = []
    for answer in answers:
        if not isinstance(answer, requests.Accepted):
            raise RuntimeError(f"a request of the benchmark was declined: {answer}")
        ids.append(answer.request)
    return ids


def queue() -> int:
    """Put every pending id into Redis, as intake does after its commit; how many there are.

    The mailbox gives up after a tenth of a second, which a busy machine may need: what must wait
    for the sweeper is no measure of settling, so this looks whether all of it arrived.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT offering_id, request_id FROM pending ORDER BY request_id")
        pairs = cursor.fetchall()
    lengths = Counter(offering for offering, _ in pairs)
    for _ in range(_TRIES):
        for begin in range(0, len(pairs), _AT_ONCE):
            mailbox.post(pairs[begin : begin + _AT_ONCE])
        if all(mailbox.depth(offering) == length for offering, length in lengths.items()):
            return len(pairs)
    raise RuntimeError("Redis does not take the ids; is it there?")


def pending_ids() -> list[int]:
    """Every pending request, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT request_id FROM pending ORDER BY request_id")
        return [request for (request,) in cursor.fetchall()]
