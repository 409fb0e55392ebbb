"""One writer for each course: its lineage is locked first (`history.lock`), then read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, transaction

from courses.history import lock
from courses.models import Course
from courses.refusal import Refused, constraint
from courses.requirements import committing_edges, lock_catalogue

_CODES = frozenset({"course_one_latest_version_of_a_code", "course_code_and_version_unique"})


def lock_many(lineages: Iterable[UUID]) -> None:
    """The same for many at once, and for whoever writes edges: before the first of them."""
    lock_catalogue()
    lock(*lineages)


def locked(course: Course) -> Course:
    """The same version as it is now, its lineage locked."""
    lock(course.lineage)
    return Course.objects.get(pk=course.pk)


def latest(course: Course) -> Course:
    """The version given, its lineage locked, if it is still the latest; else as `newest`."""
    lock(course.lineage)
    return newest(course)


def newest(course: Course) -> Course:
    """The version given, if it is the latest; nothing is locked.

    Raises Refused (STALE_VERSION) that names the one which is (T4).
    """
    found = Course.latest.get(lineage=course.lineage)
    if found.pk == course.pk:
        return found
    raise Refused(
        "STALE_VERSION",
        f"{course.code} v{course.version} is not the latest version any more: {found.code} "
        f"v{found.version} is.",
        "Look at the latest version and change that one.",
        latest=found.pk,
        latest_code=found.code,
        latest_version=str(found.version),
    )


@contextmanager
def one_transaction(code: str) -> Iterator[None]:
    """All of it or nothing; who comes second for a code is told so, whatever was read before."""
    try:
        with committing_edges(), transaction.atomic():
            yield
    except IntegrityError as error:
        if constraint(error) in _CODES:
            raise code_in_use(code) from error
        raise


def code_in_use(code: str) -> Refused:
    """Another course has this code (T14)."""
    return Refused(
        "CODE_IN_USE",
        f"Another course has the code {code}.",
        "Choose another code, or change that course's code first.",
        fields={"code": f"Another course has the code {code}."},
    )
