"""What each address of the catalogue's API accepts, who sends it, and what is looked at after."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection, transaction

from courses.catalogue import create_course, create_new_version
from courses.models import Course, Department, Discipline, Semester
from courses.proposals.drafts import create
from registrar.accounts.models import User
from tests.everybody import AUTHOR, HEAD, OURS, World, make_world
from tests.factories import make_course
from tests.proposals import BEGAN, said
from tests.routes import Route

CATALOG = "/api/catalog/"
COURSE = f"{CATALOG}courses/<int:course_id>/"
PROPOSAL = f"{CATALOG}proposals/<int:proposal_id>/"
OFFICE = "the registrar"


class Case(NamedTuple):
    """What each address accepts (None where it is sent nothing), and the records it is about."""

    world: World
    sent: Mapping[str, Any]
    about: Mapping[str, dict[str, object]]

    def path(self, route: Route) -> str:
        ids = {**self.world.ids, **self.about.get(str(route), {})}
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(ids[found[1]]), route.path)

    def ask(self, route: Route, path: str, raw: bytes = b"", **headers: str) -> Any:
        """By who may, with what they have seen, unless `headers` say otherwise."""
        who = OFFICE
        if "/proposals/" in path or "/delegations/" in path:
            who = HEAD if "<str:step>" in route.path or "delegations" in path else AUTHOR
        client = self.world.clients[who]
        revision = self.about.get(str(route), self.world.ids).get("revision", 1)
        usual = {
            "authorization": f"Token {client.defaults['REGISTRAR_TOKEN']}",
            "if-match": f'"{revision}"' if "/proposals/" in path else "",
            "content-type": "application/json",
        }
        given = {name: value for name, value in {**usual, **headers}.items() if value}
        kind = given.pop("content-type")
        return client.generic(route.method, path, raw, kind, headers=given)


def make_case() -> Case:
    world = make_world()
    spare, free = make_course("SPA100"), make_course("FRE100")
    return Case(world, _sent(world, spare.pk, free.pk), _about(free, spare.pk))


def _about(free: Course, spare: int) -> dict[str, dict[str, object]]:
    """The records that an address accepts something for, where they are not the usual ones."""
    author, ours = User.objects.get(username=AUTHOR), Department.objects.get(code=OURS)
    links = {"pre_requisit_courses": [free.pk], "pre_requisits": "a portfolio of works"}
    gated = create_course({**said("GATED"), **links}, actor="user:1", now=BEGAN)
    superseded = make_course("OLD", department=ours)
    draft = create(author, said("PHY220"), now=BEGAN)
    late = create(author, {"credit": 4}, course=superseded, now=BEGAN)
    create_new_version(superseded, {"max_seats": 7}, actor="user:1", now=BEGAN)
    return {
        f"POST {COURSE}rollback/": {"course_id": superseded.pk},
        f"POST {COURSE}prerequisites/": {"course_id": gated.pk},
        f"POST {COURSE}prerequisites/review/": {"course_id": gated.pk},
        f"PUT {CATALOG}slots/<int:slot_id>/courses/<int:course_id>/": {"course_id": spare},
        f"PATCH {PROPOSAL}": {"proposal_id": draft.pk, "revision": draft.revision},
        f"POST {PROPOSAL}rebase/": {"proposal_id": late.pk, "revision": late.revision},
    }


def _sent(world: World, spare: int, free: int) -> dict[str, Any]:
    colleague = User.objects.get(username="a teacher of theirs")
    physics = Discipline.objects.get(name="Physics").pk
    semester = Semester.objects.get(year__department__code=OURS, absolute_number=2).pk
    change = {"name": "Another name", "credit": 5, "override": "MAJOR", "reason": "Because."}
    course = {**said("NEW1"), "disciplines": [physics], "pre_requisit_courses": [spare]}
    place = {"semester": semester, "course": spare}
    return {
        f"POST {CATALOG}courses/": course,
        f"PATCH {COURSE}": change,
        f"POST {COURSE}preview/": {**change, "disciplines": [], "pre_requisit_courses": [spare]},
        f"POST {COURSE}state/": {"state": "INACTIVE", "reason": "Because."},
        f"POST {COURSE}rollback/": {"reason": "Because."},
        f"POST {COURSE}prerequisites/": {
            "needed": free,
            "kind": "COREQUISITE",
            "minimum_version": "1.0",
        },
        f"POST {COURSE}prerequisites/review/": {"plainly": "", "note": "By hand."},
        f"POST {CATALOG}departments/": {"name": "New", "code": "NEW"},
        f"PATCH {CATALOG}departments/<int:department_id>/": {"name": "New", "code": "NEW"},
        f"POST {CATALOG}departments/<int:department_id>/courses/": place,
        f"PATCH {CATALOG}departments/<int:department_id>/courses/<int:place_id>/": place,
        f"POST {CATALOG}proposals/": {**course, "subject": "New", "description": "Anew."},
        f"PATCH {PROPOSAL}": {**course, "subject": "New", "description": "Anew."},
        f"PUT {PROPOSAL}archive/": None,
        f"POST {PROPOSAL}rebase/": None,
        f"POST {PROPOSAL}<str:step>/": {"remarks": "Good.", "rationale": "See the minutes."},
        f"POST {CATALOG}delegations/": {
            "delegate": colleague.username,
            "role": "department_head",
            "starts_at": "2030-01-01T00:00:00Z",
            "ends_at": "2030-02-01T00:00:00Z",
            "reason": "Away.",
        },
        **_sent_to_plans(world, physics, colleague.pk),
        f"POST {CATALOG}assignments/": {
            "course": spare,
            "instructor": colleague.pk,
            "semester_type": "Odd Semester",
            "year": 2030,
            "share": 50,
        },
        f"PATCH {CATALOG}assignments/<int:assignment_id>/": {"share": 50},
    }


def _sent_to_plans(world: World, physics: int, colleague: int) -> dict[str, Any]:
    slot = {"name": "Core 2", "type": "Professional Core"}
    batch = {"name": "Comets", "discipline": physics, "year": 2030}
    return {
        f"POST {CATALOG}programmes/": {"category": "UG", "name": "New", "disciplines": [physics]},
        f"POST {CATALOG}programmes/<int:programme_id>/curricula/": {
            "name": "New",
            "no_of_semester": 8,
            "min_credit": 100,
        },
        f"PATCH {CATALOG}curricula/<int:curriculum_id>/": {"min_credit": 100},
        f"POST {CATALOG}curricula/<int:curriculum_id>/versions/": {"whole": True, "renew": True},
        f"POST {CATALOG}curricula/<int:curriculum_id>/semesters/": None,
        f"POST {CATALOG}curricula/<int:curriculum_id>/semesters/<int:semester_no>/slots/": slot,
        f"PATCH {CATALOG}slots/<int:slot_id>/": {
            **slot,
            "course_slot_info": "New.",
            "duration": 2,
            "min_registration_limit": 1,
            "max_registration_limit": 2,
        },
        f"PUT {CATALOG}slots/<int:slot_id>/courses/<int:course_id>/": None,
        f"POST {CATALOG}batches/": {**batch, "curriculum": world.ids["curriculum_id"]},
        f"PATCH {CATALOG}batches/<int:batch_id>/": {
            **batch,
            "running_batch": False,
            "total_seats": 9,
        },
        f"POST {CATALOG}batches/<int:batch_id>/members/": {"user": colleague},
    }


def _content(tables: list[str]) -> str:
    """Everything in the catalogue and the log, as one value."""
    each = " UNION ALL ".join(f"SELECT md5(t::text) AS row FROM {table} t" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(string_agg(row, '' ORDER BY row)) FROM ({each}) AS rows")
        found: str = cursor.fetchone()[0]
        return found


TABLES = sorted(
    {
        table
        for model in apps.get_app_config("courses").get_models(include_auto_created=True)
        if model._meta.managed
        for table in (model._meta.db_table,)
    }
    | {"audit_entries"}
)


class Faults:
    """What was wrong with any answer; what was accepted is undone at once."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.before = _content(TABLES)

    def look(self, about: object, ask: Callable[[], Any]) -> int:
        with transaction.atomic():
            response = ask()
            status: int = response.status_code
            if status < 400:
                # What the database looks at only at the end is part of the answer.
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                transaction.set_rollback(True)
        if status >= 500:
            self.found.append(f"{about}: {status}")
        elif status >= 400:
            kind = response["Content-Type"]
            if kind != "application/problem+json":
                self.found.append(f"{about}: {status} in {kind}")
        return status

    def none(self) -> None:
        assert not self.found, "\n".join(self.found)
        assert _content(TABLES) == self.before, "something refused was written all the same"
