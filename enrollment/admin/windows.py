"""Windows in the admin: saving one writes its clocked tasks, and its page shows what they did."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_beat.models import PeriodicTask

from enrollment import windows
from enrollment.forms import WindowForm
from enrollment.models import Window
from registrar.admin import KeptAdmin, actor, colored, pretty, to_the_second
from registrar.audit.models import Entry

from .asking import now

STATE_COLORS = {"ahead": "info", "open": "success", "closed": "warning", "reported": "primary"}


@admin.register(Window)
class WindowAdmin(KeptAdmin):
    """Admission goes by the two times alone; the rest of the page tells what was announced."""

    form = WindowForm
    list_display = ("name", "term", "opens_at", "closes_at", "state")
    list_filter = ("term",)
    list_select_related = ("term",)
    search_fields = ("name", "term__code")
    ordering = ("-opens_at", "-id")
    autocomplete_fields = ("term",)
    shown = ("opening", "closing", "reported", "report")
    fieldsets = (
        (None, {"fields": ("term", "name", "opens_at", "closes_at")}),
        ("Whom it admits to what", {"fields": ("actions", "cohorts")}),
        ("What happened", {"fields": shown}),
    )
    add_fieldsets = fieldsets[:2]
    readonly_fields = shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Window]:
        queryset: QuerySet[Window] = super().get_queryset(request)
        return queryset.annotate(at=Now())

    def save_model(self, request: HttpRequest, obj: Window, form: Any, change: bool) -> None:
        windows.save(obj, actor=actor(request), now=now())

    def has_delete_permission(self, request: HttpRequest, obj: Window | None = None) -> bool:
        """Until it opens; afterwards it is history, and its end can be moved instead."""
        if obj is None or obj.opened_at is not None or obj.opens_at <= now():
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: Window) -> None:
        if not windows.remove(obj, actor=actor(request), now=now()):
            text = "The window opened in the meantime; it was not deleted."
            messages.error(request, text)

    @colored("state", STATE_COLORS)
    def state(self, window: Any) -> str:
        if window.at < window.opens_at:
            return "ahead"
        if window.at < window.closes_at:
            return "open"
        return "reported" if window.reported_at else "closed"

    @admin.display(description="opening announced")
    def opening(self, window: Window) -> SafeString:
        return _told(window.opened_at, window.open_task)

    @admin.display(description="closing announced")
    def closing(self, window: Window) -> SafeString:
        return _told(window.closed_at, window.close_task)

    @admin.display(description="reported")
    def reported(self, window: Window) -> str:
        return to_the_second(window.reported_at)

    @admin.display(description="final report")
    def report(self, window: Window) -> Any:
        entry = (
            Entry.objects.filter(stream=f"window:{window.pk}", event="window_reported")
            .order_by("-seq")
            .first()
        )
        if entry is None or window.reported_at is None:
            return "when all that it accepted is decided"
        return pretty(json.loads(entry.body))


def _told(at: Any, task: PeriodicTask | None) -> SafeString:
    """When it was announced, and the task that does it."""
    when = to_the_second(at)
    if task is None:
        return format_html("{} (its task is written within half a minute)", when)
    url = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    return format_html('{} (by task <a class="underline" href="{}">{}</a>)', when, url, task.name)
