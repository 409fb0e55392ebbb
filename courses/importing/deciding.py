"""What an import writes, decided from what the source says and what is known already. Pure.

In the order of terms each course is compared with what it was before: the product's own rules say
which version that makes (`courses.versioning`). The sections of a term refer to the version that
it had then.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from courses.versioning import (
    FIRST,
    PERCENTAGES,
    Bump,
    Overflow,
    Reason,
    greatest,
    is_version,
    next_version,
    normal_code,
    plain,
    reasons,
)

from .codes import Codes, has_room, numbered
from .lines import Bad, Remark
from .plan import (
    Change,
    Known,
    KnownCourse,
    KnownOffering,
    NewOffering,
    NewVersion,
    Place,
    Plan,
    Standing,
    section_key,
)
from .said import Heard, Said, SaidTerm

_NOTHING = {"credit": 0, "pre_requisits": None}
_REQUIRED = ("name", "syllabus", "ref_books")
DISCONTINUED_AFTER = 4
"""Years without a section, at the end of a history, after which a course counts as given up."""


def lineage_of(source: str, key: str) -> UUID:
    """The same for the same course, wherever and whenever it is imported."""
    return uuid5(NAMESPACE_URL, f"registrar:{source}:{key}")


def decide(
    source: str, heard: Heard, known: Known, begin: Callable[[str], UUID] | None = None
) -> Plan:
    """Everything that an import writes. The same for the same two, whenever it is asked.

    `begin` names the lineage of a new course by its key, where `lineage_of` should not.
    """
    decider = _Decider(source, known, begin or partial(lineage_of, source))
    for _, said in groupby(heard.said, key=lambda each: each.term):
        decider.take(list(said))
    decider.give_up()
    return decider.plan


class _Course:
    """A course while the terms go by."""

    def __init__(self, key: str, known: KnownCourse | None, lineage: UUID) -> None:
        self.key, self.lineage, self.known = key, lineage, known
        self.revision = known.revision if known else 0
        self.version = known.version if known else FIRST
        self.content = dict(known.content) if known else {}
        self.wanted = known.wanted if known else ""
        self.last_term: SaidTerm | None = None

    @property
    def place(self) -> Place:
        return Place(self.lineage, self.revision)


class _Decider:
    def __init__(self, source: str, known: Known, begin: Callable[[str], UUID]) -> None:
        self.source, self.known, self.begin = source, known, begin
        self.codes = Codes(known.holders, known.used)
        self.courses: dict[str, _Course] = {}
        self.plan = Plan([], [], [], {}, {}, [], 0)

    def take(self, said: list[Said]) -> None:
        """One term: first whoever leaves a code leaves it, so that another may have it."""
        fresh = [each for each in map(self._fresh, said) if each is not None]
        for each in fresh:
            self._leave(each)
        for each in fresh:
            try:
                self._take(each)
            except (Bad, Overflow) as bad:
                self._skip(each, bad)

    # What is new in it ---------------------------------------------------------------------

    def _fresh(self, said: Said) -> Said | None:
        """Without the sections that were imported before; None where nothing is left."""
        if said.term is None:
            course = self.known.courses.get(said.course)
            if course is None or course.digest != said.digest:
                return said
            self._count_known(1)
            return None
        new = []
        for section in said.sections:
            digest = self.known.sections.get(section_key(said.term.key, section.key))
            if digest is None:
                new.append(section)
            elif digest != section.digest:
                self.plan.remarks.append(_changed(section.line))
        self._count_known(len(said.sections) - len(new))
        return said._replace(sections=tuple(new)) if new else None

    def _count_known(self, lines: int) -> None:
        self.plan = self.plan._replace(known=self.plan.known + lines)

    def _course(self, said: Said) -> _Course | None:
        course = self.courses.get(said.course)
        if course is None and (known := self.known.courses.get(said.course)):
            course = self.courses[said.course] = _Course(said.course, known, known.lineage)
        return course

    def _says(self, said: Said, course: _Course | None) -> Mapping[str, Any] | None:
        """The fields to compare; None where nothing new is said of the course.

        A term from before the newest that is known adds sections, and no version: those are
        numbered in the order of time already.
        """
        if said.fields is None or (said.term and self._offering(said, course)):
            return None
        if course is None or course.known is None:
            return said.fields
        return None if said.term and self._is_past(course, said.term) else said.fields

    def _is_past(self, course: _Course, term: SaidTerm) -> bool:
        """Whether the course is known as it was in a later term."""
        return bool(course.known and course.known.taught and term.key < course.known.taught[-1][0])

    def _offering(self, said: Said, course: _Course | None) -> KnownOffering | None:
        if course is None or said.term is None:
            return None
        return self.known.offerings.get((course.lineage, said.term.key))

    # Deciding ------------------------------------------------------------------------------

    def _leave(self, said: Said) -> None:
        course = self._course(said)
        fields = self._says(said, course)
        if course is None or not course.revision or fields is None:
            return
        wanted = fields.get("code", course.wanted)
        # Only if another is sure to be found: without one the course keeps what it has.
        if wanted != course.wanted and has_room(wanted):
            self.codes.leave(course.lineage)

    def _take(self, said: Said) -> None:
        course = self._course(said)
        fields = self._says(said, course)
        if fields is not None:
            course = self._versioned(said, fields, course)
        if course is None:
            wrong = f"There is no course {said.course} from this source."
            raise Bad("UNKNOWN_COURSE", wrong, "Import the catalogue that has it first.")
        if said.term is not None:
            self._teach(said, said.term, course)

    def _versioned(self, said: Said, fields: Mapping[str, Any], course: _Course | None) -> _Course:
        if course is None:
            course = _Course(said.course, None, self.begin(said.course))
            self._begin(said, fields, course)
            self.courses[said.course] = course
        else:
            _check_version(said, course)
            self._go_on(said, fields, course)
        course.wanted = fields.get("code", course.wanted)
        self.plan.standings[said.course] = Standing(course.lineage, course.wanted, said.digest)
        return course

    def _begin(self, said: Said, fields: Mapping[str, Any], course: _Course) -> None:
        content = {**_NOTHING, **self.known.defaults, "name": said.called, **_plain(fields)}
        if missing := [name for name in _REQUIRED if not content.get(name)]:
            raise Bad("MISSING", f"A new course needs {' and '.join(missing)}.", "Write them.")
        _check(content)
        content["code"] = self._free(said, fields["code"], course)
        above = self.codes.above(content["code"], course.lineage)
        course.version = FIRST if above is None else next_version(above, Bump.MAJOR)
        self._write(said, course, content, Bump.NONE, ())

    def _go_on(self, said: Said, fields: Mapping[str, Any], course: _Course) -> None:
        given = _plain(fields)
        _check({**course.content, **given})
        if normal_code(given["code"]) == normal_code(course.wanted):
            given["code"] = course.content["code"]
        else:
            given["code"] = self._free(said, given["code"], course)
        why = reasons(course.content, given)
        bump = greatest(each.bump for each in why)
        if bump is Bump.NONE:
            self.codes.return_to(course.lineage)
            return
        above = self.codes.above(given["code"], course.lineage)
        course.version = next_version(course.version, bump, above if bump is Bump.MAJOR else None)
        self._write(said, course, {**course.content, **given}, bump, why)

    def _write(
        self,
        said: Said,
        course: _Course,
        content: dict[str, Any],
        bump: Bump,
        why: tuple[Reason, ...],
    ) -> None:
        changed = {each.field: content[each.field] for each in why}
        course.content, course.revision = content, course.revision + 1
        self.codes.hold(course.lineage, content["code"], course.version)
        comment = f"{self.source} {said.term.key}" if said.term else self.source
        comment = f"Imported from {comment}, line {said.line}: {said.course}"
        if course.known:
            alone = not said.sections
            change = Change(said.course, course.place, changed, comment, said.line, alone)
            self.plan.changes.append(change)
            return
        self.plan.versions.append(
            NewVersion(
                said.course,
                course.place,
                course.version,
                bump,
                content,
                why,
                said.department,
                comment,
            )
        )

    def _teach(self, said: Said, term: SaidTerm, course: _Course) -> None:
        joins = self._offering(said, course)
        if joins and not joins.closed:
            wrong = f"{joins.code} is open for registration in this term already."
            raise Bad("OPEN", wrong, "Add the section there, or close the offering first.")
        place, code = course.place, course.content["code"]
        if joins:
            place, code = joins.place, joins.code
        elif course.known and self._is_past(course, term):
            place = Place(course.lineage, _in_force(course.known.taught, term.key))
        course.last_term = term
        self.plan.offerings.append(NewOffering(place, term, code, said.sections, joins))

    def give_up(self) -> None:
        """New courses that nobody taught in the last years of the file."""
        terms = [each.last_term.year for each in self.courses.values() if each.last_term]
        newest = max(terms, default=0)
        for course in self.courses.values():
            last = course.last_term
            if last and course.known is None and last.year < newest - DISCONTINUED_AFTER:
                self.plan.discontinued[course.lineage] = last.key

    def _free(self, said: Said, wanted: str, course: _Course) -> str:
        """The code, or a numbered one, which is told (D6). Raises Bad."""
        code = self.codes.free(wanted, course.lineage)
        if code is None:
            wrong = f"Other courses have the code {wanted}, and no numbered one is free and fits."
            raise Bad("CODE_IN_USE", wrong, "Give one of the courses another code.")
        if code != wanted:
            self.plan.remarks.append(numbered(said.line, wanted, code))
        return code

    def _skip(self, said: Said, bad: Bad | Overflow) -> None:
        if isinstance(bad, Overflow):
            bad = Bad("VERSION_OVERFLOW", f"{bad}.", "Begin a course of another code.")
        if course := self._course(said):
            self.codes.return_to(course.lineage)
        self.plan.remarks.extend(bad.on(line) for line in said.lines)


def _check(content: Mapping[str, Any]) -> None:
    """Raises Bad for an assessment that is not whole (S1-16)."""
    if set(PERCENTAGES) <= content.keys():
        total = sum(content[name] for name in PERCENTAGES)
        if total != 100:
            said = f"Assessment percentages must sum to 100%, these sum to {total}%."
            raise Bad("PERCENTAGES", said, "Correct them.")


def _check_version(said: Said, course: _Course) -> None:
    """Raises Bad for what was written for another version than there is."""
    if said.written_for and not is_version(said.written_for, course.version):
        wrong = f"{said.course} is at version {course.version}, not {said.written_for}."
        raise Bad("STALE_VERSION", wrong, "Look at the latest version, and correct the line.")


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(name, value) for name, value in fields.items()}


def _in_force(taught: Iterable[tuple[str, int]], term: str) -> int:
    """The revision that was taught last by then; the first where there was none."""
    revisions = [revision for key, revision in taught if key <= term]
    return revisions[-1] if revisions else next(iter(taught))[1]


def _changed(line: int) -> Remark:
    said = "It was imported before and said something else then: what is here stays."
    return Remark(line, "CHANGED", said, "Change the section here, if it should.", skipped=False)
