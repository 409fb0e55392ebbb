"""Terms and sections in the admin: who teaches a section and when.

Seats are not here. What an offering's policy and limits are is shown on its page, and changed by
requests that go through the same line as everybody's (`enrollment.admin`).
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from courses.importing import resources
from courses.models import Meeting, Section, Term
from courses.timetable import DAY_NAMES, describe
from registrar.admin import KeptAdmin

from .files import InAndOut


@admin.register(Term)
class TermAdmin(InAndOut, KeptAdmin):
    resource_classes = (resources.Terms,)
    list_display = ("code", "year", "semester_type", "credit_maximum")
    search_fields = ("code",)
    ordering = ("-year", "code")


class TimeOfDayField(forms.TimeField):
    """A time of the day, kept as minutes since midnight; midnight at the end is 24:00."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminTextInputWidget({"placeholder": "09:00"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        if value == "24:00":
            return 24 * 60
        time = super().to_python(value)
        return None if time is None else time.hour * 60 + time.minute


class MeetingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A weekly meeting as people say it: a day, from and until."""

    day = forms.TypedChoiceField(
        coerce=int, choices=list(enumerate(DAY_NAMES)), widget=UnfoldAdminSelectWidget
    )
    start = TimeOfDayField(label="from")
    end = TimeOfDayField(label="until")

    class Meta:
        model = Meeting
        fields = ("day", "start", "end", "room")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start is not None and end is not None and start >= end:
            self.add_error("end", "A meeting ends after it begins, on the same day.")
        return cleaned


class MeetingInline(TabularInline):  # type: ignore[misc]
    """The times planned. Students' timetables know them once they are confirmed."""

    model = Meeting
    form = MeetingForm
    fields = ("day", "start", "end", "room")
    ordering = ("day", "start")
    extra = 0
    verbose_name_plural = "Planned meetings (confirm them on the offering's page)"


@admin.register(Section)
class SectionAdmin(InAndOut, KeptAdmin):
    """Who teaches a section and when. Its seats change only in line with everybody's requests."""

    list_display = (
        "code",
        "term",
        "instructor",
        "seats",
        "confirmed_times",
        "needs_assignment",
        "automatic",
    )
    resource_classes = ()
    reads_only = (resources.Sections,)
    list_filter = ("needs_assignment", "automatic", "term")
    list_select_related = ("term", "instructor", "offering")
    search_fields = ("code", "course__name", "instructor__username")
    ordering = ("term", "code")
    autocomplete_fields = ("instructor",)
    inlines = (MeetingInline,)
    editable = ("instructor", "schedule", "needs_assignment")
    shown = (
        "code",
        "offering",
        "seats",
        "permits",
        "confirmed_times",
        "automatic",
        "opened_by",
        "created_at",
    )
    readonly_fields = shown
    fieldsets = (
        ("Teaching", {"fields": editable}),
        ("Seats and times, as they are", {"fields": shown}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Sections are opened by a request: on demand, or by staff on the offering's page."""
        return False

    def save_model(self, request: HttpRequest, obj: Section, form: Any, change: bool) -> None:
        """Only these columns: the web may write no other, and a settlement may be at the rest."""
        obj.save(update_fields=self.editable)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for inline in formset.forms:
            inline.instance.offering_id = form.instance.offering_id
        super().save_formset(request, form, formset, change)

    @admin.display(description="seats taken")
    def seats(self, section: Section) -> str:
        return f"{section.taken} of {section.enrollment_limit}"

    @admin.display(description="confirmed times")
    def confirmed_times(self, section: Section) -> str:
        return describe(section.meets)
