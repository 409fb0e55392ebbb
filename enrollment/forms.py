"""What staff fill in, and the request that each form makes of it.

A form carries its own idempotency key, so that a second click on its button repeats the request
instead of making another.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from courses.models import Meeting, Offering, Term
from courses.timetable import Meets, describe, merge, weekly

from .models import Student, Window
from .requests import Submission
from .vocabulary import BASE, STUDENT_KINDS, Kind, Status

MOST_SEATS = 100_000
REASON_LETTERS = 500


class RequestForm(forms.Form):
    """A request of staff about one offering; who asks and why is kept with it for good."""

    kind: Kind
    reason = forms.CharField(
        max_length=REASON_LETTERS,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="Kept with the request for good. Name no student here.",
    )
    key = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, offering: Offering, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offering = offering
        self.sections = list(offering.sections.order_by("section_number"))
        self.fields["key"].initial = _new_key()

    def renew_key(self) -> None:
        """Make what is sent next a request of its own."""
        self.data = {**dict(self.data.items()), "key": _new_key()}

    def submission(self, actor: str) -> Submission:
        """The request, from a form that is valid."""
        return Submission(
            self.kind,
            actor,
            self.student(),
            self.offering.term_id,
            (self.offering.pk,),
            {"offering": self.offering.pk, "reason": self.cleaned_data["reason"], **self.asked()},
            self.cleaned_data["key"],
        )

    def student(self) -> int | None:
        return None

    def asked(self) -> dict[str, Any]:
        """What the body holds besides the offering and the reason."""
        raise NotImplementedError

    def places(self) -> list[tuple[int, str]]:
        """The course itself and its sections, as choices."""
        return [(BASE, "the course itself"), *((s.section_number, s.code) for s in self.sections)]


def _new_key() -> str:
    return f"staff:{secrets.token_hex(12)}"


# What is sent is compared with what the page showed, not with what has become of it since: only
# what this person changed is asked for.
_AS_SHOWN = True


def _seats(label: str, value: int | None, least: int = 0, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        initial=value,
        min_value=least,
        max_value=MOST_SEATS,
        widget=UnfoldAdminIntegerFieldWidget,
        show_hidden_initial=_AS_SHOWN,
        **kwargs,
    )


_NO_LIMIT = {"required": False, "help_text": "Empty means there is no limit."}
_POLICY: Mapping[str, dict[str, Any]] = {
    "section_limit": {"label": "Seats of a new section"},
    "open_threshold": {
        "label": "Open a section when so many wait",
        "least": 1,
        "help_text": "The one who asks is counted.",
    },
    "max_sections": {"label": "Sections at the most", **_NO_LIMIT},
    "total_cap": {"label": "Students at the most, in all", **_NO_LIMIT},
    "waitlist_cap": {"label": "Names on the waitlist at the most", **_NO_LIMIT},
}
_MOST_OPENED = 50


class LimitForm(RequestForm):
    """The seat policy and the limits of an offering; what is left as it is, is not asked for."""

    kind = Kind.LIMIT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offering = self.offering
        made: dict[str, forms.Field] = {
            "auto_create": forms.TypedChoiceField(
                label="Open sections when all are full",
                coerce=lambda value: value == "True",
                choices=[(True, "yes"), (False, "no")],
                initial=offering.auto_create,
                widget=UnfoldAdminSelectWidget,
                show_hidden_initial=_AS_SHOWN,
            )
        }
        for name, how in _POLICY.items():
            made[name] = _seats(value=getattr(offering, name), **how)
        made[str(BASE)] = _seats("Seats of the course itself", offering.base_limit)
        for section in self.sections:
            made[str(section.section_number)] = _seats(
                f"Seats of {section.code}", section.enrollment_limit
            )
        made["open_sections"] = forms.IntegerField(
            label="Open this many sections now",
            required=False,
            min_value=0,
            max_value=_MOST_OPENED,
            widget=UnfoldAdminIntegerFieldWidget,
        )
        self.fields = {**made, **self.fields}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors and not self.asked()["set"]:
            raise ValidationError("Nothing is changed: give at least one new value.")
        return cleaned

    def asked(self) -> dict[str, Any]:
        wanted = {name for name in self.changed_data if name not in ("reason", "key")}
        values = {name: self.cleaned_data[name] for name in sorted(wanted)}
        if not values.get("open_sections", 1):
            del values["open_sections"]
        return {"set": {name: -1 if value is None else value for name, value in values.items()}}


class PermitForm(RequestForm):
    """A seat for one student, over the limit if need be (D5)."""

    kind = Kind.PERMIT
    number = forms.CharField(
        label="Student number", max_length=40, widget=UnfoldAdminTextInputWidget
    )
    section = forms.TypedChoiceField(
        label="Where", coerce=int, empty_value=None, required=False, widget=UnfoldAdminSelectWidget
    )
    field_order = ("number", "section", "reason", "key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["section"].choices = [  # type: ignore[attr-defined]
            ("", "wherever there is room, else the first that fits"),
            *self.places(),
        ]

    def clean_number(self) -> Student:
        number = self.cleaned_data["number"].strip()
        student = Student.objects.filter(number=number).first()
        if student is None:
            raise ValidationError("There is no student of this number.")
        return student

    def student(self) -> int | None:
        student: Student = self.cleaned_data["number"]
        return student.pk

    def asked(self) -> dict[str, Any]:
        section = self.cleaned_data["section"]
        return {} if section is None else {"section": section}


class TimetableForm(RequestForm):
    """Confirming the planned meetings of the course itself or of a section."""

    kind = Kind.TIMETABLE
    section = forms.TypedChoiceField(
        label="Confirm the meetings of", coerce=int, widget=UnfoldAdminSelectWidget
    )
    field_order = ("section", "reason", "key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.planned = self._planned()
        self.fields["section"].choices = [  # type: ignore[attr-defined]
            (number, f"{name}: {describe(self.planned[number])}") for number, name in self.places()
        ]

    def _planned(self) -> dict[int, Meets]:
        """What is planned for each place, from the meetings on its page."""
        numbers = {section.pk: section.section_number for section in self.sections}
        spans: dict[int, list[tuple[int, int]]] = {number: [] for number, _ in self.places()}
        for meeting in Meeting.objects.filter(offering=self.offering):
            place = BASE if meeting.section_id is None else numbers[meeting.section_id]
            spans[place].append(weekly(meeting.day, meeting.start, meeting.end))
        return {number: merge(planned) for number, planned in spans.items()}

    def asked(self) -> dict[str, Any]:
        section = self.cleaned_data["section"]
        meets = [list(span) for span in self.planned[section]]
        return {"section": section, "meets": meets}


class PauseForm(RequestForm):
    """Whether the offering takes students: what comes after it in line is refused when not."""

    kind = Kind.PAUSE
    status = forms.ChoiceField(
        label="From now on it is",
        choices=[
            (Status.PAUSED, "paused: requests are refused, nobody loses a seat"),
            (Status.OPEN, "open: requests are taken again"),
            (Status.CLOSED, "closed: not offered any more this term"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("status", "reason", "key")

    def clean_status(self) -> str:
        status: str = self.cleaned_data["status"]
        if status == self.offering.status:
            raise ValidationError("That is what it is already.")
        return status

    def asked(self) -> dict[str, Any]:
        return {"status": self.cleaned_data["status"]}


class MaximumForm(forms.Form):
    """A higher credit maximum for a student in a term."""

    term = forms.ModelChoiceField(
        Term.objects.order_by("-year", "code"), widget=UnfoldAdminSelectWidget
    )
    maximum = forms.IntegerField(
        label="New credit maximum",
        min_value=1,
        max_value=1000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(
        max_length=REASON_LETTERS, widget=UnfoldAdminTextareaWidget({"rows": 2})
    )


class WindowForm(forms.ModelForm):  # type: ignore[type-arg]
    """When whom may do what. Times are of the registrar's zone; the database keeps instants."""

    actions = forms.MultipleChoiceField(
        required=False,
        choices=[(k, k.capitalize()) for k in sorted(STUDENT_KINDS - {Kind.BUNDLE})],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What may be done in it; none ticked means everything. Enroll includes carts.",
    )
    cohorts = SimpleArrayField(
        forms.CharField(max_length=40),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whom it admits, separated by commas; empty means every student.",
    )

    class Meta:
        model = Window
        fields = ("term", "name", "opens_at", "closes_at", "actions", "cohorts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("opens_at", "closes_at"):
            if name in self.fields:
                self.fields[name].help_text = f"In {timezone.get_current_timezone_name()} time."

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        opens_at, closes_at = self.cleaned_data.get("opens_at"), self.cleaned_data.get("closes_at")
        if opens_at and closes_at and opens_at >= closes_at:
            self.add_error("closes_at", "A window closes after it opens.")
        return cleaned
