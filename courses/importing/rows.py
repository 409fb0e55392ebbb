"""What is copied into each table, a row at a time."""

from typing import Any

from courses.catalogue.content import begun
from courses.lifecycle import State, superseded, works
from courses.models import Offering, section_code
from courses.requirements import understood
from courses.timetable import merge, render, weekly
from courses.versioning import CONTENT, LINKS

from .plan import NewOffering, NewVersion
from .said import SaidSection

COURSE = (
    *("id", "lineage", "revision", "bump_type", "state", "version", "working_course"),
    *("latest_version", "department_id", *CONTENT),
)
RULE = ("course_id", "verdict", "tree", "rest", "remarks", "parser_version", "wording", "note")
OFFERING = (
    *("id", "course_id", "lineage", "term_id", "status", "base_limit", "base_taken"),
    *("base_permits", "base_meets", "auto_create", "open_threshold", "section_limit"),
    *("next_number", "taken", "total_permits", "waiting"),
)
SECTION = (
    *("id", "offering_id", "course_id", "term_id", "section_number", "code", "schedule"),
    *("enrollment_limit", "taken", "permits", "meets", "automatic", "needs_assignment"),
    "created_at",
)
MEETING = ("offering_id", "section_id", "day", "start", '"end"', "room")
SOURCE_SECTION = ("source", "key", "section_id", "digest")


def defaults() -> dict[str, Any]:
    """What a version says of which a source says nothing."""
    said = begun({"code": "-", "name": "-", "syllabus": "-", "ref_books": "-"})
    return {name: said[name] for name in CONTENT if said[name] != "-"}


def state(latest: bool, gone: bool) -> State:
    """What a version has become by the end of the file."""
    if not latest:
        return superseded(State.ACTIVE)
    return State.INACTIVE if gone else State.ACTIVE


def course(
    pk: int,
    each: NewVersion,
    content: dict[str, Any],
    stands: State,
    latest: bool,
    department: int | None,
) -> tuple[Any, ...]:
    lineage, revision = each.place
    about = (pk, lineage, revision, each.bump.value, stands.value, each.version, works(stands))
    return (*about, latest, department, *(content[name] for name in CONTENT))


def full_state(each: NewVersion, content: dict[str, Any], department: int | None) -> dict[str, Any]:
    """What `history.full_state` says of the version on the day it is the latest."""
    return {
        **{name: content[name] for name in CONTENT},
        **{name: [] for name in LINKS},
        "version": str(each.version),
        "revision": each.place.revision,
        "bump_type": each.bump.value,
        "state": State.ACTIVE.value,
        "working_course": True,
        "latest_version": True,
        "department": department,
    }


def rule(pk: int, text: str) -> tuple[Any, ...]:
    found = understood(text)
    columns = ("verdict", "tree", "rest", "remarks", "parser_version")
    return (pk, *(found[name] for name in columns), "", "")


def offering(pk: int, version: int, each: NewOffering, term: int) -> tuple[Any, ...]:
    """A past term's: closed, no seats but its sections'."""
    limit = max((section.limit for section in each.sections), default=0)
    return (
        *(pk, version, each.place.lineage, term, Offering.Status.CLOSED.value, 0, 0, 0, "{}"),
        *(False, 1, limit, len(each.sections) + 1, 0, 0, 0),
    )


def section(
    pk: int, offering_pk: int, version: int, term: int, number: int, code: str, said: SaidSection
) -> tuple[Any, ...]:
    """Nobody sits in it: a source counts people, and says not who they were."""
    meets = merge(weekly(*meeting[:3]) for meeting in said.meetings)
    return (
        *(pk, offering_pk, version, term, number, section_code(code, number), said.schedule),
        *(said.limit, 0, 0, render(meets), False, False),
    )
