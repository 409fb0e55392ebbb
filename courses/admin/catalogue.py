"""Courses in the admin: added, versioned, taken through their states, compared and gone back to.

A version is never edited. Its pages fill in a form, show what that would make, and hand it to
`courses.catalogue`, which writes.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from courses import catalogue, history
from courses.forms import AskingForm, BackForm, FirstVersionForm, NextVersionForm, StateForm
from courses.importing import resources
from courses.lifecycle import TRANSITIONS, State, verb
from courses.models import Course, Discipline
from courses.refusal import Refused
from courses.search import search
from courses.versioning import HOURS, LINKS, PERCENTAGES
from registrar.admin import KeptAdmin, button, colored

from .acting import by, done
from .bulk import BulkPages
from .files import InAndOut
from .prerequisites import NeedsPage

STATE_COLORS = {
    "DRAFT": "info",
    "ACTIVE": "success",
    "INACTIVE": "warning",
    "DEPRECATED": "warning",
    "ARCHIVED": "danger",
}


@admin.register(Course)
class CourseAdmin(InAndOut, BulkPages, NeedsPage):
    """One version of a course: read here, and followed by another one."""

    list_display = ("code", "name", "version", "credit", "max_seats", "now", "latest_version")
    list_filter = ("latest_version", "state", "department", "disciplines")
    search_fields = ("code", "name")
    search_help_text = "A code, words of the name, the syllabus or the prerequisites; best first."
    ordering = ("code", "-revision")
    list_select_related = ("department",)
    actions = ("change_field",)
    actions_list = ("many",)
    resource_classes = (resources.Courses,)
    reads_only = (resources.Versions,)
    import_asks = "version"
    actions_detail = ("new_version", "propose", "other_state", "go_back", "needs")
    fieldsets = (
        (None, {"fields": ("code", "name", "credit", "max_seats", "department", "disciplines")}),
        ("Hours a week", {"fields": HOURS}),
        ("Content", {"fields": ("taught", "books")}),
        ("Needed before", {"fields": ("needed", "pre_requisits")}),
        ("Assessment, in percent", {"fields": PERCENTAGES}),
        (
            "Version",
            {"fields": ("version", "now", "latest_version", "bump_type", "created_at", "lineage")},
        ),
    )
    readonly_fields = (
        "now",
        "needed",
        "taught",
        "books",
        "version",
        "bump_type",
        "created_at",
        "lineage",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Course], search_term: str
    ) -> tuple[QuerySet[Course], bool]:
        """Every version of the courses found that the filters let through, the best first."""
        if not search_term.strip():
            return queryset, False
        places = {hit.lineage: nth for nth, hit in enumerate(search(search_term, queryset))}
        found = queryset.filter(lineage__in=places)
        if places and "o" not in request.GET:
            best = (When(lineage=lineage, then=nth) for lineage, nth in places.items())
            found = found.order_by(Case(*best), "-revision")
        return found, False

    @colored("state", STATE_COLORS, ordering="state")
    def now(self, course: Course) -> str:
        return course.state

    @admin.display(description="courses")
    def needed(self, course: Course) -> str:
        return "\n".join(map(str, course.pre_requisit_courses.order_by("code"))) or "none"

    @admin.display(description="syllabus")
    def taught(self, course: Course) -> SafeString:
        return _in_lines(course.syllabus)

    @admin.display(description="reference books")
    def books(self, course: Course) -> SafeString:
        return _in_lines(course.ref_books)

    # What may be done to which version ----------------------------------------------------

    def has_version_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """No button on what is superseded; who began before that is told by the catalogue."""
        course = self._row(object_id)
        if course is None or not (course.latest_version or request.method == "POST"):
            return False
        asked = "change" if course.state == State.DRAFT else "version"
        return self.may(request, asked, course)

    def has_propose_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        course = self._row(object_id)
        if course is None or not course.latest_version:
            return False
        return request.user.has_perm("courses.add_proposal", course.department)

    def has_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        course = self._row(object_id)
        if course is None or course.latest_version:
            return False
        return self.may(request, "version", course)

    def has_state_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        course = self._row(object_id)
        return course is not None and any(
            self.may(request, verb(State(course.state), way), course)
            for way in TRANSITIONS[State(course.state)]
        )

    def _row(self, object_id: Any) -> Course | None:
        """The course a button is for; None for an id that is none."""
        try:
            return Course.objects.filter(pk=object_id).first()
        except (ValueError, OverflowError):
            return None

    # Pages --------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FirstVersionForm(request.POST or None)

        def add() -> Course:
            state = State.DRAFT if form.cleaned_data["draft"] else State.ACTIVE
            return catalogue.create_course(
                form.changes,
                **by(request),
                state=state,
                department=form.cleaned_data["department"],
            )

        if course := done(form, add):
            return self._to(request, course, f"{course} is in the catalogue.")
        return self._page(request, form, "Add a course", "Add course", None)

    @button("New version", "edit_document", asks="version")
    def new_version(self, request: HttpRequest, object_id: str) -> HttpResponse:
        course = self._course(request, object_id)
        form = NextVersionForm(request.POST or None, like=course)
        if course.state == State.DRAFT:
            return self._draft(request, course, form)
        seen = done(form, lambda: self._preview(form, course))
        if seen and "save" in request.POST:
            new = done(
                form,
                lambda: catalogue.create_new_version(
                    course,
                    form.changes,
                    **by(request),
                    override=form.decided,
                    reason=form.cleaned_data["reason"],
                ),
            )
            if new and new.pk == course.pk:
                return self._to(request, course, f"Nothing differs from {course}.")
            if new:
                return self._to(request, new, f"{new} follows {course}.")
        title = f"The version after {course}"
        return self._page(request, form, title, "Show what it makes", course, preview=seen)

    def _draft(self, request: HttpRequest, course: Course, form: NextVersionForm) -> HttpResponse:
        """A draft is changed where it stands."""
        saved = done(
            form,
            lambda: catalogue.edit_draft(
                course,
                form.changes,
                **by(request),
                comment=form.cleaned_data["reason"],
            ),
        )
        if saved:
            return self._to(request, saved, f"The draft {saved} is saved.")
        return self._page(request, form, f"The draft {course}", "Save draft", course)

    @button("Propose a change", "rate_review", asks="propose")
    def propose(self, request: HttpRequest, object_id: str) -> HttpResponse:
        course = self._course(request, object_id)
        return HttpResponseRedirect(
            reverse("admin:courses_proposal_add", query={"course": course.pk})
        )

    @button("Change state", "published_with_changes", asks="state")
    def other_state(self, request: HttpRequest, object_id: str) -> HttpResponse:
        course = self._course(request, object_id)
        form = StateForm(request.POST or None, course=course)

        def change() -> Course:
            to = State(form.cleaned_data["state"])
            if not request.user.has_perm(f"courses.{verb(State(course.state), to)}_course", course):
                said = f"You may not take it to {to}."
                raise Refused(
                    "FORBIDDEN", said, "Ask the registrar's office.", fields={"state": said}
                )
            reason = form.cleaned_data["reason"]
            return catalogue.change_state(course, to, reason=reason, **by(request))

        if changed := done(form, change):
            return self._to(request, changed, f"{changed} is {changed.state} now.")
        intro = f"It is {course.state}. Seats and requests that refer to it stay as they are."
        return self._page(request, form, f"Change the state of {course}", "Change", course, intro)

    @button("Go back to this", "settings_backup_restore", asks="back", warns=True)
    def go_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        course = self._course(request, object_id)
        form = BackForm(request.POST or None)
        new = done(
            form,
            lambda: catalogue.roll_back(
                course.lineage,
                course,
                **by(request),
                reason=form.cleaned_data["reason"],
            ),
        )
        if new:
            return self._to(request, new, f"{new} says what {course} said.")
        intro = "A new version will say the same. Every version in between stays in the history."
        return self._page(request, form, f"Go back to {course}", "Go back", course, intro)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The course's own history, in the place of the one that Django keeps of its forms."""
        course = self._course(request, object_id)
        if not self.has_view_permission(request, course):
            raise PermissionDenied
        rows = history.versions(course.lineage)
        old, new = (self._chosen(request, name, rows) for name in ("old", "new"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {course.code}",
            "course": course,
            "versions": rows[::-1],
            "changes": history.changes(course.lineage)[::-1],
            "old": old,
            "new": new,
            "differences": history.compare(old, new) if old and new else None,
            "links": LINKS,
            "opts": self.opts,
        }
        return TemplateResponse(request, "courses/history.html", context)

    # What the pages share -----------------------------------------------------------------

    def _course(self, request: HttpRequest, object_id: str) -> Course:
        found: Course | None = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def _chosen(
        self, request: HttpRequest, name: str, rows: list[history.Version]
    ) -> Course | None:
        """The version a radio button stands for; None when it is not of this course."""
        wanted = request.GET.get(name, "")
        known = {str(row.id) for row in rows}
        return Course.objects.get(pk=wanted) if wanted in known else None

    def _preview(self, form: NextVersionForm, course: Course) -> catalogue.Preview:
        return catalogue.preview(
            course,
            form.changes,
            override=form.decided,
            reason=form.cleaned_data["reason"],
        )

    def _to(self, request: HttpRequest, course: Course, said: str) -> HttpResponse:
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:courses_course_change", args=[course.pk]))

    def _page(
        self,
        request: HttpRequest,
        form: AskingForm,
        title: str,
        button: str,
        course: Course | None,
        intro: str = "",
        preview: catalogue.Preview | None = None,
    ) -> HttpResponse:
        back = "admin:courses_course_change" if course else "admin:courses_course_changelist"
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "intro": intro,
            "form": form,
            "button": button,
            "preview": preview,
            "back": reverse(back, args=[course.pk] if course else []),
            "opts": self.opts,
        }
        return TemplateResponse(request, "courses/asking.html", context)


@admin.register(Discipline)
class DisciplineAdmin(InAndOut, KeptAdmin):
    resource_classes = (resources.Disciplines,)
    list_display = ("name", "acronym")
    search_fields = ("name", "acronym")
    ordering = ("name",)


def _in_lines(text: str) -> SafeString:
    return format_html('<div style="white-space: pre-line">{}</div>', text)
