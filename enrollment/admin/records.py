"""What the pipeline wrote, to be read: requests and outcomes, seats, waitlists, settlements."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from enrollment.models import Attempt, Enrollment, Outcome, Request, Settlement, WaitlistEntry
from enrollment.rules import REASONS
from registrar.admin import ReadOnlyAdmin, WatchedAdmin, colored, pretty, to_the_second, verbatim

from .asking import request_link

_COLORS = {
    "ENROLLED": "success",
    "WAITLISTED": "info",
    "DONE": "success",
    "REFUSED": "warning",
    "FAILED_INTERNAL": "danger",
}
FACTS_SHOWN = 20_000
"""Characters of a settlement's facts on its page; all of them can be many megabytes."""


class StudentsAdmin(WatchedAdmin, ReadOnlyAdmin):
    """Records of students, one a row."""

    def whose(self, record: Any) -> str:
        return f"student:{record.student_id}" if record.student_id else ""


@admin.register(Request)
class RequestAdmin(StudentsAdmin):
    """A request in its place in line, and what became of it."""

    list_display = ("id", "kind", "student", "result", "code", "actor", "accepted")
    list_filter = ("kind",)
    list_select_related = ("student",)
    search_fields = ("=student__number", "=actor")
    search_help_text = "A student's number, or an actor (user:7)"
    ordering = ("-id",)
    fields = (
        "id",
        "kind",
        "actor",
        "student",
        "accepted",
        "window_id",
        "offerings",
        "asked",
        "result",
        "code",
        "sentence",
        "facts",
        "settlement",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Request]:
        outcome = Outcome.objects.filter(request_id=OuterRef("pk"))
        queryset: QuerySet[Request] = super().get_queryset(request)
        return queryset.defer("body_hash").annotate(
            outcome_result=Subquery(outcome.values("result")),
            outcome_code=Subquery(outcome.values("code")),
        )

    @admin.display(description="accepted at", ordering="accepted_at")
    def accepted(self, asked: Request) -> str:
        return to_the_second(asked.accepted_at)

    @admin.display(description="asked")
    def asked(self, asked: Request) -> SafeString:
        return pretty(asked.body)

    @colored("result", _COLORS)
    def result(self, asked: Any) -> str:
        return asked.outcome_result or "in line"

    @admin.display(description="code")
    def code(self, asked: Any) -> str:
        return asked.outcome_code or ""

    @admin.display(description="why")
    def sentence(self, asked: Any) -> str:
        reason = REASONS.get(asked.outcome_code)
        return f"{reason.sentence} {reason.remedy}" if reason else ""

    @admin.display(description="facts")
    def facts(self, asked: Request) -> SafeString | str:
        outcome = Outcome.objects.filter(pk=asked.pk).first()
        return pretty(outcome.facts) if outcome else ""

    @admin.display(description="settlement")
    def settlement(self, asked: Request) -> int | None:
        return Outcome.objects.filter(pk=asked.pk).values_list("settlement_id", flat=True).first()


@admin.register(Enrollment)
class EnrollmentAdmin(StudentsAdmin):
    list_display = ("student", "offering", "section", "active", "credits", "asked_by")
    list_filter = ("active",)
    list_select_related = ("student", "offering__course", "offering__term", "section")
    search_fields = ("=student__number", "=offering__course__code", "=section__code")
    ordering = ("-id",)
    exclude = ("meets",)

    @admin.display(description="request")
    def asked_by(self, seat: Enrollment) -> SafeString | str:
        return request_link(seat.request_id, str(seat.request_id)) if seat.request_id else ""


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(StudentsAdmin):
    list_display = ("student", "offering", "section", "state", "passed_over", "asked_by")
    list_filter = ("state",)
    list_select_related = ("student", "offering__course", "offering__term", "section")
    search_fields = ("=student__number", "=offering__course__code")
    ordering = ("offering", "request_id")

    @admin.display(description="request (the place in line)", ordering="request_id")
    def asked_by(self, place: WaitlistEntry) -> SafeString:
        return request_link(place.request_id, str(place.request_id))


@admin.register(Settlement)
class SettlementAdmin(WatchedAdmin, ReadOnlyAdmin):
    """One batch: its number is its place in the order in which everything was decided."""

    list_display = ("id", "decided", "held", "worker", "at")
    ordering = ("-id",)
    fields = ("id", "at", "decided", "worker", "offerings", "known")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Settlement]:
        queryset: QuerySet[Settlement] = super().get_queryset(request)
        return queryset.defer("facts")

    @admin.display(description="decided at", ordering="decided_at")
    def at(self, settlement: Settlement) -> str:
        return to_the_second(settlement.decided_at)

    @admin.display(description="offerings held")
    def held(self, settlement: Settlement) -> int:
        return len(settlement.offerings)

    @admin.display(description="facts it decided on")
    def known(self, settlement: Settlement) -> SafeString:
        text = settlement.facts
        shown = text[:FACTS_SHOWN] + ("…" if len(text) > FACTS_SHOWN else "")
        return verbatim(shown)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """A settlement under way, or one whose worker died: then these requests are tried alone."""

    list_display = ("id", "first_request", "last_request", "begun_at")
    ordering = ("-id",)
