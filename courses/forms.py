"""What staff fill in about a course: what a version says, its next state, why it goes back."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Field
from unfold.overrides import FORMFIELD_OVERRIDES
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from .history import content
from .lifecycle import TRANSITIONS, State
from .models import Course, Department, Discipline, with_code
from .refusal import Refused
from .versioning import CONTENT, PERCENTAGES, VERSIONED, Bump, normal_code

_KEPT = "Kept in the course's history for good."


class AskingForm(forms.Form):
    """A form about a course that the catalogue may refuse."""

    def refuse(self, refused: Refused) -> None:
        """Say it beside the fields it is about, and above them where it is about none."""
        for name, said in refused.fields.items():
            self.add_error(name if name in self.fields else None, said)
        if not refused.fields:
            self.add_error(None, str(refused))


def _field_of(column: "Field[Any, Any]") -> forms.Field:
    """The column's own form field with the administration's widget."""
    kinds = (kind for kind in type(column).__mro__ if kind in FORMFIELD_OVERRIDES)
    widget = FORMFIELD_OVERRIDES.get(next(kinds, None), {})
    made = column.formfield(**widget)
    assert made is not None
    return made


class VersionForm(AskingForm):
    """Every field of a version, filled with those of the version that it is to follow.

    `changes` are the fields that were filled in differently, and no others (T10).
    """

    disciplines = forms.ModelMultipleChoiceField(
        Discipline.objects.order_by("name"),
        required=False,
        initial=(),
        widget=UnfoldAdminSelectMultipleWidget,
    )
    pre_requisit_courses = forms.CharField(
        label="Courses needed before",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Codes, with commas between them. Any version of a course will do.",
    )

    def __init__(self, data: Any = None, *, like: Course | None = None) -> None:
        super().__init__(data, initial=_as_shown(like) if like else None)
        self.like = like
        columns = {name: _field_of(Course._meta.get_field(name)) for name in CONTENT}  # type: ignore[arg-type]
        self.fields = {**columns, **self.fields}
        self.order_fields(("code", "name", "credit", "max_seats", "disciplines", *CONTENT))

    def clean_pre_requisit_courses(self) -> frozenset[int]:
        given = self.cleaned_data["pre_requisit_courses"].replace(";", ",").split(",")
        codes = {normal_code(code) for code in given if code.strip()}
        found = {normal_code(c.code): c.pk for c in with_code(Course.latest, *codes)}
        if unknown := sorted(codes - found.keys()):
            raise ValidationError(f"There is no course with the code {', '.join(unknown)}.")
        return self._same_rows(frozenset(found.values()))

    def _same_rows(self, ids: frozenset[int]) -> frozenset[int]:
        """An edge to an older version of the same course is the same edge (T16)."""
        if self.like is None:
            return ids
        lineages = dict(Course.objects.filter(pk__in=ids).values_list("lineage", "pk"))
        kept = dict(self.like.pre_requisit_courses.values_list("lineage", "pk"))
        return frozenset(kept.get(lineage, pk) for lineage, pk in lineages.items())

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        parts = [self.cleaned_data[name] for name in PERCENTAGES if name in self.cleaned_data]
        if len(parts) == len(PERCENTAGES) and sum(parts) != 100:
            message = f"Assessment percentages must sum to 100%, these sum to {sum(parts)}%."
            self.add_error(PERCENTAGES[0], message)
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        """Of a valid form."""
        changed = set(self.changed_data) if self.like else set(VERSIONED)
        return {name: self.cleaned_data[name] for name in VERSIONED if name in changed}


class NextVersionForm(VersionForm):
    """The next version of a course, and what a person decides about its number."""

    override = forms.ChoiceField(
        label="Bump",
        required=False,
        choices=[
            ("", "As the rules call for"),
            *((b, b) for b in (Bump.PATCH, Bump.MINOR, Bump.MAJOR)),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text="Another than the rules call for needs a reason.",
    )
    reason = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget({"rows": 2}), help_text=_KEPT
    )

    @property
    def decided(self) -> Bump | None:
        """The bump a person decided on; of a valid form."""
        chosen = self.cleaned_data["override"]
        return Bump(chosen) if chosen else None


class FirstVersionForm(VersionForm):
    """A course that is not there yet."""

    department = forms.ModelChoiceField(
        Department.objects.order_by("code"), required=False, widget=UnfoldAdminSelectWidget
    )
    draft = forms.BooleanField(
        label="As a draft", required=False, help_text="To be activated when it is approved."
    )


class StateForm(AskingForm):
    """Where a version goes from here."""

    state = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(widget=UnfoldAdminTextareaWidget({"rows": 2}), help_text=_KEPT)

    def __init__(self, *args: Any, course: Course, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = sorted(TRANSITIONS[State(course.state)])
        self.fields["state"].choices = [(way, way.capitalize()) for way in ways]  # type: ignore[attr-defined]


class BackForm(AskingForm):
    """Why an old version is to hold again."""

    reason = forms.CharField(widget=UnfoldAdminTextareaWidget({"rows": 2}), help_text=_KEPT)


def _as_shown(course: Course) -> dict[str, Any]:
    codes = course.pre_requisit_courses.order_by("code").values_list("code", flat=True)
    return {
        **content(course),
        "disciplines": list(course.disciplines.values_list("pk", flat=True)),
        "pre_requisit_courses": ", ".join(codes),
    }
