"""The admin: who may see what, and that what the pipeline wrote can only be read."""

from collections.abc import Iterator

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.test import Client

from courses.models import Term
from registrar.accounts.roles import Role
from tests.clerks import ASKS, as_owner, page, signed_in
from tests.factories import (
    enroll,
    make_offering,
    make_student,
    make_term,
    make_user,
    open_window,
)
from tests.races import settle_all


@pytest.fixture
def term(database: None) -> Term:
    return make_term("2026-ODD")


@pytest.fixture
def registrar(term: Term) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


# Reading ----------------------------------------------------------------------------------------


def test_every_page_can_be_read_by_the_registrar(registrar: Client, term: Term) -> None:
    with as_owner():
        open_window(term)
        offering = make_offering(term, base_limit=1, auto_create=True, max_sections=1)
        enroll(offering, [make_student(term) for _ in range(3)])
        settle_all()
    for model, admin in site._registry.items():
        label = f"{model._meta.app_label}/{model._meta.model_name}"
        if model._meta.label_lower in ("auth.group", "audit.access"):
            continue
        page(registrar, f"{label}/")
        page(registrar, f"{label}/?q=x") if admin.search_fields else None
        for name in admin.list_filter:
            odd = registrar.get(f"/admin/{label}/?{name}=%00", follow=True)
            assert odd.status_code == 200, f"{label} by {name}"
        first = model._default_manager.order_by("pk").first()
        if first is not None:
            page(registrar, f"{label}/{first.pk}/change/")
    page(registrar, "")


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        (Role.AUDITOR, "audit/entry/", "accounts/user/"),
        (Role.AUDITOR, "enrollment/request/", "django_celery_beat/periodictask/"),
        (Role.FACULTY, "courses/offering/", "enrollment/enrollment/"),
        (Role.FACULTY, "courses/section/", "audit/entry/"),
        (Role.ADMIN, "accounts/user/", "knox/authtoken/"),
    ],
)
def test_a_role_sees_what_its_table_says_and_nothing_else(
    term: Term, role: str, seen: str, unseen: str
) -> None:
    with signed_in(role) as client:
        assert client.get(f"/admin/{seen}").status_code == 200
        assert client.get(f"/admin/{unseen}").status_code in (403, 404)


def test_students_and_strangers_do_not_get_in(term: Term) -> None:
    client = Client()
    client.force_login(make_user("ada"))
    for who in (client, Client()):
        assert who.get("/admin/courses/offering/").status_code == 302


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.FACULTY])
def test_who_does_not_run_registration_can_ask_for_nothing(term: Term, role: str) -> None:
    offering, student = make_offering(term), make_student(term)
    paths = [
        *(f"courses/offering/{offering.pk}/{ask}/" for ask in ASKS),
        f"enrollment/student/{student.pk}/maximum/",
        "enrollment/window/add/",
        "courses/offering/add/",
    ]
    with signed_in(role) as client:
        for path in paths:
            assert client.get(f"/admin/{path}").status_code == 403, path
            assert client.post(f"/admin/{path}", {}).status_code == 403, path


@pytest.mark.parametrize(
    "label",
    [
        "audit/entry",
        "enrollment/request",
        "enrollment/enrollment",
        "enrollment/waitlistentry",
        "enrollment/settlement",
        "enrollment/studentterm",
        "enrollment/attempt",
        "django_celery_beat/periodictask",
    ],
)
def test_what_the_pipeline_wrote_can_only_be_read(term: Term, label: str) -> None:
    with signed_in(Role.ADMIN) as client:
        assert client.get(f"/admin/{label}/add/").status_code == 403
    owner = make_user("root", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(owner)
    assert client.get(f"/admin/{label}/add/").status_code == 403


def test_an_unknown_record_is_missing_and_not_an_error(registrar: Client) -> None:
    for ask in ASKS:
        assert registrar.get(f"/admin/courses/offering/x/{ask}/").status_code == 404
        assert registrar.get(f"/admin/courses/offering/999/{ask}/").status_code == 404
    assert registrar.get("/admin/enrollment/student/x/maximum/").status_code == 404


# People -----------------------------------------------------------------------------------------


def test_an_admin_gives_roles_and_makes_nobody_a_superuser(term: Term) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    ada = make_user("ada")
    with signed_in(Role.ADMIN) as client:
        values = {"username": "ada", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
        role = Group.objects.get(name=Role.FACULTY)
        client.post(f"/admin/accounts/user/{ada.pk}/change/", {**values, "groups": [role.pk]})
        changed = client.post(f"/admin/accounts/user/{root.pk}/change/", values)
        password = client.get(f"/admin/accounts/user/{root.pk}/password/")

    ada.refresh_from_db()
    assert (ada.is_staff, ada.is_superuser, list(ada.groups.all())) == (True, False, [role])
    assert changed.status_code == password.status_code == 403
