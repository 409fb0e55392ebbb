"""The role claim holds for one transaction of one user, and for nothing after it."""

import random
from collections.abc import Sequence
from functools import partial

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import DatabaseError, close_old_connections, transaction
from django.test import Client, RequestFactory

from courses.models import Department
from registrar.accounts import claims
from registrar.accounts.claims import ADMIN, NOBODY, claim, claim_role, claimed_by
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import TokenAuthentication, make_tokens
from tests.departments import as_role, make_department, member, sql
from tests.factories import make_user
from tests.races import together

USERS = 1_000
OVER_HTTP = 300
LANES = 4
"""Connections that the users share."""

Cast = list[tuple[int, bool]]
"""Users by id, and whether each may write."""


def claimed() -> str:
    [(role,)] = sql("SELECT coalesce(current_setting('app.role', true), '')")
    return str(role)


def writes() -> bool:
    """Whether this transaction may write a department, as things are."""
    try:
        with transaction.atomic():
            return bool(Department.objects.update(name="Written"))
    except DatabaseError:
        return False


# One claim ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("role", list(Role))
def test_the_registrar_and_the_admin_claim_to_be_admin_and_nobody_else_does(role: Role) -> None:
    expected = ADMIN if role in (Role.ADMIN, Role.REGISTRAR) else NOBODY

    assert claimed_by(member(role)) == expected


@pytest.mark.usefixtures("database")
def test_who_has_left_or_never_signed_in_claims_nothing() -> None:
    gone = member(Role.ADMIN)
    gone.is_active = False
    super_gone = make_user(is_superuser=True, is_active=False)

    assert claimed_by(gone) == claimed_by(super_gone) == claimed_by(AnonymousUser()) == NOBODY
    assert claimed_by(make_user(is_superuser=True)) == ADMIN


@pytest.mark.usefixtures("database")
def test_a_claim_ends_with_its_transaction_however_that_ends() -> None:
    registrar = member(Role.REGISTRAR)

    with claim(registrar) as role:
        inside = claimed()
    after_success = claimed()
    with pytest.raises(ZeroDivisionError), claim(registrar):
        _ = 1 / 0
    after_an_error = claimed()
    with pytest.raises(DatabaseError), claim(registrar):
        sql("SELECT nothing")

    assert (role, inside) == (ADMIN, ADMIN)
    assert after_success == after_an_error == claimed() == NOBODY


@pytest.mark.usefixtures("database")
def test_a_claim_within_another_gives_way_to_it_again() -> None:
    registrar, faculty = member(Role.REGISTRAR), member(Role.FACULTY)
    seen = []

    with transaction.atomic():
        with claim(registrar):
            with claim(faculty):
                seen.append(claimed())
            seen.append(claimed())
            with pytest.raises(ZeroDivisionError), claim(faculty):
                _ = 1 / 0
            seen.append(claimed())
        seen.append(claimed())

    assert seen == [NOBODY, ADMIN, ADMIN, NOBODY]


@pytest.mark.usefixtures("database")
def test_a_command_of_the_owner_claims_a_role_by_name() -> None:
    with claim_role(ADMIN):
        assert claimed() == ADMIN
    assert claimed() == NOBODY


# A thousand users on four connections ---------------------------------------------------------


@pytest.fixture
def cast(database: None) -> Cast:
    """A thousand users, a third of them in the registrar's office, in no order."""
    make_department()
    office = Group.objects.get(name=Role.REGISTRAR)
    faculty = Group.objects.get(name=Role.FACULTY)
    users = User.objects.bulk_create(User(username=f"u{number}") for number in range(USERS))
    mixed = [(user.pk, number % 3 == 0) for number, user in enumerate(users)]
    random.Random(7).shuffle(mixed)
    link = User.groups.through
    link.objects.bulk_create(
        link(user_id=pk, group_id=(office if may else faculty).pk) for pk, may in mixed
    )
    return mixed


def visits(role: str, cast: Cast, fail: random.Random) -> int:
    """Each user in turn on one connection: how often somebody had what was not theirs."""
    leaks = 0
    with as_role(role):
        for pk, may_write in cast:
            close_old_connections()  # what a request or a task begins with
            leaks += claimed() != NOBODY or writes()
            try:
                with claim(User.objects.get(pk=pk)):
                    leaks += writes() != may_write
                    if fail.random() < 0.2:
                        raise InterruptedError
            except InterruptedError:
                pass
            leaks += claimed() != NOBODY or writes()
    return leaks


@pytest.mark.requirement("S2-20")
@pytest.mark.concurrency
@pytest.mark.parametrize(("role", "count"), [("reg_web", LANES), ("reg_worker", 1)])
def test_of_a_thousand_users_on_shared_connections_none_has_anothers_claim(
    cast: Cast, role: str, count: int
) -> None:
    """Web threads, and a worker's tasks one after the other."""

    calls = [partial(visits, role, cast[lane::count], random.Random(lane)) for lane in range(count)]

    assert sum(together(*calls)) == 0


@pytest.mark.concurrency
def test_a_claim_for_the_session_would_leak(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without `is_local` the same visits find it."""
    monkeypatch.setattr(claims, "_CLAIM", "SELECT set_config('app.role', %s, false)")

    own = cast[:60]
    admins = sum(may_write for _, may_write in own)

    assert visits("reg_web", own, random.Random(0)) > admins


# Through the site -----------------------------------------------------------------------------


def requests(cast: Sequence[tuple[str, bool]], path: str) -> list[str]:
    """Each user changes the department over HTTP; what was not as it should be."""
    wrong = []
    with as_role("reg_web"):
        for number, (token, may_write) in enumerate(cast):
            client = Client(headers={"authorization": f"Token {token}"})
            response = client.patch(path, {"name": f"N{number}"}, content_type="application/json")
            if response.status_code != (200 if may_write else 403):
                wrong.append(f"{response.status_code} {response.content!r}")
            if claimed() != NOBODY or writes():
                wrong.append("a claim outlived its request")
    return wrong


@pytest.fixture
def signed_in(cast: Cast) -> list[tuple[str, bool]]:
    own = cast[:OVER_HTTP]
    users = User.objects.in_bulk([pk for pk, _ in own])
    tokens = make_tokens([users[pk] for pk, _ in own])
    return [(token, may_write) for token, (_, may_write) in zip(tokens, own, strict=True)]


@pytest.mark.requirement("S2-20")
@pytest.mark.concurrency
def test_users_over_http_write_what_they_may_and_leave_no_claim(
    signed_in: list[tuple[str, bool]],
) -> None:
    path = f"/api/catalog/departments/{Department.objects.get().pk}/"

    wrong = together(*(partial(requests, signed_in[lane::LANES], path) for lane in range(LANES)))

    assert wrong == [[]] * LANES


def test_who_a_token_is_of_is_who_they_are(database: None) -> None:
    """Roles are asked of the user that the token's row makes."""
    known = make_user("ada", is_staff=True)
    [token] = make_tokens([known])
    asked = RequestFactory().get("/", headers={"authorization": f"Token {token}"})

    signed_in = TokenAuthentication().authenticate(asked)

    assert signed_in is not None
    for name in ("pk", "username", "is_active", "is_staff", "is_superuser"):
        assert getattr(signed_in[0], name) == getattr(known, name), name
