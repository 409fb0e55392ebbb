"""Every address, every method, every role: allowed or refused as the matrix says (S1-100, T41).

The addresses come from the URL configuration, what each needs from `tests.routes`, who has it from
the matrix. Everything is really asked of the site, with a record of our department where an
address names one.
"""

from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib import admin
from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

from registrar.accounts.matrix import ROWS, Scope
from registrar.accounts.roles import Role
from tests import routes
from tests.everybody import AUTHOR, CAST, HEAD, OURS, Person, World, make_world
from tests.routes import Route
from tests.source import ours

QUERY = {
    "/admin/autocomplete/": {
        "app_label": "courses",
        "model_name": "offering",
        "field_name": "course",
    },
}
ALLOWED, REFUSED = "allowed", "refused"
_CANNOT_BE_USED = (400, 409, 412, 415, 422, 428)
"""Past the door: what was sent is looked at, and is of no use."""
_LEADS_NOWHERE = frozenset(
    {
        "GET /admin/r/<path:content_type_id>/<path:object_id>/",
        "GET /admin/<url>",
        "GET /api/catalog/plan/",
    }
)
"""Past the door too: there is no such page, or nothing of one's own on it."""
_HIDDEN = (
    "/api/catalog/proposals/<",
    "/api/catalog/delegations/<",
    "/admin/courses/proposal/<",
)
"""Who may not see one of these is not told that it exists."""


@pytest.fixture(scope="module")
def world(empty: Callable[[], None], django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        empty()
        yield make_world()
        connections.close_all()


def expected(person: Person, route: Route) -> str:
    """What the two tables say together."""
    needs = routes.needed(route)
    in_admin = person.role not in (None, Role.STUDENT)
    if route.path.startswith("/admin/") and not in_admin and needs != routes.ANYBODY:
        return REFUSED
    said = {
        routes.ANYBODY: True,
        routes.NOBODY: False,
        routes.SIGNED_IN: person.signed_in,
        routes.STUDENTS: person.role is Role.STUDENT,
        routes.STAFF: in_admin,
        routes.WHOSE_TURN: person.name == HEAD,
        routes.INVOLVED: person.name in (AUTHOR, HEAD),
    }
    if needs in said:
        return ALLOWED if said[needs] else REFUSED
    [row] = [row for row in ROWS if row.permission == needs]
    scope = row.of(person.role) if person.role else Scope.NOTHING
    names_a_record = "<" in route.path
    may = (
        Scope.EVERYTHING in scope
        or (Scope.CURRENT in scope)  # every record of the cast is current
        or (Scope.DEPARTMENT in scope and (not names_a_record or person.department == OURS))
        or (Scope.MINE in scope and (not names_a_record or person.name == AUTHOR))
    )
    return ALLOWED if may else REFUSED


def answered(world: World, person: Person, route: Route) -> str:
    """What the site says. Whatever it did is undone."""
    client = world.clients[person.name]
    cookies = SimpleCookie(client.cookies)
    headers = {"if-match": f'"{world.ids["revision"]}"'}
    if route.path.startswith("/api/") and person.signed_in:
        headers["authorization"] = f"Token {client.defaults['REGISTRAR_TOKEN']}"
    with transaction.atomic():
        response = client.generic(route.method, world.path(route), headers=headers, **_sent(route))
        transaction.set_rollback(True)
    client.cookies = cookies
    return _meaning(route, response)


def _sent(route: Route) -> dict[str, Any]:
    if route.path in QUERY:
        return {"QUERY_STRING": "&".join(f"{k}={v}" for k, v in QUERY[route.path].items())}
    if route.path.startswith("/admin/") and route.method == "POST":
        return {"content_type": "application/x-www-form-urlencoded"}
    return {}


def _meaning(route: Route, response: Any) -> str:
    status = response.status_code
    to_sign_in = status == 302 and response["Location"].startswith("/admin/login/")
    if status in (401, 403, 405) or to_sign_in:
        return REFUSED
    if status < 400 or status in _CANNOT_BE_USED:
        return ALLOWED
    if status == 404 and str(route) in _LEADS_NOWHERE:
        return ALLOWED
    if status == 404 and route.path.startswith(_HIDDEN):
        return REFUSED
    return f"{status}"


@pytest.mark.requirement("S1-99", "S1-100")
@pytest.mark.parametrize("person", CAST, ids=lambda person: person.name)
def test_every_address_answers_everybody_as_the_matrix_says(world: World, person: Person) -> None:
    asked = [route for route in routes.routes() if routes.needed(route)]

    wrong = [
        f"{route}: {said}, not {expected(person, route)}"
        for route in asked
        if (said := answered(world, person, route)) != expected(person, route)
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.requirement("S1-100")
def test_an_address_without_a_row_fails() -> None:
    assert [str(route) for route in routes.routes() if routes.needed(route) is None] == []


def test_there_is_a_record_to_ask_every_page_about(world: World) -> None:
    assert [name for name, pk in world.ids.items() if pk is None] == []


def test_a_row_without_an_address_is_taken_down() -> None:
    there = {str(route) for route in routes.routes()}
    models = {model._meta.label_lower for model in admin.site._registry}

    assert sorted(routes.ROUTES.keys() - there) == []
    assert sorted(routes.WRITES.keys() - models) == []


def test_every_permission_that_an_address_needs_has_its_row() -> None:
    permissions = {row.permission for row in ROWS}
    needed = {routes.needed(route) for route in routes.routes()} - {None}

    assert sorted(str(each) for each in needed - permissions - routes.WORDS) == []


def test_a_permission_that_nothing_asks_for_is_taken_down() -> None:
    """By an address, by a page of a model or a table in one, by name, or by a proposal's steps."""
    inlines = {i.model for page in admin.site._registry.values() for i in page.inlines}
    models = {model._meta.label_lower for model in (*admin.site._registry, *inlines)}
    needed = {routes.needed(route) for route in routes.routes()}
    by_steps = {"courses.approve_course", "courses.reverse_proposal"}
    text = "".join(each.text for each in ours() if each.path != "registrar/accounts/matrix.py")

    unasked = [
        row.permission
        for row in ROWS
        if row.permission not in needed | by_steps
        and f'"{row.permission}"' not in text
        and not _of_a_page(row.permission, models)
    ]

    assert unasked == []


def _of_a_page(permission: str, models: set[str]) -> bool:
    app, _, named = permission.partition(".")
    verb, _, model = named.partition("_")
    return verb in ("view", "add", "change", "delete") and f"{app}.{model}" in models
