"""Whatever is sent to the catalogue, the answer is a problem that says so, and nothing is written.

The addresses come from the URL configuration. For each that is sent something, `tests.accepted` has
a body that is accepted; then every field of it is made odd, one by one, and so are the path, the
query and the headers.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests.accepted import CATALOG, Case, Faults, make_case
from tests.routes import Route, routes

ODD: tuple[Any, ...] = (
    None,
    True,
    "",
    " \t ",
    "a\0b",
    "\ud800",
    "\x1b[31m",
    "x" * 5000,
    "1e999",
    -1,
    0,
    2**31,
    2**63,
    10**400,
    1.5,
    [],
    [None],
    [{}],
    [[]],
    [-1, 2**70],
    {"id": 1},
)
BODIES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 5000,
    b'{"name": NaN}',
    b'{"name": 1e999, "credit": -1e999}',
    b'{"": 1, "\\u0000": 2, "\\ud800": 3}',
    b'{"name": "' + b"x" * 1_000_000 + b'"}',
)
TEXTS = ("", "\0", "x" * 3000, "-1", "0", "9" * 40, "NaN", "1e999", "[]", "\u202e", "%ff", "'\"\\")
ASKED = (
    *("box", "code", "course", "credit", "cursor", "department", "discipline", "instructor"),
    *("page", "page_size", "q", "search", "semester_type", "stage", "state", "term", "to", "year"),
)
HEADERS: tuple[dict[str, str], ...] = (
    {"if-match": ""},
    {"if-match": "*"},
    {"if-match": '"0"'},
    {"if-match": 'W/"99999999999999999999"'},
    {"if-match": "\xff" * 300},
    {"if-none-match": '"x", \xff'},
    {"content-type": "text/xml"},
    {"content-type": "application/json; charset=utf-7"},
    {"content-type": "multipart/form-data; boundary=x"},
    {"accept": "image/png"},
    {"accept-language": "\xff" * 100},
    {"authorization": "Token \xff"},
    {"authorization": "Token"},
    {"authorization": "Basic Og=="},
)


@pytest.fixture(scope="module")
def case(empty: Callable[[], None], django_db_blocker: DjangoDbBlocker) -> Iterator[Case]:
    with django_db_blocker.unblock():
        empty()
        yield make_case()
        connections.close_all()


ROUTES = [each for each in routes() if each.path.startswith(CATALOG)]
WRITES = [each for each in ROUTES if each.method in ("POST", "PUT", "PATCH")]


def _named(route: Route) -> str:
    return str(route).replace(CATALOG, "")


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


@pytest.mark.parametrize("route", WRITES, ids=_named)
def test_there_is_a_body_that_is_accepted(case: Case, route: Route) -> None:
    faults = Faults()
    raw = _json(case.sent[str(route)])

    status = faults.look(route, lambda: case.ask(route, case.path(route), raw))

    faults.none()
    assert status < 400


@pytest.mark.parametrize("route", WRITES, ids=_named)
def test_every_field_may_be_odd(case: Case, route: Route) -> None:
    faults, path, whole = Faults(), case.path(route), case.sent[str(route)] or {}
    bodies = [{**whole, name: odd} for name in (*whole, "unknown") for odd in ODD]
    bodies += [{name: whole[name] for name in whole if name != left} for left in whole]

    for body in bodies:
        raw = _json(body)
        faults.look(raw[-300:], lambda raw=raw: case.ask(route, path, raw))  # type: ignore[misc]

    faults.none()


@pytest.mark.parametrize("route", WRITES, ids=_named)
def test_the_body_may_be_anything(case: Case, route: Route) -> None:
    faults, path = Faults(), case.path(route)

    for raw in BODIES:
        faults.look(raw[:40], lambda raw=raw: case.ask(route, path, raw))  # type: ignore[misc]

    faults.none()


@pytest.mark.parametrize("route", ROUTES, ids=_named)
def test_the_address_may_name_what_is_not_there(case: Case, route: Route) -> None:
    faults, raw = Faults(), _json(case.sent.get(str(route)))
    right = case.path(route)
    numbers = [found.span() for found in re.finditer(r"(?<=/)\d+(?=/)", right)]

    for start, end in numbers:
        for odd in (
            "0",
            "-1",
            "999",
            "007",
            str(2**31),
            str(2**63),
            "9" * 400,
            "x",
            "%00",
            "\u0663",
        ):
            path = f"{right[:start]}{odd}{right[end:]}"
            faults.look(path, lambda path=path: case.ask(route, path, raw))  # type: ignore[misc]

    faults.none()


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=_named)
def test_the_query_may_be_anything(case: Case, route: Route) -> None:
    faults, path = Faults(), case.path(route)

    for name in ASKED if "<" not in route.path else ("to", "year", "semester_type"):
        for odd in TEXTS:
            asked = f"{path}?{urlencode({name: odd})}"
            faults.look(asked, lambda asked=asked: case.ask(route, asked))  # type: ignore[misc]

    faults.none()


@pytest.mark.parametrize("route", ROUTES, ids=_named)
def test_the_headers_may_be_anything(case: Case, route: Route) -> None:
    faults, path, raw = Faults(), case.path(route), _json(case.sent.get(str(route)))

    for odd in HEADERS:
        faults.look(odd, lambda odd=odd: case.ask(route, path, raw, **odd))  # type: ignore[misc]

    faults.none()
