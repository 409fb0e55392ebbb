"""After `bin/demo --keep`: two logins, and a window in which the student's can still be used."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from enrollment import windows
from enrollment.models import Student, Window
from registrar.accounts.models import User

from .scenery import Stage

ADMIN = "demo-admin"
OPEN_FOR = timedelta(days=1)


class Login(NamedTuple):
    name: str
    password: str


class Left(NamedTuple):
    """What is left open, and for whom."""

    admin: Login
    student: Login
    until: datetime


def leave_open(stage: Stage, now: datetime) -> Left:
    """Open a second window for the day's students and make the logins. Passwords are new ones."""
    window = Window(
        term_id=stage.term,
        name="Late changes",
        opens_at=now,
        closes_at=now + OPEN_FOR,
        cohorts=stage.cohorts,
    )
    windows.save(window, actor="system", now=now)
    admin, _ = User.objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
    )
    student = Student.objects.select_related("user").get(pk=_somebody(stage))
    assert student.user is not None
    return Left(_login(admin), _login(student.user), window.closes_at)


# Whoever has both a seat and a place in a line sees most of what there is to see.
_SOMEBODY = """
SELECT students.id FROM students
WHERE students.id = ANY(%s)
ORDER BY EXISTS (SELECT FROM waitlist_entries w
                 WHERE w.student_id = students.id AND w.state = 'WAITING') DESC,
         (SELECT count(*) FROM enrollments e
          WHERE e.term_id = %s AND e.student_id = students.id AND e.active) DESC,
         students.id
LIMIT 1
"""


def _somebody(stage: Stage) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_SOMEBODY, [stage.students, stage.term])
        return int(cursor.fetchone()[0])


def _login(user: User) -> Login:
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    return Login(user.username, password)
