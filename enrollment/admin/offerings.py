"""An offering's page: its seats to be read, and the requests of staff that change them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from courses.admin.offerings import MeetingInline
from courses.models import Course, Meeting, Offering, Term, with_code
from courses.timetable import describe
from enrollment.forms import LimitForm, PauseForm, PermitForm, RequestForm, TimetableForm
from registrar.admin import KeptAdmin, button, colored

from .asking import may_ask, page, send

STATUS_COLORS = {"OPEN": "success", "PAUSED": "warning", "CLOSED": "danger"}


class OfferingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new offering; seats left empty are the course's own maximum."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("base_limit", "section_limit"):
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].initial = None
                self.fields[name].help_text = "Empty means the course's maximum of seats."

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        course, term = self.cleaned_data.get("course"), self.cleaned_data.get("term")
        if course is not None and term is not None:
            self._once_a_term(course, term)
        for name in ("base_limit", "section_limit"):
            if course is not None and self.cleaned_data.get(name, 0) is None:
                self.cleaned_data[name] = course.max_seats
        return cleaned

    def _once_a_term(self, course: Course, term: Term) -> None:
        """One version of a course in a term: in two, a student could sit in both.

        And one course of a code: another that had it before would share the codes of sections.
        """
        same = Q(lineage=course.lineage) | Q(course__in=with_code(Course.objects, course.code))
        offered = Offering.objects.filter(same, term=term)
        for other in offered.select_related("course"):
            said = f"{other.course.code} v{other.course.version} is offered in {term.code} already."
            self.add_error("course", said)


class BaseMeetingInline(MeetingInline):
    """Planned meetings of the course itself, outside any section."""

    verbose_name_plural = "Planned meetings of the course itself (confirm them above)"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Meeting]:
        queryset: QuerySet[Meeting] = super().get_queryset(request)
        return queryset.filter(section__isnull=True)


@admin.register(Offering)
class OfferingAdmin(KeptAdmin):
    """A course in a term. Its policy is given when it is made; later changes stand in line."""

    form = OfferingForm
    list_display = ("course_code", "course_name", "term", "state", "seats_taken", "waiting")
    list_filter = ("status", "term", "auto_create")
    list_select_related = ("course", "term")
    search_fields = ("course__code", "course__name", "term__code")
    ordering = ("term", "course__code")
    autocomplete_fields = ("course", "term")
    inlines = (BaseMeetingInline,)
    actions_detail = (
        {
            "title": "Ask for a change",
            "icon": "edit_note",
            "items": ("limits", "permit", "timetable", "pause"),
        },
    )
    policy = (
        "auto_create",
        "open_threshold",
        "section_limit",
        "max_sections",
        "total_cap",
        "waitlist_cap",
    )
    add_fieldsets = (
        (None, {"fields": ("course", "term", "base_limit")}),
        ("When seats run out", {"fields": policy}),
    )
    seats_now = ("seats_taken", "base_seats", "section_seats", "waiting", "permits", "base_times")
    fieldsets = (
        (None, {"fields": ("course", "term", "status")}),
        ("Seats, as they are", {"fields": seats_now}),
        ("When seats run out", {"fields": policy}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("course", "term", "status", *self.seats_now, *self.policy)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else self.inlines

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Asked again where the database refuses what the form allowed.

        Somebody else's offering was committed in between, and now the form knows it.
        """
        try:
            return super().add_view(request, form_url, extra_context)
        except IntegrityError:
            return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Offering, form: Any, change: bool) -> None:
        """Only a new one: the web may write no column of an offering that students may be in."""
        if not change:
            obj.save()

    def has_ask_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_ask(request)

    # What staff may ask -------------------------------------------------------------------

    @button("Change limits", "tune")
    def limits(self, request: HttpRequest, object_id: str) -> HttpResponse:
        intro = "Whoever waits is seated at once where this makes room."
        return self._ask(request, object_id, LimitForm, "Change limits of", intro)

    @button("Permit a student", "person_add")
    def permit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        intro = "Seats one student, over the limit if need be. Every other rule still holds."
        return self._ask(request, object_id, PermitForm, "Permit a student into", intro)

    @button("Confirm times", "calendar_month")
    def timetable(self, request: HttpRequest, object_id: str) -> HttpResponse:
        intro = "From then on nobody can take what clashes; refused if somebody there already has."
        return self._ask(request, object_id, TimetableForm, "Confirm times of", intro)

    @button("Pause or reopen", "pause_circle", warns=True)
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        intro = "It takes its turn in line: what students sent before it is decided first."
        return self._ask(request, object_id, PauseForm, "Pause or reopen", intro)

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        form_class: type[RequestForm],
        title: str,
        intro: str,
    ) -> HttpResponse:
        offering = self.get_object(request, object_id)
        if offering is None:
            raise Http404
        form = form_class(request.POST or None, offering=offering)
        back = reverse("admin:courses_offering_change", args=[offering.pk])
        if form.is_valid() and send(request, form):
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{title} {offering}",
            "intro": intro,
            "form": form,
            "button": "Send request",
            "back": back,
            "opts": self.opts,
        }
        return page(request, context)

    # What is shown ------------------------------------------------------------------------

    @admin.display(description="course", ordering="course__code")
    def course_code(self, offering: Offering) -> str:
        return offering.course.code

    @admin.display(description="name", ordering="course__name")
    def course_name(self, offering: Offering) -> str:
        return offering.course.name

    @colored("status", STATUS_COLORS, ordering="status")
    def state(self, offering: Offering) -> str:
        return offering.status

    @admin.display(description="seats taken", ordering="taken")
    def seats_taken(self, offering: Offering) -> int:
        return offering.taken

    @admin.display(description="on the course itself")
    def base_seats(self, offering: Offering) -> str:
        return _of(offering.base_taken, offering.base_limit, offering.base_permits)

    @admin.display(description="in sections")
    def section_seats(self, offering: Offering) -> str:
        sections = offering.sections.order_by("section_number")
        lines = [f"{s.code}: {_of(s.taken, s.enrollment_limit, s.permits)}" for s in sections]
        return "\n".join(lines) or "no sections"

    @admin.display(description="permits over the total")
    def permits(self, offering: Offering) -> int:
        return offering.total_permits

    @admin.display(description="confirmed times of the course itself")
    def base_times(self, offering: Offering) -> str:
        return describe(offering.base_meets)


def _of(taken: int, limit: int, permits: int) -> str:
    over = f", {permits} by permit" if permits else ""
    return f"{taken} of {limit} taken{over}"
