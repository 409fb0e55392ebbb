"""Plants in who may do what: a route without its permission, a record of somebody else."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny

from enrollment import queries
from enrollment.api import mine
from enrollment.api.door import IsStudent, StudentView
from enrollment.models import Request
from tests.chaos.plants.ground import CLIENT, Ground
from tests.chaos.plants.plant import Plant, swap
from tests.factories import make_offering, make_student, make_term, open_window

FOR_EVERYBODY = ("api/login/", "api/schema/", "api/docs/")


# Scenes ---------------------------------------------------------------------------------------


def every_route_as_nobody(ground: Ground) -> None:
    """Every path of the API, read off the URLconf, without a token."""
    open_window(make_term())
    port = ground.door().port
    paths = [path for path in _paths(get_resolver().url_patterns) if path.startswith("api/")]
    closed = [path for path in paths if not path.startswith(FOR_EVERYBODY)]
    if len(closed) < 10:
        raise RuntimeError(f"the scene did not come about: only {closed} are to be closed")
    for path in closed:
        reply = ground.witness.look(port, f"/{path}")
        if reply.status not in (401, 405):
            ground.complain(CLIENT, f"/{path} answered {reply.status} to nobody in particular")


def _paths(patterns: Any, before: str = "") -> Iterator[str]:
    for each in patterns:
        route = before + str(getattr(each.pattern, "_route", ""))
        if isinstance(each, URLResolver):
            yield from _paths(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield re.sub(r"<\w+:\w+>", "1", route)


def a_request_of_somebody_else(ground: Ground) -> None:
    term = make_term()
    open_window(term)
    student, other = make_student(term), make_student(term)
    port = ground.door().port
    request = ground.witness.enroll(port, student, make_offering(term), key="mine").request
    there = ground.witness.look(port, f"requests/{request}/", other).status
    nowhere = ground.witness.look(port, f"requests/{request + 1000}/", other).status
    if there != nowhere or there == 200:
        ground.complain(CLIENT, f"another's request is answered {there}, none at all {nowhere}")
    ground.settled_here()


# Patches --------------------------------------------------------------------------------------


def a_route_for_everybody() -> None:
    """Nobody in particular is shown a line of nobody's."""
    nobody = SimpleNamespace(pk=0)
    swap(StudentView, "permission_classes", lambda _: (IsStudent,))
    setattr(mine.Waitlist, "permission_classes", (AllowAny,))  # noqa: B010 - the view inherits it
    setattr(mine.Waitlist, "student", property(lambda _: nobody))  # noqa: B010


def anybodys_request() -> None:
    """It is looked up by its number alone."""

    def asking(request: Any) -> Any:
        def ask(student: int, request_id: int) -> Any:
            owner = Request.objects.filter(pk=request_id).values_list("student_id", flat=True)
            return request(owner.first() or student, request_id)

        return ask

    swap(queries, "request", asking)


PLANTS = (
    Plant(
        "route-without-permission",
        "one of the routes asks for no permission",
        every_route_as_nobody,
        frozenset({CLIENT}),
        a_route_for_everybody,
    ),
    Plant(
        "anybodys-request",
        "a request is shown to whoever knows its number",
        a_request_of_somebody_else,
        frozenset({CLIENT}),
        anybodys_request,
    ),
)
