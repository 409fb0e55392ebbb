"""Prerequisites in the admin: texts that a person must look at, and how a course's edges are meant.

What a version needs is changed by a new version; here it is said what is meant by it.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from courses import requirements
from courses.expressions import from_json, wording
from courses.forms import AskingForm
from courses.models import Course, CoursePrerequisite, CourseRule
from courses.requirements import Needs
from registrar.admin import KeptAdmin, button, colored

from .acting import by, done, who
from .prerequisite_forms import QualifyForm, ReviewForm

REVIEWS = "courses.review_prerequisite"
WAITS, REVIEWED = "waits", "reviewed"


class Reviewed(admin.SimpleListFilter):
    """Whoever comes to the list comes for what nobody has looked at."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(REVIEWED, "Reviewed"), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Waiting",
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CourseRule]
    ) -> QuerySet[CourseRule]:
        if self.value() == "all":
            return queryset
        return queryset.filter(reviewed_at__isnull=self.value() != REVIEWED)


@admin.register(CourseRule)
class PrerequisiteTextAdmin(KeptAdmin):
    """The queue of texts that were not understood to the end; a page for each (T17)."""

    list_before_template = "courses/long_cells.html"
    list_display = ("code", "words", "understood", "left", "now")
    list_filter = (Reviewed, "verdict", "course__department")
    list_select_related = ("course",)
    search_fields = ("course__code", "course__name", "course__pre_requisits")
    ordering = ("course__code",)

    def may(self, request: HttpRequest, verb: str, record: Any) -> bool:
        """To see the queue is to review it; texts come with courses."""
        return verb != "add" and request.user.has_perm(REVIEWS, record)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CourseRule]:
        return requirements.flagged()

    @admin.display(description="course", ordering="course__code")
    def code(self, rule: CourseRule) -> str:
        return rule.course.code

    @admin.display(description="text")
    def words(self, rule: CourseRule) -> str:
        return rule.course.pre_requisits or ""

    @admin.display(description="understood")
    def understood(self, rule: CourseRule) -> str:
        return "nothing" if rule.tree is None else wording(from_json(rule.tree))

    @admin.display(description="left")
    def left(self, rule: CourseRule) -> str:
        return "; ".join(rule.rest)

    @colored("review", {WAITS: "warning", REVIEWED: "success"}, ordering="reviewed_at")
    def now(self, rule: CourseRule) -> str:
        return REVIEWED if rule.reviewed_at else WAITS

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        if not self.has_change_permission(request, rule):
            return super().change_view(request, object_id, form_url, extra_context)
        form = ReviewForm(request.POST or None, rule=rule)
        back = reverse("admin:courses_courserule_changelist")
        if done(form, lambda: self._review(request, form, rule)):
            messages.success(request, f"The text of {rule.course} is reviewed.")
            return HttpResponseRedirect(back)
        needs = requirements.needs_of(rule.course)
        title = f"What {rule.course} needs, in words"
        context = _context(form, needs, title, "Save review", back)
        return _page(self, request, context)

    def _review(self, request: HttpRequest, form: AskingForm, rule: CourseRule) -> CourseRule:
        return requirements.review(
            rule.course, user=who(request), now=timezone.now(), **form.cleaned_data
        )


class NeedsPage(KeptAdmin):
    """A page of a course for what it needs, and for how its edges are meant."""

    def has_review_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(REVIEWS)

    @button("Prerequisites", "account_tree", asks="review")
    def needs(self, request: HttpRequest, object_id: str) -> HttpResponse:
        course = self.get_object(request, object_id)
        if course is None:
            raise Http404
        needs = requirements.needs_of(course)
        form = QualifyForm(request.POST or None, needs=needs) if needs.edges else None
        if form and done(form, lambda: self._qualify(request, form, course)):
            messages.success(request, f"What {course} needs is saved.")
            return HttpResponseRedirect(request.path)
        back = reverse("admin:courses_course_change", args=[course.pk])
        context = _context(form, needs, f"What {course} needs", "Save", back)
        if needs.waits and course.latest_version:
            rule = CourseRule.objects.filter(course=course).first()
            context["review"] = rule and reverse("admin:courses_courserule_change", args=[rule.pk])
        return _page(self, request, context)

    def _qualify(
        self, request: HttpRequest, form: AskingForm, course: Course
    ) -> CoursePrerequisite:
        said = form.cleaned_data
        return requirements.qualify(
            course,
            Course.objects.get(pk=said["needed"]),
            kind=CoursePrerequisite.Kind(said["kind"]),
            minimum_version=said["minimum_version"],
            **by(request),
        )


def _context(
    form: AskingForm | None, needs: Needs, title: str, button: str, back: str
) -> dict[str, Any]:
    return {"form": form, "needs": needs, "title": title, "button": button, "back": back}


def _page(admin_of: KeptAdmin, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin_of.admin_site.each_context(request), "opts": admin_of.opts}
    return TemplateResponse(request, "courses/needs.html", {**shared, **context})
