"""Writing what was decided, in the caller's transaction.

New courses go in by COPY, with the log's entries that the catalogue's own operations would have
made; a course that is known already gets its new version from those.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from courses.catalogue import create_new_version, lock_many
from courses.history import CREATE, UPDATE, VERSION, About, draft_of_change
from courses.lifecycle import State, works
from courses.models import Course, Department, Offering, SourceCourse, Term
from courses.refusal import Refused
from courses.versioning import normal_code
from registrar.accounts.claims import ADMIN, claim_role
from registrar.audit.log import Draft, append, canonical

from . import own, rows
from .copying import Progress, copy, ids
from .known import term_code
from .lines import Remark
from .plan import Change, KnownOffering, NewOffering, NewVersion, Place, Plan, section_key
from .said import SaidTerm

_ENTRIES = 5_000


class Written(NamedTuple):
    """How much went in."""

    terms: int = 0
    departments: int = 0
    courses: int = 0
    versions: int = 0
    """First ones included."""
    offerings: int = 0
    sections: int = 0

    @property
    def nothing(self) -> bool:
        return not any(self)


class Changed(Exception):
    """Somebody else wrote what an import was to add to."""


class Writer:
    """One import: its source, who answers for it, and when it is."""

    def __init__(self, source: str, actor: str, now: datetime, progress: Progress) -> None:
        self.source, self.actor, self.now, self.progress = source, actor, now, progress
        self.remarks: list[Remark] = []
        self.places: dict[Place, int] = {}
        """The id of each version that something refers to."""

    def write(self, plan: Plan) -> Written:
        """All of the plan. Raises IntegrityError or Changed when somebody else wrote meanwhile."""
        _hold(each.joins for each in plan.offerings if each.joins)
        departments, made = self._departments(plan.versions)
        self._versions(plan, departments)
        changed = self._changes(plan.changes)
        self._find_places(plan.offerings)
        terms, new_terms = self._terms(plan.offerings)
        self._offerings(plan.offerings, terms)
        self._standings(plan)
        return Written(
            new_terms,
            made,
            len({each.place.lineage for each in plan.versions}),
            len(plan.versions) + changed,
            sum(each.joins is None for each in plan.offerings),
            sum(len(each.sections) for each in plan.offerings),
        )

    # Departments and terms -----------------------------------------------------------------

    def _departments(self, versions: Sequence[NewVersion]) -> tuple[dict[str, int], int]:
        """The id of each department's code; those that there are not yet are made."""
        known = {normal_code(code): pk for pk, code in Department.objects.values_list("pk", "code")}
        wanted = {normal_code(each.department) for each in versions if each.department}
        drafts = []
        with claim_role(ADMIN):
            for code in sorted(wanted - known.keys()):
                known[code] = Department.objects.create(name=code, code=code).pk
                said = canonical({"name": code, "code": code, "source": self.source})
                stream = f"department:{known[code]}"
                drafts.append(Draft(stream, "department_added", self.actor, said))
        self._log(drafts)
        return known, len(drafts)

    def _terms(self, offerings: Sequence[NewOffering]) -> tuple[dict[SaidTerm, int], int]:
        wanted = {each.term for each in offerings}
        made = 0
        found: dict[SaidTerm, int] = {}
        for each in sorted(wanted):
            term, new = Term.objects.get_or_create(
                code=term_code(self.source, each.key),
                defaults={"year": each.year, "semester_type": each.semester},
            )
            found[each] = term.pk
            made += new
        return found, made

    # Courses -------------------------------------------------------------------------------

    def _versions(self, plan: Plan, departments: dict[str, int]) -> None:
        order = sorted(plan.versions, key=lambda each: each.place)
        newest = {each.place.lineage: each.place.revision for each in order}
        courses, rules, drafts = [], [], []
        before: dict[str, Any] | None = None
        for done, (pk, each) in enumerate(zip(ids("courses", len(order)), order, strict=True), 1):
            self.places[each.place] = pk
            lineage, revision = each.place
            content = dict(each.content)
            department = departments.get(normal_code(each.department))
            latest, last = newest[lineage] == revision, plan.discontinued.get(lineage)
            state = rows.state(latest, last is not None)
            courses.append(rows.course(pk, each, content, state, latest, department))
            if content["pre_requisits"]:
                rules.append(rows.rule(pk, content["pre_requisits"]))
            after = rows.full_state(each, content, department)
            drafts.append(self._draft(pk, each, None if revision == 1 else before, after))
            if latest and last:
                drafts.append(self._given_up(pk, each, after, last))
            before = after
            if done % 500 == 0 or done == len(order):
                self.progress("versions made ready", done, len(order))
        copy("courses", rows.COURSE, courses, self.progress)
        copy("course_rules", rows.RULE, rules, self.progress)
        self._log(drafts)

    def _draft(
        self, pk: int, each: NewVersion, before: dict[str, Any] | None, after: dict[str, Any]
    ) -> Draft:
        action = CREATE if before is None else VERSION
        about = About(each.place.lineage, pk, each.content["code"], str(each.version))
        proposed = None if before is None else each.bump
        return draft_of_change(
            about,
            self.actor,
            action,
            before,
            after,
            each.bump,
            each.comment,
            each.reasons,
            proposed,
        )

    def _given_up(self, pk: int, each: NewVersion, before: dict[str, Any], last: str) -> Draft:
        about = About(each.place.lineage, pk, each.content["code"], str(each.version))
        state = State.INACTIVE
        after = {**before, "state": state.value, "working_course": works(state)}
        comment = f"Not taught after {self.source} {last}."
        return draft_of_change(about, self.actor, UPDATE, before, after, comments=comment)

    def _changes(self, changes: Sequence[Change]) -> int:
        """New versions of courses that were known; what the catalogue refuses is told."""
        if not changes:
            return 0
        lock_many({each.place.lineage for each in changes})
        made = 0
        for done, each in enumerate(changes, 1):
            old = Course.latest.get(lineage=each.place.lineage)
            try:
                new = create_new_version(
                    old, each.given, actor=self.actor, now=self.now, reason=each.comment
                )
            except Refused as refused:
                self.remarks.append(_refused(each, refused))
                new = old
            made += new.pk != old.pk
            self.places[each.place] = new.pk
            self.progress("courses changed", done, len(changes))
        return made

    def _find_places(self, offerings: Sequence[NewOffering]) -> None:
        missing = {each.place for each in offerings} - self.places.keys()
        found = Course.objects.filter(lineage__in={each.lineage for each in missing})
        for lineage, revision, pk in found.values_list("lineage", "revision", "pk"):
            self.places.setdefault(Place(lineage, revision), pk)

    # Offerings -----------------------------------------------------------------------------

    def _offerings(self, offerings: Sequence[NewOffering], terms: dict[SaidTerm, int]) -> None:
        new = iter(ids("offerings", sum(each.joins is None for each in offerings)))
        numbers = iter(ids("sections", sum(len(each.sections) for each in offerings)))
        made, sections, meetings, sources = [], [], [], []
        for each in offerings:
            course, term = self.places[each.place], terms[each.term]
            pk = each.joins.id if each.joins else next(new)
            if each.joins is None:
                made.append(rows.offering(pk, course, each, term))
            first = each.joins.next_number if each.joins else 1
            for number, said in enumerate(each.sections, first):
                id_ = next(numbers)
                row = rows.section(id_, pk, course, term, number, each.code, said)
                sections.append((*row, self.now))
                meetings += [(pk, id_, *meeting) for meeting in said.meetings]
                key = section_key(each.term.key, said.key)
                sources.append((self.source, key, id_, said.digest))
        copy("offerings", rows.OFFERING, made, self.progress)
        copy("sections", rows.SECTION, sections, self.progress)
        copy("meetings", rows.MEETING, meetings, self.progress)
        copy("source_sections", rows.SOURCE_SECTION, sources, self.progress)
        for each in offerings:
            if each.joins:
                after = each.joins.next_number + len(each.sections)
                Offering.objects.filter(pk=each.joins.id).update(next_number=after)

    # What is kept of the source ------------------------------------------------------------

    def _standings(self, plan: Plan) -> None:
        if self.source == own.SOURCE:
            return
        SourceCourse.objects.bulk_create(
            (
                SourceCourse(
                    source=self.source,
                    key=key,
                    lineage=each.lineage,
                    code=each.wanted,
                    digest=each.digest,
                )
                for key, each in plan.standings.items()
            ),
            update_conflicts=True,
            unique_fields=["source", "key"],
            update_fields=["code", "digest"],
            batch_size=5000,
        )

    def _log(self, drafts: Sequence[Draft]) -> None:
        with connection.cursor() as cursor:
            for start in range(0, len(drafts), _ENTRIES):
                append(cursor, drafts[start : start + _ENTRIES], at=self.now)
                done = min(start + _ENTRIES, len(drafts))
                self.progress("log entries", done, len(drafts))


def _hold(joined: Iterable[KnownOffering]) -> None:
    """Keep the offerings that sections are added to as they were when that was decided."""
    wanted = {each.id: (each.next_number, Offering.Status.CLOSED.value) for each in joined}
    held = Offering.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    found = {pk: now for pk, *now in held.values_list("pk", "next_number", "status")}
    for pk, was in wanted.items():
        if tuple(found[pk]) != was:
            raise Changed(f"offering {pk} has other sections, or is not closed any more")


def _refused(change: Change, refused: Refused) -> Remark:
    said = f"The course keeps the version that it has: {refused.sentence}"
    return Remark(change.line, refused.code, said, refused.remedy, skipped=change.alone)
