"""Import and export on the pages of the admin: CSV and Excel, seen before anything is written."""

import os
import re
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import CSV, XLSX
from import_export.tmp_storages import BaseStorage
from unfold.contrib.import_export.forms import ExportForm, ImportForm

_NAME = re.compile(r"[0-9a-f]{32}")


class Kept(BaseStorage):  # type: ignore[misc]
    """A file between its preview and its import: in a folder that is ours, by a name of ours."""

    def save(self, data: Any) -> None:
        self.name = uuid4().hex
        self._path().write_bytes(data if isinstance(data, bytes) else data.encode(self.encoding))

    def read(self) -> Any:
        """Raises FileNotFoundError, also for a name that was never ours."""
        found = self._path().read_bytes()
        return found.decode(self.encoding) if self.encoding else found

    def remove(self) -> None:
        self._path().unlink(missing_ok=True)

    def _path(self) -> Path:
        if not _NAME.fullmatch(self.name or ""):
            raise FileNotFoundError(self.name)
        folder = Path(tempfile.gettempdir()) / f"registrar-imports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / self.name


class InAndOut(ImportExportMixin):  # type: ignore[misc]
    """What a page lists, to be exported by whoever may see it and imported by whoever may write.

    `resource_classes` are the kinds of record; each row is asked about for itself.
    """

    formats = [CSV, XLSX]
    import_form_class = ImportForm
    export_form_class = ExportForm
    tmp_storage_class = Kept
    # Operations keep the log; Django's own of its forms would say it a second time.
    skip_admin_log = True
    reads_only: tuple[Any, ...] = ()
    """Kinds that are exported only."""
    import_asks = "add"
    """What of the matrix opens the page."""

    def has_import_permission(self, request: HttpRequest) -> bool:
        may: bool = self.may(request, self.import_asks, None)
        return may and bool(self.resource_classes)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def get_import_resource_classes(self, request: HttpRequest) -> list[Any]:
        return list(self.resource_classes)

    def get_export_resource_classes(self, request: HttpRequest) -> list[Any]:
        return [*self.resource_classes, *self.reads_only]

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {"user": request.user, "now": timezone.now()}

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {}

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_import_data_kwargs(**kwargs),
            "use_transactions": True,
            "rollback_on_validation_errors": True,
        }

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        try:
            answer: HttpResponse = super().process_import(request, **kwargs)
        except FileNotFoundError:
            messages.error(request, "The file is not here any more: choose it again.")
            return self._again()
        return answer

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        """What was fine in the preview may not be so any more: then nothing was written."""
        if result.has_errors() or result.has_validation_errors():
            messages.error(
                request, "Records changed since the preview, and nothing was imported: look again."
            )
            return self._again()
        answer: HttpResponse = super().process_result(result, request)
        return answer

    def _again(self) -> HttpResponse:
        app, model = self.get_model_info()
        return HttpResponseRedirect(reverse(f"admin:{app}_{model}_import"))
