"""The cart: fill it before the window opens, then ask for all of it at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from enrollment import cart, directory, intake, queries
from enrollment.cart import Item
from enrollment.directory import Listed
from enrollment.requests import Accepted, Answer, Submission
from enrollment.vocabulary import Kind
from registrar.api import Problem, answer, invalid, read_body

from . import schemas
from .door import (
    REQUESTS,
    Asker,
    Headers,
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
        together = read_body(request, ("all_or_nothing",)).get("all_or_nothing", False)
        if not isinstance(together, bool):
            raise invalid({"all_or_nothing": "must be true or false"})
        before = _sent_before(student.actor, sent.key, together)
        if before:
            return _answer(queries.requests(student.pk, before), [], sent.wait)
        items = _wanted(student, together)
        submissions = _submissions(student, items, sent.key, together)
        places = [Place.of(submission) for submission in submissions]
        answers = intake.submit(submissions)
        return _taken(student, submissions, places, answers, sent)


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


def _sent_before(actor: str, key: str, together: bool) -> list[int]:
    """What a cart sent with this key became, whatever is in the cart by now."""
    before = queries.sent_with(actor, key + _UNIT) if key else []
    if any((kind == Kind.BUNDLE) is not together for _, kind in before):
        raise said("KEY_REUSED")
    return [request for request, _ in before]


def _wanted(student: Asker, together: bool) -> list[Item]:
    """The courses of the cart that are of a term open for the student."""
    terms = directory.terms_for(student.cohort, Kind.BUNDLE, directory.now())
    if not terms:
        raise closed(student, Kind.BUNDLE, terms)
    items = [item for item in cart.items(student.pk) if item.term_id in terms]
    if not items:
        raise said("CART_EMPTY")
    if together and any(item.number for item in items):
        raise said("CART_PINNED")
    if together and len(cart.terms(items)) > 1:
        raise said("CART_TERMS")
    return items


def _submissions(
    student: Asker, items: Sequence[Item], key: str, together: bool
) -> list[Submission]:
    """One for each course, or one for them all."""
    if together:
        offerings = [item.offering for item in items]
        body: dict[str, Any] = {"offerings": offerings}
        touched = tuple(sorted(offerings))
        term, key = items[0].term_id, key and key + _UNIT
        return [Submission(Kind.BUNDLE, student.actor, student.pk, term, touched, body, key)]
    return [
        Submission(
            Kind.ENROLL,
            student.actor,
            student.pk,
            item.term_id,
            (item.offering,),
            {"offering": item.offering} | ({"section": item.number} if item.number else {}),
            key and f"{key}{_UNIT}{item.offering}",
        )
        for item in items
    ]


def _taken(
    student: Asker,
    submissions: Sequence[Submission],
    places: Sequence[Place],
    answers: Sequence[Answer],
    sent: Headers,
) -> HttpResponse:
    """Answer for all: what is in line (or decided), and what was not accepted and why."""
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
    if sent.wait:
        intake.wait_for(ids, sent.wait)
    if sent.wait or any(isinstance(a, Accepted) and a.replayed for a in answers):
        asked = queries.requests(student.pk, ids)
    return _answer(asked, declined, sent.wait)


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
