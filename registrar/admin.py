"""What every admin page has in common: nothing is ever deleted, and most of it only read."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

F = TypeVar("F", bound=Callable[..., Any])


class KeptAdmin(ModelAdmin):  # type: ignore[misc]
    """Records that stay: what has a history is not deleted (T20)."""

    list_per_page = 50
    show_full_result_count = False
    actions: Any = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(KeptAdmin):
    """Records that only the pipeline writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def colored(
    description: str, colors: Mapping[str, str], ordering: str | None = None
) -> Callable[[F], F]:
    """A column whose words are shown as labels in these colors."""
    made = display(description=description, label=dict(colors), ordering=ordering)
    return cast(Callable[[F], F], made)


def button(description: str, icon: str, *, warns: bool = False) -> Callable[[F], F]:
    """A page of its own behind a button on a record's page, for who may `ask`."""
    variant = ActionVariant.WARNING if warns else ActionVariant.DEFAULT
    made = action(description=description, icon=icon, permissions=["ask"], variant=variant)
    return cast(Callable[[F], F], made)


def to_the_second(at: datetime | None) -> str:
    """A moment in the zone of whoever looks; order is seen in seconds, not in minutes."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else "not yet"


def pretty(value: Any) -> SafeString:
    """JSON to be read."""
    return verbatim(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def verbatim(text: str) -> SafeString:
    """A text as it is, broken where the page ends."""
    style = "white-space: pre-wrap; overflow-wrap: anywhere"
    return format_html('<pre style="{}">{}</pre>', style, text)
