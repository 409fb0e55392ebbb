"""What staff fill in about prerequisites: what a text means, and how an edge is meant."""

from typing import Any

from django import forms
from django.core.validators import MinValueValidator
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from courses.forms import AskingForm
from courses.models import CoursePrerequisite, CourseRule
from courses.requirements import Needs


class ReviewForm(AskingForm):
    """What somebody who has read a text makes of it."""

    plainly = forms.CharField(
        label="In plainer words",
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text=(
            "The same rule, which then holds in the text's place: “MATH 20A with at least C- and "
            "(CSE 11 or CSE 8B)”. Understood it must be to the last word."
        ),
    )
    note = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="Without plainer words: why a person goes on checking the text.",
    )

    def __init__(self, data: Any = None, *, rule: CourseRule) -> None:
        super().__init__(data, initial={"plainly": rule.wording, "note": rule.note})


class QualifyForm(AskingForm):
    """How one of a version's edges is meant."""

    needed = forms.TypedChoiceField(
        label="Course that is needed", coerce=int, widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label="When",
        choices=[
            (CoursePrerequisite.Kind.PREREQUISITE, "Passed before"),
            (CoursePrerequisite.Kind.COREQUISITE, "Passed before, or taken in the same term"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    minimum_version = forms.DecimalField(
        label="From version",
        required=False,
        max_digits=5,
        decimal_places=1,
        validators=[MinValueValidator(1)],
        widget=UnfoldAdminDecimalFieldWidget,
        help_text="Empty where any version of the course will do.",
    )

    def __init__(self, data: Any = None, *, needs: Needs) -> None:
        only = needs.edges[0] if len(needs.edges) == 1 else None
        said = {"kind": only.kind, "minimum_version": only.minimum_version} if only else {}
        super().__init__(data, initial=said)
        self.fields["needed"].choices = [  # type: ignore[attr-defined]
            (each.course, f"{each.code} {each.name}") for each in needs.edges
        ]
