"""What every admin page has in common: nothing is ever deleted, and most of it only read."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from registrar.audit.access import record_reading

F = TypeVar("F", bound=Callable[..., Any])


def actor(request: HttpRequest) -> str:
    """Who acts in the administration, as the logs name them."""
    assert not isinstance(request.user, AnonymousUser)
    return request.user.actor


class Searched(AutocompleteSelect):
    """One of too many to list. Django asks the database even for what cannot be an id."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [each for each in value if each.isdecimal()], attr)


class Searching:
    """Pages and parts of pages with such choices."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        page: Any = self
        if db_field.name in page.get_autocomplete_fields(request):
            kwargs["widget"] = Searched(db_field, page.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class KeptAdmin(Searching, ModelAdmin):  # type: ignore[misc]
    """Records that stay: what has a history is not deleted (T20).

    The matrix is asked about the record itself, not only about its kind: Django's own pages would
    let a department's people at every department's records.
    """

    list_per_page = 50
    show_full_result_count = False
    actions: Any = None

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A filter's value that no column can have is one that Django knows what to do with."""
        if "%00" in request.META["QUERY_STRING"]:
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view", obj) or self.may(request, "change", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def may(self, request: HttpRequest, verb: str, record: Model | None) -> bool:
        """Whether the matrix lets this person do so to this record, or to any."""
        permission = f"{self.opts.app_label}.{verb}_{self.opts.model_name}"
        return request.user.has_perm(permission, record)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(KeptAdmin):
    """Records that only the pipeline writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WatchedAdmin(ModelAdmin):  # type: ignore[misc]
    """Records of people: whoever reads them here stands in the access log (S1-104)."""

    def whose(self, record: Any) -> str:
        """The person that a record is about."""
        return f"{record._meta.model_name}:{record.pk}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self._watched(request, super().changelist_view(request, extra_context))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._watched(request, super().changeform_view(request, *args, **kwargs))

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._watched(request, super().history_view(request, *args, **kwargs))

    def _watched(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Written down before the page is rendered; what was refused shows nobody."""
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown:
            self.watch(request, shown["cl"].result_list)
        elif record := shown.get("original") or shown.get("object"):
            self.watch(request, [record])
        return response

    def watch(self, request: HttpRequest, records: Iterable[Model]) -> None:
        """A line for whoever these are about; a page of a subclass's own calls it."""
        record_reading(
            actor=actor(request),
            what=self.opts.label_lower,
            whose=map(self.whose, records),
            route=request.get_full_path(),
            at=timezone.now(),
        )


def colored(
    description: str, colors: Mapping[str, str], ordering: str | None = None
) -> Callable[[F], F]:
    """A column whose words are shown as labels in these colors."""
    made = display(description=description, label=dict(colors), ordering=ordering)
    return cast(Callable[[F], F], made)


def button(
    description: str, icon: str, *, asks: str = "ask", warns: bool = False
) -> Callable[[F], F]:
    """A page of its own behind a button on a record's page, for who has `asks`."""
    variant = ActionVariant.WARNING if warns else ActionVariant.DEFAULT
    made = action(description=description, icon=icon, permissions=[asks], variant=variant)
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
