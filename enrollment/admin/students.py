"""Students and their load in a term; the credit maximum is raised by an operation."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from courses.models import Term
from enrollment.forms import MaximumForm
from enrollment.models import Student, StudentTerm
from enrollment.students import Raised, raise_maximum
from registrar.admin import KeptAdmin, WatchedAdmin, actor, button

from .asking import may_ask, now, page
from .records import StudentsAdmin


@admin.register(Student)
class StudentAdmin(WatchedAdmin, KeptAdmin):
    list_display = ("number", "cohort", "user")
    list_select_related = ("user",)
    search_fields = ("number", "cohort", "user__username")
    ordering = ("number",)
    autocomplete_fields = ("user",)
    fields = ("number", "cohort", "user")
    actions_detail = ("maximum",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A student may have no login yet."""
        return super().formfield_for_foreignkey(db_field, request, **{**kwargs, "required": False})

    def has_ask_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_ask(request)

    @button("Raise credit maximum", "trending_up")
    def maximum(self, request: HttpRequest, object_id: str) -> HttpResponse:
        student = self.get_object(request, object_id)
        if student is None:
            raise Http404
        back = reverse("admin:enrollment_student_change", args=[student.pk])
        form = MaximumForm(request.POST or None, initial={"term": request.GET.get("term")})
        if form.is_valid() and _raise(request, student, form):
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Raise the credit maximum of {student}",
            "intro": "Wherever the student waits, the line is looked at again.",
            "form": form,
            "button": "Raise",
            "back": back,
            "opts": self.opts,
        }
        return page(request, context)


def _raise(request: HttpRequest, student: Student, form: MaximumForm) -> bool:
    term: Term = form.cleaned_data["term"]
    done = raise_maximum(
        student=student.pk,
        term=term.pk,
        maximum=form.cleaned_data["maximum"],
        reason=form.cleaned_data["reason"],
        actor=actor(request),
        now=now(),
    )
    if isinstance(done, Raised):
        text = f"The maximum of {student} in {term} is {form.cleaned_data['maximum']} now; "
        text += f"it was {done.before}. Waitlists looked at again: {len(done.rechecks)}."
        messages.success(request, text)
        return True
    form.add_error("maximum", f"It is {done.maximum} already. It can only be raised.")
    return False


@admin.register(StudentTerm)
class StudentTermAdmin(StudentsAdmin):
    """Credits are what the seats sum to; the maximum is raised on the student's page."""

    list_display = ("student", "term", "credits", "max_credits")
    list_filter = ("term",)
    list_select_related = ("student", "term")
    search_fields = ("student__number",)
    ordering = ("term", "student__number")
