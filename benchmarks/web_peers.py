"""Views that a reader would compare ours with: nothing, an insert by the ORM, a task a request."""

from hashlib import sha256
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone

from benchmarks import textbook
from courses.models import Offering
from enrollment.api.door import StudentView
from enrollment.models import Pending, Request, StudentTerm
from enrollment.vocabulary import Kind
from registrar.api import answer


class Nothing(StudentView):
    """Our middleware and login, and an answer."""

    def post(self, request: Any, course_id: str) -> HttpResponse:
        return answer({"course": course_id}, code=202)


class InsertByOrm(StudentView):
    """The rows that our endpoint writes, with their constraints, by their models.

    It looks up neither window nor budget, and knows no double click: so much the better for it.
    """

    def post(self, request: Any, course_id: str) -> HttpResponse:
        return answer({"id": self.insert(request, course_id)}, code=202)

    def insert(self, request: Any, course_id: str) -> int:
        """The request's id, committed."""
        offering = Offering.objects.get(course_id=course_id)
        student, term = self.student.pk, offering.term_id
        with transaction.atomic():
            made = Request.objects.create(
                kind=Kind.ENROLL,
                actor=self.student.actor,
                key=request.META["HTTP_IDEMPOTENCY_KEY"],
                body_hash=sha256(request.body).digest(),
                student_id=student,
                term_id=term,
                offerings=[offering.pk],
                body={"offering": offering.pk},
                accepted_at=timezone.now(),
            )
            Pending.objects.create(offering=offering, request_id=made.pk, student_id=student)
            StudentTerm.objects.get_or_create(
                student_id=student, term_id=term, defaults={"credits": 0, "max_credits": 12}
            )
        return made.pk


class Textbook(InsertByOrm):
    """The same, and a message for a Celery task that decides this one request."""

    def post(self, request: Any, course_id: str) -> HttpResponse:
        made = self.insert(request, course_id)
        textbook.enroll.apply_async((made,), retry=False)
        return answer({"id": made}, code=202)
