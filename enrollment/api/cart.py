"""The cart: fill it before the window opens, then ask for all of it at once."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from enrollment import cart, directory, intake, queries
from enrollment.cart import Item
from enrollment.directory import Listed
from enrollment.queries import SentWith
from enrollment.requests import Accepted, Answer, Submission
from enrollment.vocabulary import Kind
from registrar.api import Sent, answer, read_body
from registrar.problems import Problem, invalid

from . import schemas
from .door import (
    REQUESTS,
    Asker,
    Place,
    StudentView,
    closed,
    find,
    in_line,
    read_headers,
    read_section,
    receipt,
    refusal,
    said,
)

_UNIT = "\x1f"
"""Between a cart's key and an offering: no client can send it, so no key of theirs is like it."""


class Cart(StudentView):
    @extend_schema(
        tags=["cart"],
        operation_id="my_cart",
        summary="What is in my cart",
        responses={(200, "application/json"): schemas.Cart, **schemas.problems(401, 403)},
    )
    def get(self, request: Request) -> HttpResponse:
        return answer({"results": [_shown(item) for item in cart.items(self.student.pk)]})


class CartItem(StudentView):
    """A course in the cart. POST does what PUT does, for clients that know no PUT."""

    @extend_schema(
        tags=["cart"],
        operation_id="put_into_cart",
        summary="Put a course into the cart, or change the section wanted",
        parameters=[schemas.COURSE],
        request=schemas.WantedSection,
        responses={
            (201, "application/json"): OpenApiResponse(schemas.Cart, description="It is in."),
            (200, "application/json"): OpenApiResponse(schemas.Cart, description="It was in."),
            **schemas.problems(401, 403, 404, 422),
        },
    )
    def put(self, request: Request, course_id: str) -> HttpResponse:
        body = read_body(request, ("section",))
        wanted = find(course_id, self.student, Kind.ENROLL)
        number = read_section(body.get("section"), wanted.code)
        try:
            new = cart.put(self.student.pk, wanted.offering, number)
        except cart.NoSection:
            raise said("SECTION_UNKNOWN", section=body["section"]) from None
        except cart.Full:
            raise said("CART_FULL") from None
        items = [_shown(item) for item in cart.items(self.student.pk)]
        return answer({"results": items}, code=201 if new else 200)

    @extend_schema(
        tags=["cart"],
        operation_id="add_to_cart",
        summary="The same as PUT",
        parameters=[schemas.COURSE],
        request=schemas.WantedSection,
        responses={
            (201, "application/json"): OpenApiResponse(schemas.Cart, description="It is in."),
            (200, "application/json"): OpenApiResponse(schemas.Cart, description="It was in."),
            **schemas.problems(401, 403, 404, 422),
        },
    )
    def post(self, request: Request, course_id: str) -> HttpResponse:
        return self.put(request, course_id)

    @extend_schema(
        tags=["cart"],
        operation_id="take_out_of_cart",
        summary="Take a course out of the cart",
        parameters=[schemas.COURSE],
        responses={
            204: OpenApiResponse(description="It is not in the cart."),
            **schemas.problems(401, 403, 404),
        },
    )
    def delete(self, request: Request, course_id: str) -> HttpResponse:
        found = find(course_id, self.student, Kind.ENROLL)
        cart.take_out(self.student.pk, found.offering)
        return HttpResponse(status=204)


class CartEnroll(StudentView):
    @extend_schema(
        tags=["registration"],
        operation_id="enroll_from_cart",
        summary="Ask for a seat in every course of the cart",
        description="One request a course, or with `all_or_nothing` one for them all. The courses "
        "for which no request was accepted are in `declined`; when that is all of them, the first "
        "reason is the answer.",
        parameters=schemas.HEADERS,
        request=schemas.CartOrder,
        responses=schemas.accepted(schemas.CartTaken),
    )
    def post(self, request: Request) -> HttpResponse:
        student, sent = self.student, read_headers(request)
        order = Order(student, read_together(request), sent.key)
        if sent.key and (
            before := order.sent(queries.sent_with([order.sent_with])[order.sent_with])
        ):
            return _answer(queries.requests(student.pk, ids=before), [], sent.wait)
        submissions = order.submissions(cart.items(student.pk))
        places = [Place.of(submission) for submission in submissions]
        answers = intake.submit(submissions)
        return taken(student, submissions, places, answers, sent.wait)


