"""Study plans in the admin: programmes, and their plans on a page each."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from courses.forms import AskingForm
from courses.importing import resources
from courses.models import (
    CourseSlot,
    CourseSlotCourse,
    Curriculum,
    Programme,
)
from courses.plans import hierarchy, versions, writing
from courses.refusal import Refused
from registrar.admin import colored

from .acting import ActingAdmin, by, done
from .files import InAndOut
from .plan_forms import (
    CreditsForm,
    PlanForm,
    PlanVersionForm,
    ProgrammeForm,
    PutForm,
    SlotForm,
)

LATEST = {"latest": "success", "superseded": "warning"}


@admin.register(Programme)
class ProgrammeAdmin(InAndOut, ActingAdmin):
    resource_classes = (resources.Programmes,)
    noun = "a programme"
    list_display = ("name", "category", "of", "plans")
    list_filter = ("category", "disciplines")
    search_fields = ("name",)
    ordering = ("category", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Programme]:
        programmes: QuerySet[Programme] = super().get_queryset(request)
        latest = Count("curricula", filter=Q(curricula__latest_version=True))
        return programmes.prefetch_related("disciplines").annotate(latest_plans=latest)

    @admin.display(description="disciplines")
    def of(self, programme: Programme) -> str:
        return ", ".join(sorted(each.name for each in programme.disciplines.all())) or "any"

    @admin.display(description="plans", ordering="latest_plans")
    def plans(self, programme: Any) -> int:
        return int(programme.latest_plans)

    def asked(self, request: HttpRequest, obj: Programme | None) -> AskingForm:
        initial: dict[str, Any] = {}
        if obj is not None:
            initial = {"category": obj.category, "name": obj.name}
            initial["disciplines"] = list(obj.disciplines.values_list("pk", flat=True))
        return ProgrammeForm(request.POST or None, initial=initial)

    def acted(self, request: HttpRequest, form: AskingForm, obj: Programme | None) -> int:
        said = dict(form.cleaned_data)
        ids = [each.pk for each in said.pop("disciplines")]
        which = None if obj is None else obj.pk
        return writing.save_programme(**said, disciplines=ids, programme=which, **by(request))


@admin.register(Curriculum)
class CurriculumAdmin(InAndOut, ActingAdmin):
    """A plan is a page: its semesters, slots and courses, and what may be done to them."""

    noun = "a study plan"
    resource_classes = (resources.Plans, resources.PlanSemesters, resources.Slots)
    list_display = ("name", "version", "programme", "place", "no_of_semester", "min_credit", "used")
    list_filter = ("latest_version", "programme")
    list_select_related = ("programme",)
    search_fields = ("name", "programme__name")
    ordering = ("programme", "name", "-version")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Curriculum]:
        plans: QuerySet[Curriculum] = super().get_queryset(request)
        running = Count("batches", filter=Q(batches__running_batch=True))
        return plans.annotate(running=running)

    @colored("place", LATEST, ordering="latest_version")
    def place(self, plan: Curriculum) -> str:
        return "latest" if plan.latest_version else "superseded"

    @admin.display(description="running batches", ordering="running")
    def used(self, plan: Any) -> int:
        return int(plan.running)

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("<int:plan>/credits/", "credits", self.credits),
            ("<int:plan>/version/", "version", self.version),
            ("<int:plan>/semester/", "semester", require_POST(self.semester)),
            ("<int:plan>/semesters/<int:number>/slot/", "slot_add", self.slot_add),
            ("<int:plan>/slots/<int:slot>/", "slot", self.slot),
            ("<int:plan>/slots/<int:slot>/course/", "put", self.put),
            (
                "<int:plan>/slots/<int:slot>/courses/<int:course>/use/",
                "use",
                require_POST(self.use),
            ),
            (
                "<int:plan>/slots/<int:slot>/courses/<int:course>/out/",
                "out",
                require_POST(self.out),
            ),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"courses_curriculum_{name}")
            for route, name, view in pages
        ]
        return [*ours, *super().get_urls()]

    # The page -----------------------------------------------------------------------------

    def asked(self, request: HttpRequest, obj: Curriculum | None) -> AskingForm:
        return PlanForm(request.POST or None, initial={"programme": request.GET.get("programme")})

    def acted(self, request: HttpRequest, form: AskingForm, obj: Curriculum | None) -> int:
        said = dict(form.cleaned_data)
        programme = said.pop("programme").pk
        return writing.create_curriculum(programme=programme, **said, **by(request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        plan = self.get_object(request, object_id)
        if plan is None:
            raise Http404
        if not self.has_view_permission(request, plan):
            raise PermissionDenied
        others = Curriculum.objects.filter(programme=plan.programme_id, name=plan.name)
        seen = hierarchy.curriculum(plan.pk)
        assert seen is not None
        open_to_change = seen.latest or any(batch.running for batch in seen.batches)
        context = {
            **self.admin_site.each_context(request),
            "title": str(plan),
            "plan": seen,
            "versions": others.order_by("-version"),
            "closed": not open_to_change,
            "may_version": seen.latest and self._allowed(request, "add_curriculum"),
            "may_change": open_to_change and self._allowed(request, "change_curriculum"),
            "may_slot": open_to_change and self._allowed(request, "change_courseslot"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "courses/study_plan.html", context)

    # What may be done to it ---------------------------------------------------------------

    def credits(self, request: HttpRequest, plan: int) -> HttpResponse:
        found = self._plan(request, plan, "change_curriculum")
        initial = {"min_credit": found.min_credit}
        form = CreditsForm(request.POST or None, initial=initial)
        return self._page(
            request,
            plan,
            form,
            lambda: writing.change_needed(curriculum=plan, **form.cleaned_data, **by(request)),
            title=f"Credits needed by {found}",
            button="Save",
        )

    def version(self, request: HttpRequest, plan: int) -> HttpResponse:
        found = self._plan(request, plan, "add_curriculum")
        form = PlanVersionForm(request.POST or None)
        made = done(
            form,
            lambda: versions.new_version(
                curriculum=plan,
                whole=form.cleaned_data["step"] == "whole",
                renew=form.cleaned_data["renew"],
                **by(request),
            ),
        )
        if made is not None:
            messages.success(request, f"This version follows {found}, which stays as it was.")
            return HttpResponseRedirect(_page_of(made))
        intro = "A copy of its semesters, slots and courses. Batches stay with what they study by."
        title = f"The version after {found}"
        return self.asking(
            request, form, title=title, button="Make version", back=_page_of(plan), intro=intro
        )

    def semester(self, request: HttpRequest, plan: int) -> HttpResponse:
        self._plan(request, plan, "change_curriculum")
        return self._act(
            request, plan, lambda: writing.add_semester(curriculum=plan, **by(request))
        )

    def slot_add(self, request: HttpRequest, plan: int, number: int) -> HttpResponse:
        found = self._plan(request, plan, "change_courseslot")
        form = SlotForm(request.POST or None)
        return self._page(
            request,
            plan,
            form,
            lambda: writing.add_slot(
                curriculum=plan, semester_no=number, slot=form.fields_given(), **by(request)
            ),
            title=f"A slot in semester {number} of {found}",
            button="Add slot",
        )

    def slot(self, request: HttpRequest, plan: int, slot: int) -> HttpResponse:
        found = self._slot(request, plan, slot)
        initial = {name: getattr(found, name) for name in writing.SlotFields._fields}
        form = SlotForm(request.POST or None, initial=initial)
        return self._page(
            request,
            plan,
            form,
            lambda: writing.change_slot(slot=slot, to=form.fields_given(), **by(request)),
            title=f"Change slot {found}",
            button="Save",
        )

    def put(self, request: HttpRequest, plan: int, slot: int) -> HttpResponse:
        found = self._slot(request, plan, slot)
        form = PutForm(request.POST or None)
        self.look_up(form, "course", CourseSlotCourse._meta.get_field("course"))
        return self._page(
            request,
            plan,
            form,
            lambda: writing.put_course(
                slot=slot, course=form.cleaned_data["course"].pk, **by(request)
            ),
            title=f"A course in slot {found}",
            button="Put in",
        )

    def use(self, request: HttpRequest, plan: int, slot: int, course: int) -> HttpResponse:
        """Put the latest version of a course where an older one stands."""
        self._slot(request, plan, slot)
        return self._act(
            request,
            plan,
            lambda: writing.put_course(slot=slot, course=course, **by(request)),
        )

    def out(self, request: HttpRequest, plan: int, slot: int, course: int) -> HttpResponse:
        self._slot(request, plan, slot)
        return self._act(
            request,
            plan,
            lambda: writing.take_course(slot=slot, course=course, **by(request)),
        )

    def _allowed(self, request: HttpRequest, verb: str) -> bool:
        return request.user.has_perm(f"courses.{verb}")

    def _plan(self, request: HttpRequest, plan: int, verb: str) -> Curriculum:
        if not self._allowed(request, verb):
            raise PermissionDenied
        found: Curriculum | None = self.get_object(request, str(plan))
        if found is None:
            raise Http404
        return found

    def _slot(self, request: HttpRequest, plan: int, slot: int) -> CourseSlot:
        self._plan(request, plan, "change_courseslot")
        found = CourseSlot.objects.filter(pk=slot, semester__curriculum=plan).first()
        if found is None:
            raise Http404
        return found

    def _page(
        self,
        request: HttpRequest,
        plan: int,
        form: AskingForm,
        act: Callable[[], int],
        *,
        title: str,
        button: str,
    ) -> HttpResponse:
        if done(form, act) is not None:
            return HttpResponseRedirect(_page_of(plan))
        return self.asking(request, form, title=title, button=button, back=_page_of(plan))

    def _act(self, request: HttpRequest, plan: int, act: Callable[[], int]) -> HttpResponse:
        """A button without a form."""
        try:
            act()
        except Refused as refused:
            messages.error(request, refused.sentence)
        return HttpResponseRedirect(_page_of(plan))


def _page_of(plan: int) -> str:
    return reverse("admin:courses_curriculum_change", args=[plan])
