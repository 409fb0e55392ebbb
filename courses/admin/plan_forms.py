"""What staff fill in about study plans: programmes, plans, slots, batches and who is in them."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from courses.forms import AskingForm
from courses.models import Batch, Course, Curriculum, Discipline, Programme, SlotType
from courses.plans.batches import BatchFields
from courses.plans.writing import MOST_SEMESTERS, SlotFields
from registrar.accounts.models import User

BIGGEST = 2**31 - 1


def _number(label: str, at_least: int = 0, **said: Any) -> forms.IntegerField:
    widget = UnfoldAdminIntegerFieldWidget()
    most = said.pop("at_most", BIGGEST)
    return forms.IntegerField(
        label=label, min_value=at_least, max_value=most, widget=widget, **said
    )


def _text(label: str, **said: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=100, widget=UnfoldAdminTextInputWidget(), **said)


class ProgrammeForm(AskingForm):
    category = forms.ChoiceField(
        choices=Programme.Category.choices, widget=UnfoldAdminSelectWidget()
    )
    name = _text("Name")
    disciplines = forms.ModelMultipleChoiceField(
        Discipline.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget(),
        help_text="Batches of these disciplines may study by its plans; none means any.",
    )


class PlanForm(AskingForm):
    programme = forms.ModelChoiceField(
        Programme.objects.order_by("category", "name"), widget=UnfoldAdminSelectWidget()
    )
    name = _text("Name", help_text="It begins at version 1.0 with all its semesters.")
    no_of_semester = _number("Semesters", 1, at_most=MOST_SEMESTERS, initial=8)
    min_credit = _number("Credits needed")


class CreditsForm(AskingForm):
    min_credit = _number("Credits needed")


class PlanVersionForm(AskingForm):
    step = forms.ChoiceField(
        label="Number",
        choices=[("whole", "The next whole number"), ("tenth", "Higher by 0.1")],
        widget=UnfoldAdminSelectWidget(),
    )
    renew = forms.BooleanField(
        label="Take the latest version of every course",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Of those that are offered; the old version keeps what it has.",
    )


class SlotForm(AskingForm):
    name = _text("Name")
    type = forms.ChoiceField(choices=SlotType.choices, widget=UnfoldAdminSelectWidget())
    course_slot_info = forms.CharField(
        label="Information",
        required=False,
        max_length=4000,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )
    duration = _number("Duration", 1, at_most=MOST_SEMESTERS, initial=1, help_text="In semesters.")
    min_registration_limit = _number("Fewest students", initial=0)
    max_registration_limit = _number("Most students", initial=1000)

    def fields_given(self) -> SlotFields:
        """Of a valid form."""
        return SlotFields(**self.cleaned_data)


class PutForm(AskingForm):
    course = forms.ModelChoiceField(
        Course.objects.all(),
        help_text="Search by code or name. An older version of it in the slot makes place.",
    )


class BatchForm(AskingForm):
    name = _text("Name")
    discipline = forms.ModelChoiceField(
        Discipline.objects.order_by("name"), widget=UnfoldAdminSelectWidget()
    )
    year = _number("Year", 1900, at_most=2200, help_text="In which its students begin.")
    curriculum = forms.ModelChoiceField(
        Curriculum.objects.select_related("programme").order_by("name", "-version"),
        label="Plan",
        help_text="What its students see as theirs. Registration does not ask for it yet.",
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    running_batch = forms.BooleanField(
        label="Running", required=False, initial=True, widget=UnfoldBooleanSwitchWidget()
    )
    total_seats = _number("Seats", initial=60)

    def fields_given(self) -> BatchFields:
        """Of a valid form."""
        said = dict(self.cleaned_data)
        plan = said.pop("curriculum")
        return BatchFields(
            **said | {"discipline": said["discipline"].pk}, curriculum=plan.pk if plan else None
        )


class MemberForm(AskingForm):
    user = forms.ModelChoiceField(User.objects.all(), label="Student")
    batch = forms.ModelChoiceField(
        Batch.objects.order_by("-year", "name"),
        widget=UnfoldAdminSelectWidget(),
        help_text="A person is in one batch at a time.",
    )
