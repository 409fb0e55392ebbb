"""A department's page: its years and semesters at a glance, what is taught in them, and by whom
it is run.

Nothing is saved by the forms themselves: what they say goes through `courses.departments`, with
the claim of who is signed in.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from courses.departments import hierarchy, writing
from courses.importing import resources
from courses.models import Department, DepartmentCourseMap, DepartmentMember, Semester
from courses.refusal import Refused
from registrar.admin import KeptAdmin, Searching

from .acting import who
from .files import InAndOut


class PlacementForm(forms.ModelForm):  # type: ignore[type-arg]
    """A course and its semester, refused in the field's own words."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        semester, course = self.cleaned_data.get("semester"), self.cleaned_data.get("course")
        if semester and course:
            old = self.instance if self.instance.pk else None
            try:
                writing.check_place(semester.pk, course.pk, instead_of=old)
            except Refused as refused:
                for field, said in refused.fields.items():
                    self.add_error(field, said)
        return cleaned


class PlacementInline(Searching, TabularInline):  # type: ignore[misc]
    model = DepartmentCourseMap
    form = PlacementForm
    fields = ("semester", "course")
    autocomplete_fields = ("course",)
    ordering = ("semester__absolute_number", "course__code")
    extra = 0
    verbose_name = "course"
    verbose_name_plural = "Courses in its semesters"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DepartmentCourseMap]:
        placed: QuerySet[DepartmentCourseMap] = super().get_queryset(request)
        return placed.select_related("course", "semester__year")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "semester" and request.resolver_match is not None:
            kwargs["queryset"] = (
                Semester.objects.filter(year__department=request.resolver_match.kwargs["object_id"])
                .select_related("year")
                .order_by("absolute_number")
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class MemberInline(Searching, TabularInline):  # type: ignore[misc]
    """Who belongs to it: given up and given anew, never changed into somebody else."""

    model = DepartmentMember
    fields = ("user",)
    autocomplete_fields = ("user",)
    ordering = ("user__username",)
    extra = 0
    verbose_name = "member"
    verbose_name_plural = "Members: their roles hold for this department"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Department)
class DepartmentAdmin(InAndOut, KeptAdmin):
    resource_classes = (resources.Departments, resources.Placements)
    reads_only = (resources.DepartmentSemesters,)
    list_display = ("code", "name", "course_count", "member_count")
    search_fields = ("code", "name")
    ordering = ("code",)
    inlines = (PlacementInline, MemberInline)
    readonly_fields = ("plan",)
    fieldsets = (
        (None, {"fields": ("code", "name")}),
        ("Years and semesters", {"fields": ("plan",)}),
    )
    add_fieldsets = ((None, {"fields": ("code", "name")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Department]:
        departments: QuerySet[Department] = super().get_queryset(request)
        return departments.annotate(
            placed=_count(DepartmentCourseMap), belonging=_count(DepartmentMember)
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not a record with a history: it goes when nothing belongs to it any more."""
        return self.may(request, "delete", obj)

    @admin.display(description="courses in its plan", ordering="placed")
    def course_count(self, department: Any) -> int:
        return int(department.placed)

    @admin.display(description="members", ordering="belonging")
    def member_count(self, department: Any) -> int:
        return int(department.belonging)

    @admin.display(description="")
    def plan(self, department: Department) -> SafeString:
        seen = hierarchy.department(department.pk)
        return render_to_string(
            "courses/department_plan.html", {"years": seen.years if seen else []}
        )

    # Writing ------------------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._unless_refused(
            request, lambda: super(DepartmentAdmin, self).changeform_view(request, *args, **kwargs)
        )

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._unless_refused(
            request, lambda: super(DepartmentAdmin, self).delete_view(request, *args, **kwargs)
        )

    def _unless_refused(
        self, request: HttpRequest, view: Callable[[], HttpResponse]
    ) -> HttpResponse:
        """Where somebody else wrote since the form was checked, nothing of it is saved."""
        try:
            return view()
        except Refused as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Department, form: Any, change: bool) -> None:
        user, now = who(request), timezone.now()
        if change:
            writing.change_department(user, obj.pk, obj.name, obj.code, now)
        else:
            obj.pk = writing.add_department(user, obj.name, obj.code, now).pk

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What keeps a department is named as that, not as what nobody may delete anyway."""
        leaving, counts, lacking, kept = super().get_deleted_objects(objs, request)
        return leaving, counts, set() if kept else lacking, kept

    def delete_model(self, request: HttpRequest, obj: Department) -> None:
        writing.remove_department(who(request), obj.pk, timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        user, now = who(request), timezone.now()
        if formset.model is DepartmentMember:
            for member in formset.deleted_objects:
                writing.remove_member(user, member, now)
            for member in formset.new_objects:
                writing.add_member(user, member.department_id, member.user, now)
            return
        for placed in formset.deleted_objects:
            writing.take_out_course(user, placed, now)
        for placed, _ in formset.changed_objects:
            semester, course = placed.semester_id, placed.course_id
            writing.move_course(user, placed, semester, course, now)
        for placed in formset.new_objects:
            writing.place_course(user, placed.semester_id, placed.course_id, now)


def _count(model: Any) -> Coalesce:
    """How many of these a department has, without multiplying one join by another."""
    mine = model.objects.filter(department=OuterRef("pk")).order_by().values("department")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)
