"""Who sits at the admin in a test: signed in to the site, and the web's role to the database."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, connections, transaction
from django.db.models import Model
from django.test import Client

from registrar.accounts.models import User
from tests.factories import make_user

ASKS = ("limits", "permit", "timetable", "pause")
"""The pages on which staff ask for a change of an offering."""


def signed_in(role: str) -> AbstractContextManager[Client]:
    return at_desk(member(role))


@contextmanager
def at_desk(user: User) -> Iterator[Client]:
    client = Client()
    client.force_login(user)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")
    try:
        yield client
    finally:
        connection.close()


def member(role: str) -> User:
    user = make_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@contextmanager
def as_owner() -> Iterator[None]:
    """What a test prepares is not the web's to write."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")


@contextmanager
def held(row: Model) -> Iterator[None]:
    """Somebody else is changing it, and whoever is at the desk waits for a moment only."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    with transaction.atomic(using="witness"):
        with connections["witness"].cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
        yield


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def form_of(client: Client, path: str) -> dict[str, Any]:
    """What the browser would send of a page's form as it is shown."""
    form = client.get(f"/admin/{path}").context["form"]
    sent: dict[str, Any] = {}
    for field in form:
        value = field.value()
        sent[field.html_name] = "" if value is None else value
        if field.field.show_hidden_initial:
            sent[field.html_initial_name] = sent[field.html_name]
    return sent


def send(client: Client, path: str, **values: Any) -> Any:
    """Fill in the form of a page and send it; the page that comes back."""
    sent = {**form_of(client, path), **values}
    return client.post(f"/admin/{path}", sent, follow=True)


def told(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])