def _shown(item: Item) -> dict[str, Any]:
    return {
        "offering": item.offering,
        "course": item.course,
        "code": item.code,
        "name": item.name,
        "term": item.term,
        "credits": item.credits,
        "section": item.section,
    }


def read_together(request: Sent) -> bool:
    """Whether it is all or nothing. Raises Problem."""
    together = read_body(request, ("all_or_nothing",)).get("all_or_nothing", False)
    if not isinstance(together, bool):
        raise invalid({"all_or_nothing": "must be true or false"})
    return together


class Order(NamedTuple):
    """A student's wish for all that is in the cart: all or nothing, or each for itself."""

    student: Asker
    together: bool
    key: str

    @property
    def sent_with(self) -> SentWith:
        return SentWith(self.student.actor, self.key + _UNIT)

    def sent(self, before: Iterable[tuple[int, str]]) -> list[int]:
        """What it became when it was sent before with this key, whatever is in the cart by now.

        Raises Problem when the key was of another order.
        """
        if any((kind == Kind.BUNDLE) is not self.together for _, kind in before):
            raise said("KEY_REUSED")
        return [request for request, _ in before]

    def submissions(self, items: Sequence[Item]) -> list[Submission]:
        """One for each course of a term open for the student, or one for them all.

        Raises Problem.
        """
        wanted = self._wanted(items)
        return [self._bundle(wanted)] if self.together else [self._single(i) for i in wanted]

    def _wanted(self, items: Sequence[Item]) -> list[Item]:
        student = self.student
        terms = directory.terms_for(student.cohort, Kind.BUNDLE, directory.now())
        if not terms:
            raise closed(student, Kind.BUNDLE, terms)
        wanted = [item for item in items if item.term_id in terms]
        if not wanted:
            raise said("CART_EMPTY")
        if self.together and any(item.number for item in wanted):
            raise said("CART_PINNED")
        if self.together and len(cart.terms(wanted)) > 1:
            raise said("CART_TERMS")
        return wanted

    def _bundle(self, items: Sequence[Item]) -> Submission:
        offerings = [item.offering for item in items]
        return Submission(
            Kind.BUNDLE,
            self.student.actor,
            self.student.pk,
            items[0].term_id,
            tuple(sorted(offerings)),
            {"offerings": offerings},
            self.key and self.key + _UNIT,
        )

    def _single(self, item: Item) -> Submission:
        return Submission(
            Kind.ENROLL,
            self.student.actor,
            self.student.pk,
            item.term_id,
            (item.offering,),
            {"offering": item.offering} | ({"section": item.number} if item.number else {}),
            self.key and f"{self.key}{_UNIT}{item.offering}",
        )


def taken(
    student: Asker,
    submissions: Sequence[Submission],
    places: Sequence[Place],
    answers: Sequence[Answer],
    wait: int,
) -> HttpResponse:
    """Answer for all: what is in line (or decided), and what was not accepted and why.

    Raises Problem when that is all of them.
    """
    listed = directory.labels([o for submission in submissions for o in submission.offerings])
    asked: list[queries.Asked] = []
    declined: list[tuple[Listed, Problem]] = []
    for submission, place, said_at_the_door in zip(submissions, places, answers, strict=True):
        body = submission.body
        courses = [listed[o] for o in body.get("offerings") or (body["offering"],)]
        if isinstance(said_at_the_door, Accepted):
            asked.append(in_line(said_at_the_door, submission, courses, place))
        else:
            declined.append((courses[0], refusal(said_at_the_door, submission, student)))
    if not asked:
        raise declined[0][1]
    ids = [each.id for each in asked]
    if wait:
        intake.wait_for(ids, wait)
    if wait or any(isinstance(a, Accepted) and a.replayed for a in answers):
        asked = queries.requests(student.pk, ids=ids)
    return _answer(asked, declined, wait)


def _answer(
    asked: Sequence[queries.Asked], declined: Iterable[tuple[Listed, Problem]], wait: int
) -> HttpResponse:
    in_order = sorted(asked, key=lambda each: each.id)
    ids = ",".join(str(each.id) for each in in_order)
    refused = [
        {
            "course": course.code,
            "code": why.code,
            "sentence": why.title,
            "remedy": why.remedy,
            "facts": why.facts,
        }
        for course, why in declined
    ]
    location = f"{REQUESTS}?ids={ids}" if len(in_order) > 1 else f"{REQUESTS}{ids}/"
    return receipt({"requests": in_order, "declined": refused}, in_order, location, wait)
