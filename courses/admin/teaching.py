"""Who teaches what, in the admin, and how much that is."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from courses import teaching
from courses.forms import AskingForm
from courses.importing import resources
from courses.models import Course, CourseInstructor, SemesterType
from courses.refusal import Refused
from registrar.accounts.models import User
from registrar.admin import button

from .acting import ActingAdmin, by, who
from .files import InAndOut

SHARE_HELP = "In percent. A team shares 100; 0 for who does not teach it after all."


def _share() -> forms.IntegerField:
    return forms.IntegerField(
        min_value=0,
        max_value=teaching.WHOLE,
        initial=teaching.WHOLE,
        help_text=SHARE_HELP,
        widget=UnfoldAdminIntegerFieldWidget(),
    )


def _semester_type(**said: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label="Semester", widget=UnfoldAdminSelectWidget(), **said)


def _year(**said: Any) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget()
    return forms.IntegerField(min_value=1900, max_value=2200, widget=widget, **said)


class AssignmentForm(AskingForm):
    course = forms.ModelChoiceField(Course.objects.all())
    instructor = forms.ModelChoiceField(User.objects.all())
    year = _year()
    semester_type = _semester_type(choices=SemesterType.choices)
    share = _share()


class ShareForm(AskingForm):
    share = _share()


class WhenForm(forms.Form):
    year = _year()
    semester_type = _semester_type(
        choices=[("", "Every semester"), *SemesterType.choices], required=False
    )


@admin.register(CourseInstructor)
class CourseInstructorAdmin(InAndOut, ActingAdmin):
    """Several may teach a course in a semester; earlier semesters are kept."""

    noun = "somebody who teaches a course"
    resource_classes = (resources.Instructors,)
    list_display = ("course", "instructor", "semester_type", "year", "share_of", "hours")
    list_filter = ("semester_type", "year")
    list_select_related = ("course", "instructor")
    search_fields = ("course__code", "course__name", "instructor__username")
    ordering = ("-year", "course__code", "pk")
    actions_list = ("loads",)

    @admin.display(description="share", ordering="share")
    def share_of(self, named: CourseInstructor) -> str:
        return f"{named.share} %"

    @admin.display(description="hours a week")
    def hours(self, named: CourseInstructor) -> str:
        """Of one group; with the sections that name them, see the loads."""
        contact = named.course.total_contact_hours
        return str(teaching.weekly_hours(contact, 1, named.share))

    def has_load_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("courses.view_load")

    @button("Teaching loads", "balance", asks="load")
    def loads(self, request: HttpRequest) -> HttpResponse:
        if not self.has_load_permission(request):
            raise PermissionDenied
        asked = {"year": str(timezone.now().year)} | request.GET.dict()
        form = WhenForm(asked)
        found = teaching.loads(**form.cleaned_data) if form.is_valid() else []
        teaching.watch(found, who(request), request.get_full_path(), timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": "Teaching loads",
            "form": form,
            "loads": found,
            "opts": self.opts,
        }
        return TemplateResponse(request, "courses/loads.html", context)

    def asked(self, request: HttpRequest, obj: CourseInstructor | None) -> AskingForm:
        if obj is not None:
            return ShareForm(request.POST or None, initial={"share": obj.share})
        form = AssignmentForm(request.POST or None, initial={"year": timezone.now().year})
        for name in ("course", "instructor"):
            self.look_up(form, name, CourseInstructor._meta.get_field(name))
        return form

    def acted(self, request: HttpRequest, form: AskingForm, obj: CourseInstructor | None) -> int:
        if obj is not None:
            share = form.cleaned_data["share"]
            return teaching.change_share(assignment=obj.pk, share=share, **by(request))
        said = dict(form.cleaned_data)
        course, instructor = said.pop("course"), said.pop("instructor")
        wanted = CourseInstructor(course=course)
        if not request.user.has_perm("courses.add_courseinstructor", wanted):
            message = "This course is not of your department."
            remedy = "Its own head names who teaches it."
            raise Refused("FORBIDDEN", message, remedy, fields={"course": message})
        return teaching.assign(course=course.pk, instructor=instructor.pk, **said, **by(request))
