"""What a version may say: each field by itself, and all of them together."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from courses.models import Course, Discipline
from courses.refusal import Refused
from courses.versioning import HOURS, LINKS, NUMBERS, PERCENTAGES, VERSIONED, plain
from courses.workload import align

REQUIRED = ("code", "name", "syllabus", "ref_books")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields given, as they are compared and stored; the others are not touched (T10).

    Numbers may come as text, links as ids or rows. Raises Refused (INVALID) with a message for
    each field that cannot be.
    """
    wrong: dict[str, str] = {}
    found: dict[str, Any] = {}
    for name, value in given.items():
        try:
            found[name] = _clean(name, value)
        except ValidationError as error:
            wrong[name] = " ".join(error.messages)
    if wrong:
        raise invalid(wrong)
    return found


def _clean(name: str, value: Any) -> Any:
    if name not in VERSIONED:
        raise ValidationError("A course version has no such field.")
    if name in LINKS:
        return _clean_links(name, value)
    if name in NUMBERS:
        # int() would cut 3.7 down to 3 and take True for 1.
        if isinstance(value, bool | float):
            raise ValidationError("Enter a whole number.")
        value = value or None if isinstance(value, str) else value
    else:
        if not isinstance(value, str | None):
            raise ValidationError("Enter text.")
        value = plain(name, value)
        if _CONTROL.search(value or ""):
            raise ValidationError("Control characters cannot be stored.")
    return Course._meta.get_field(name).clean(value, None)  # type: ignore[union-attr]


def _clean_links(name: str, value: Any) -> frozenset[int]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValidationError("Enter a list of ids.")
    given: list[Any] = [getattr(each, "pk", each) for each in value]
    # True is an int too, and would be the id 1.
    if not all(type(each) is int and 0 < each < 2**63 for each in given):
        raise ValidationError("Enter a list of ids.")
    ids: frozenset[int] = frozenset(given)
    model: type[Any] = Discipline if name == "disciplines" else Course
    known: frozenset[int] = frozenset(model.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if unknown := sorted(ids - known):
        raise ValidationError(f"There is nothing with the id {', '.join(map(str, unknown))}.")
    return ids


def same_edges(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields given; a course that was needed already is needed by the version it was.

    An edge means the course, whichever version it names (T16): that there is a newer one of what
    is needed is no change of who needs it.
    """
    if "pre_requisit_courses" not in given:
        return dict(given)
    kept, wanted = before["pre_requisit_courses"], given["pre_requisit_courses"]
    rows = Course.objects.filter(pk__in=kept | wanted).values_list("pk", "lineage")
    lineages = dict(rows)
    known = {lineages[each]: each for each in sorted(kept)}
    edges = frozenset(known.get(lineages[each], each) for each in wanted)
    return {**given, "pre_requisit_courses": edges}


def check(content: Mapping[str, Any]) -> None:
    """What a whole version must hold to (S1-16); in strict mode, what it should hold to as well.

    Raises Refused (INVALID).
    """
    total = sum(content[name] for name in PERCENTAGES)
    if total != 100:
        said = f"Assessment percentages must sum to 100%, these sum to {total}%."
        raise invalid({PERCENTAGES[0]: said})
    if settings.REGISTRAR["CATALOGUE_STRICT"] and (found := _warnings(content)):
        raise invalid(found)


def warnings(content: Mapping[str, Any]) -> tuple[str, ...]:
    """What is unusual about a version and allowed all the same, unless the mode is strict."""
    return tuple(_warnings(content).values())


def _warnings(content: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    pattern = settings.REGISTRAR["COURSE_CODES"]
    if not re.fullmatch(pattern, content["code"]):
        found["code"] = f"The code {content['code']} is not of the usual form ({pattern})."
    hours = {name: content[name] for name in HOURS}
    alignment = align(content["credit"], hours, settings.REGISTRAR["HOUR_WEIGHTS"])
    if not alignment.agrees:
        found["credit"] = alignment.sentence
    return found


def invalid(fields: Mapping[str, str]) -> Refused:
    """The fields that cannot be used, and why."""
    said = " ".join(f"{name}: {message}" for name, message in fields.items())
    return Refused("INVALID", said, "Correct these fields.", fields=fields)


def begun(given: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a first version: what was given, and the defaults of the rest.

    Raises Refused (INVALID), also for what every course must say and this one does not.
    """
    missing = {name: "This field is required." for name in REQUIRED if name not in given}
    content = {name: _default(name) for name in VERSIONED} | cleaned(given)
    if missing:
        raise invalid(missing)
    return content


def _default(name: str) -> Any:
    if name in LINKS:
        return frozenset()
    return Course._meta.get_field(name).get_default()  # type: ignore[union-attr]
