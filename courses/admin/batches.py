"""Batches in the admin, and who is in them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from courses.forms import AskingForm
from courses.importing import resources
from courses.models import Batch, BatchMember
from courses.plans import batches
from registrar.admin import WatchedAdmin, colored

from .acting import ActingAdmin, by
from .files import InAndOut
from .plan_forms import BatchForm, MemberForm

RUNNING = {"running": "success", "ended": "info"}


@admin.register(Batch)
class BatchAdmin(InAndOut, ActingAdmin):
    """Which plan a batch studies by. Registration does not ask for it yet."""

    noun = "a batch"
    resource_classes = (resources.Batches,)
    list_display = ("name", "year", "discipline", "curriculum", "seats", "state")
    list_filter = ("running_batch", "year", "discipline")
    list_select_related = ("discipline", "curriculum")
    search_fields = ("name", "discipline__name")
    ordering = ("-year", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        found: QuerySet[Batch] = super().get_queryset(request)
        return found.annotate(taken=Count("members"))

    @admin.display(description="seats taken", ordering="taken")
    def seats(self, batch: Any) -> str:
        return f"{batch.taken} of {batch.total_seats}"

    @colored("state", RUNNING, ordering="running_batch")
    def state(self, batch: Batch) -> str:
        return "running" if batch.running_batch else "ended"

    def asked(self, request: HttpRequest, obj: Batch | None) -> AskingForm:
        initial = {} if obj is None else batches.fields_of(obj)._asdict()
        return BatchForm(request.POST or None, initial=initial)

    def acted(self, request: HttpRequest, form: AskingForm, obj: Batch | None) -> int:
        assert isinstance(form, BatchForm)
        if obj is None:
            return batches.create_batch(batch=form.fields_given(), **by(request))
        return batches.change_batch(batch=obj.pk, to=form.fields_given(), **by(request))


@admin.register(BatchMember)
class BatchMemberAdmin(WatchedAdmin, ActingAdmin):
    """Who is in which batch; to change it is to join another."""

    noun = "a student to a batch"
    list_display = ("user", "batch")
    list_filter = ("batch",)
    list_select_related = ("user", "batch")
    search_fields = ("user__username", "user__first_name", "user__last_name", "batch__name")
    ordering = ("batch", "user__username")

    def whose(self, record: BatchMember) -> str:
        return f"user:{record.user_id}"

    def asked(self, request: HttpRequest, obj: BatchMember | None) -> AskingForm:
        if obj:
            self.watch(request, [obj])
        initial = {"user": obj.user_id, "batch": obj.batch_id} if obj else None
        form = MemberForm(request.POST or None, initial=initial)
        self.look_up(form, "user", BatchMember._meta.get_field("user"))
        return form

    def acted(self, request: HttpRequest, form: AskingForm, obj: BatchMember | None) -> int:
        said = form.cleaned_data
        return batches.join(batch=said["batch"].pk, user=said["user"].pk, **by(request))
