"""What people fill in about a proposal: what it says, what they decide, who stands in for them."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from courses.forms import AskingForm, VersionForm
from courses.models import Course, Department, Proposal
from courses.models.proposal import REMARK_LETTERS
from courses.proposals.steps import RATIONALE_LETTERS, Said
from courses.versioning import VERSIONED
from courses.workflow import DELEGABLE
from registrar.accounts.models import User
from registrar.accounts.roles import Role, roles_of


class ProposalForm(VersionForm):
    """What is proposed, filled with what the course or the draft says already."""

    subject = forms.CharField(
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="In a few words, for the lists of who decides.",
    )
    description = forms.CharField(
        max_length=400,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text="Why it should be so.",
    )
    department = forms.ModelChoiceField(
        Department.objects.none(), required=False, widget=UnfoldAdminSelectWidget
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        author: User,
        course: Course | None = None,
        draft: Proposal | None = None,
        **kwargs: Any,
    ) -> None:
        # A draft has the same columns and lists as the version it is to follow.
        super().__init__(*args, like=draft or course, **kwargs)  # type: ignore[arg-type]
        if draft is not None:
            about = {"subject": draft.subject, "description": draft.description}
            self.initial = {**self.initial, **about, "revision": draft.revision}
        elif course is None:
            self.initial = _as_new()
        self._ask_department(author, course, draft)
        self.order_fields(("subject", "description", "department"))

    def _ask_department(self, author: User, course: Course | None, draft: Proposal | None) -> None:
        """Only where there is a choice: a course's own department decides about its change."""
        may = [
            each.pk
            for each in Department.objects.order_by("code")
            if author.has_perm("courses.add_proposal", each)
        ]
        if draft is not None or (course is not None and course.department_id) or len(may) < 2:
            del self.fields["department"]
            return
        field = self.fields["department"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Department.objects.filter(pk__in=may).order_by("code")
        field.required = True

    @property
    def said(self) -> dict[str, Any]:
        """What differs from the course or the draft; of a valid form."""
        about = {name: self.cleaned_data[name] for name in ("subject", "description")}
        return {**self.changes, **about}


def _as_new() -> dict[str, Any]:
    """The defaults of the seed's proposals, which are not those of its courses."""
    return {
        name: Proposal._meta.get_field(name).get_default()  # type: ignore[union-attr]
        for name in (*VERSIONED,)
        if name not in ("disciplines", "pre_requisit_courses", "code", "name")
    }


class DecisionForm(AskingForm):
    """What whoever decides has to say, and the revision they have seen."""

    remarks = forms.CharField(
        max_length=REMARK_LETTERS,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="To its author. Needed when it is returned, rejected or reversed.",
    )
    rationale = forms.CharField(
        max_length=RATIONALE_LETTERS,
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="For the record: what the decision rests on.",
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    @property
    def words(self) -> Said:
        """Of a valid form."""
        return Said(self.cleaned_data["remarks"], self.cleaned_data["rationale"])


class ColleagueField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A person, by name."""

    def label_from_instance(self, obj: Any) -> str:
        name = obj.get_full_name()
        return f"{name} ({obj.get_username()})" if name else str(obj.get_username())


class DelegationForm(AskingForm):
    """Who acts for whom, in which role and until when."""

    delegate = ColleagueField(
        User.objects.none(), label="Colleague", widget=UnfoldAdminSelectWidget
    )
    role = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    starts_at = forms.SplitDateTimeField(label="From", widget=UnfoldAdminSplitDateTimeWidget)
    ends_at = forms.SplitDateTimeField(label="Until", widget=UnfoldAdminSplitDateTimeWidget)
    reason = forms.CharField(
        max_length=REMARK_LETTERS, required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, holder: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = [str(role) for role in Role if role is not Role.STUDENT]
        colleagues = User.objects.filter(
            is_staff=True, is_active=True, groups__name__in=staff
        ).exclude(pk=holder.pk)
        delegate, role = self.fields["delegate"], self.fields["role"]
        assert isinstance(delegate, forms.ModelChoiceField)
        assert isinstance(role, forms.ChoiceField)
        delegate.queryset = colleagues.distinct().order_by("last_name", "username")
        own = sorted(roles_of(holder) & DELEGABLE)
        role.choices = [(each, each.replace("_", " ").capitalize()) for each in own]
