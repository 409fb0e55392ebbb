"""Pages whose form is handed to an operation, which writes, or says beside the field why not."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from courses.forms import AskingForm
from courses.refusal import Refused
from registrar.accounts.models import User
from registrar.admin import KeptAdmin, Searched

T = TypeVar("T")
BUSY = "Somebody is changing it at this moment. Nothing was done: try again."
"""For whoever waited for a lock as long as the web waits."""


def who(request: HttpRequest) -> User:
    """The person signed in."""
    assert isinstance(request.user, User)
    return request.user


def by(request: HttpRequest) -> dict[str, Any]:
    """Who acts and when, for an operation."""
    return {"actor": who(request).actor, "now": timezone.now()}


def done(form: AskingForm, act: Callable[[], T]) -> T | None:
    """What was done; None when the form is not valid or was refused, which it then says."""
    if not form.is_valid():
        return None
    try:
        return act()
    except Refused as refused:
        form.refuse(refused)
    except OperationalError:
        form.add_error(None, BUSY)
    return None


class ActingAdmin(KeptAdmin):
    """Records that operations write: to add one or to change one is a page with one form.

    A subclass says in `asked` which form, and in `acted` which operation; `acted` returns an id.
    """

    noun: str

    def asked(self, request: HttpRequest, obj: Any) -> AskingForm:
        raise NotImplementedError

    def acted(self, request: HttpRequest, form: AskingForm, obj: Any) -> int:
        raise NotImplementedError

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._asking(request, None, f"Add {self.noun}", "Add")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        if not self.has_change_permission(request, found):
            return super().change_view(request, object_id, form_url, extra_context)
        return self._asking(request, found, f"Change {found}", "Save")

    def _asking(self, request: HttpRequest, obj: Any, title: str, button: str) -> HttpResponse:
        form = self.asked(request, obj)
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        if done(form, lambda: self.acted(request, form, obj)) is not None:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(back)
        return self.asking(request, form, title=title, button=button, back=back)

    def asking(
        self,
        request: HttpRequest,
        form: AskingForm,
        *,
        title: str,
        button: str,
        back: str,
        intro: str = "",
    ) -> HttpResponse:
        """A page with one form on it."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "intro": intro,
            "form": form,
            "button": button,
            "back": back,
            "opts": self.opts,
        }
        return TemplateResponse(request, "courses/acting.html", context)

    def look_up(self, form: AskingForm, name: str, column: Any) -> None:
        """Have a field searched in, where there are too many to list."""
        field: Any = form.fields[name]
        field.widget = Searched(column, self.admin_site, attrs={"style": "width: 100%"})
        field.widget.choices = field.choices
