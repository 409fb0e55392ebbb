"""Everybody who may ask anything of the site, and one record of everything to be asked about."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from courses.catalogue import create_new_version
from courses.models import (
    BatchMember,
    Course,
    CourseInstructor,
    Delegation,
    Department,
    DepartmentCourseMap,
    DepartmentMember,
    Discipline,
    Offering,
    Semester,
)
from courses.proposals.drafts import create
from courses.proposals.steps import take
from courses.workflow import Action
from enrollment.models import Attempt, Student, StudentTerm
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens
from registrar.audit.access import record_reading
from tests import factories
from tests.proposals import said
from tests.races import settle_all
from tests.routes import Route
from tests.studyplans import make_batch, make_plan, make_programme, make_slot

DAY = timedelta(days=1)


class Person(NamedTuple):
    """One of those who ask; `department` is that of their role."""

    name: str
    role: Role | None = None
    department: str = ""
    signed_in: bool = True


OURS, THEIRS = "OURS", "THEIRS"
CAST = (
    Person("a stranger", signed_in=False),
    Person("somebody without a role"),
    Person("a student", Role.STUDENT),
    Person("a teacher of ours", Role.FACULTY, OURS),
    Person("a teacher of theirs", Role.FACULTY, THEIRS),
    Person("the head of ours", Role.DEPARTMENT_HEAD, OURS),
    Person("the head of theirs", Role.DEPARTMENT_HEAD, THEIRS),
    Person("the committee", Role.CURRICULUM_COMMITTEE),
    Person("the council", Role.ACADEMIC_COUNCIL),
    Person("the registrar", Role.REGISTRAR),
    Person("an admin", Role.ADMIN),
    Person("the auditor", Role.AUDITOR),
)
AUTHOR = "a teacher of ours"
"""Whose the records are that belong to somebody."""
HEAD = "the head of ours"
"""Who has the proposal before them, and gave the author their authority for a while."""


class World(NamedTuple):
    """What there is to ask about: a token and a session of each person, and the paths' ids."""

    clients: dict[str, Client]
    ids: dict[str, object]

    def path(self, route: Route) -> str:
        """The address, with the ids of what is there in the places of its names."""
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self._id(route, found[1]), route.path)

    def _id(self, route: Route, name: str) -> str:
        if route.path.endswith("/go_back/"):
            return str(self.ids["superseded_id"])
        model = re.match(r"/admin/(\w+)/(\w+)/", route.path)
        if name in ("object_id", "id") and model:
            return str(self.ids[f"{model[1]}.{model[2]}"])
        return str(self.ids[name])


def make_world() -> World:
    """Everybody signed in, and a record of our department for every page and every address."""
    clients = {person.name: _client(person) for person in CAST}
    now = timezone.now()
    offering = _offering(now)
    ids = {
        **_registration(offering, now),
        **_catalogue(offering, now),
        **_plan(offering),
        **_proposal(now),
        "user_id": factories.make_user("nobody of these").pk,
        "content_type_id": ContentType.objects.get_for_model(Offering).pk,
        "object_id": offering.pk,
        "app_label": "courses",
        "url": "nowhere/",
    }
    record_reading(actor="user:1", what="enrollment.student", whose=[], route="/", at=now)
    return World(clients, {**_first_of_each_model(), **ids})


def _client(person: Person) -> Client:
    client = Client(raise_request_exception=False)
    if not person.signed_in:
        return client
    user = factories.make_user(person.name, is_staff=person.role not in (None, Role.STUDENT))
    if person.role:
        user.groups.add(Group.objects.get(name=person.role))
    if person.department:
        department, _ = Department.objects.get_or_create(
            name=person.department, code=person.department
        )
        DepartmentMember.objects.create(department=department, user=user)
    client.force_login(user)
    [token] = make_tokens([user])
    client.defaults["REGISTRAR_TOKEN"] = token
    return client


def _user(name: str) -> User:
    return User.objects.get(username=name)


def _first_of_each_model() -> dict[str, object]:
    """Of the models that have pages; None where there is no record."""
    return {
        model._meta.label_lower: model._default_manager.order_by("pk")
        .values_list("pk", flat=True)
        .first()
        for model in admin.site._registry
    }


def _offering(now: datetime) -> Offering:
    """Of a course of ours, full, with somebody waiting."""
    term = factories.make_term()
    offering = factories.make_offering(term, base_limit=1)
    Course.objects.filter(pk=offering.course_id).update(
        department=Department.objects.get(code=OURS)
    )
    factories.make_section(offering, 1)
    factories.open_window(term)
    student = Student.objects.create(number="S1", user=_user("a student"), cohort="")
    StudentTerm.objects.create(student=student, term=term, max_credits=24)
    factories.enroll(offering, [student, *(factories.make_student(term) for _ in range(2))])
    settle_all()
    return offering


def _registration(offering: Offering, now: datetime) -> dict[str, object]:
    ahead = factories.open_window(offering.term, opens_at=now + DAY, closes_at=now + 2 * DAY)
    Attempt.objects.create(first_request=1, last_request=1, size=1, offerings=[], begun_at=now)
    every = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="a task", task="none", interval=every, enabled=False)
    return {"offering_id": offering.pk, "request_id": 1, "enrollment.window": ahead.pk}


def _catalogue(offering: Offering, now: datetime) -> dict[str, object]:
    ours = Department.objects.get(code=OURS)
    semester = Semester.objects.filter(year__department=ours).earliest("pk")
    place = DepartmentCourseMap.objects.create(semester=semester, course=offering.course)
    superseded = factories.make_course(department=ours)
    create_new_version(superseded, {"credit": 4, "pre_requisits": "charm"}, actor="user:1", now=now)
    teaching = CourseInstructor.objects.create(
        course=offering.course, instructor=_user(AUTHOR), year=2026, semester_type="Odd Semester"
    )
    return {
        "course_id": offering.course_id,
        "superseded_id": superseded.pk,
        "department_id": ours.pk,
        "place_id": place.pk,
        "assignment_id": teaching.pk,
    }


def _plan(offering: Offering) -> dict[str, object]:
    plan = make_plan(make_programme())
    slot = make_slot(plan, 1, "Core 1", offering.course)
    batch = make_batch(Discipline.objects.create(name="Physics"), plan)
    BatchMember.objects.create(batch_id=batch, user=_user("a student"))
    return {
        "programme_id": plan.programme_id,
        "curriculum_id": plan.pk,
        "plan": plan.pk,
        "semester_no": 1,
        "number": 1,
        "slot_id": slot.pk,
        "slot": slot.pk,
        "course": offering.course_id,
        "batch_id": batch,
    }


def _proposal(now: datetime) -> dict[str, object]:
    """Before our head, who lets its author act in another role for a while."""
    author = _user(AUTHOR)
    proposal = create(author, said("PHY210"), now=now)
    proposal = take(proposal.pk, Action.SUBMIT, user=author, expected=proposal.revision, now=now)
    delegation = Delegation.objects.create(
        holder=_user(HEAD),
        delegate=author,
        role=Role.CURRICULUM_COMMITTEE,
        starts_at=now,
        ends_at=now + DAY,
    )
    return {
        "proposal_id": proposal.pk,
        "revision": proposal.revision,
        "step": "approve",
        "delegation_id": delegation.pk,
    }
