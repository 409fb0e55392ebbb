"""Many courses changed at once in the admin: tried first, shown row by row, then written or not.

The rows are those of `courses.bulk`: made from the courses that were chosen in the list, or in a
file. What is agreed to is signed, and is what was shown.
"""

import csv
from collections.abc import Sequence
from functools import partial
from io import StringIO
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from courses import bulk
from courses.forms import AskingForm
from courses.models import Course
from courses.refusal import Refused
from courses.versioning import CONTENT, LINKS
from registrar.admin import KeptAdmin, button

from .acting import by, done

MOST_ROWS = 200
"""What is tried while somebody waits for the page; the command takes any number."""
FILE_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE * 3 // 4
AGREE_SECONDS = 3600
ASKING, REPORT = "courses/asking.html", "courses/bulk.html"
_SALT = "courses.bulk"
_MORE = "`manage bulk_edit` takes more."


def _reason() -> forms.CharField:
    return forms.CharField(
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text="Kept in the history of every course for good.",
    )


class FileForm(AskingForm):
    """A file with a row for each course that changes."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text=(
            "CSV in UTF-8: a column “code”, and one for each field that changes. An empty cell "
            "leaves its field alone, “none” empties it. Disciplines by name and courses by code, "
            f"with semicolons between them. At most {MOST_ROWS} rows."
        ),
    )
    reason = _reason()
    chosen: Sequence[Course] = ()

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES:
            raise ValidationError(f"The file is over {FILE_BYTES // 1024} KiB. {_MORE}")
        try:
            text = bulk.text_of(file.read())
            rows = bulk.read(text)
        except Refused as refused:
            raise ValidationError(str(refused)) from refused
        if not rows:
            raise ValidationError("There is no row in it.")
        if len(rows) > MOST_ROWS:
            raise ValidationError(f"It has {len(rows)} rows, {MOST_ROWS} at most. {_MORE}")
        return text.getvalue()

    @property
    def text(self) -> str:
        """Of a valid form."""
        return str(self.cleaned_data["file"])


class FieldForm(AskingForm):
    """One field, and what it shall say in every course that was chosen."""

    courses = forms.CharField(widget=forms.HiddenInput)
    field = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    value = forms.CharField(
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text=(
            "“none” empties the field. Disciplines by name and courses by code, with semicolons "
            "between them."
        ),
    )
    reason = _reason()

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        named = (name for name in (*CONTENT, *LINKS) if name != "code")
        self.fields["field"].choices = [(name, _label(name)) for name in named]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        """Messages about the courses stand above: the field itself is hidden."""
        cleaned = super().clean()
        ids = self.cleaned_data.get("courses", "").split(",")
        if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in ids):
            raise ValidationError("Choose courses in the list again.")
        chosen = _latest(Course.objects.filter(pk__in=ids))
        if len(chosen) > MOST_ROWS:
            raise ValidationError(f"{len(chosen)} courses, {MOST_ROWS} at most. {_MORE}")
        self.cleaned_data["courses"] = chosen
        return cleaned

    @property
    def chosen(self) -> list[Course]:
        """What is left of the courses, whatever is wrong with the rest."""
        found = self.cleaned_data.get("courses", ()) if self.is_bound else ()
        return found if isinstance(found, list) else []

    @property
    def text(self) -> str:
        """Of a valid form."""
        name, value = self.cleaned_data["field"], self.cleaned_data["value"]
        out = StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["code", name])
        writer.writerows([course.code, value] for course in self.cleaned_data["courses"])
        return out.getvalue()


def _label(name: str) -> str:
    return str(Course._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]


def _latest(chosen: QuerySet[Course]) -> list[Course]:
    """Each course once, in its latest version, by code."""
    lineages = chosen.values_list("lineage", flat=True)
    return list(Course.latest.filter(lineage__in=lineages).order_by("code"))


class BulkPages(KeptAdmin):
    """What is done to many courses at once."""

    def has_bulk_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("courses.version_course")

    @button("Change a field of these", "edit_note", asks="bulk")
    def change_field(self, request: HttpRequest, queryset: QuerySet[Course]) -> HttpResponse:
        courses = _latest(queryset)
        ids = ",".join(str(course.pk) for course in courses)
        return self._many(request, ASKING, _asking(FieldForm(initial={"courses": ids}), courses))

    @button("Change many by a file", "upload_file", asks="bulk")
    def many(self, request: HttpRequest) -> HttpResponse:
        """Where files are sent, and fields; and what was agreed to."""
        if "agreed" in request.POST:
            return self._written(request)
        form: FileForm | FieldForm
        if "courses" in request.POST:
            form = FieldForm(request.POST)
        else:
            form = FileForm(request.POST or None, request.FILES or None)
        report = done(form, lambda: _run(request, form.text, form.cleaned_data["reason"]))
        if report is None:
            return self._many(request, ASKING, _asking(form, form.chosen))
        rows = bulk.read(StringIO(form.text, newline=""))
        agreed = (request.user.pk, bulk.pinned(rows, report), form.cleaned_data["reason"])
        signed = signing.dumps(agreed, salt=_SALT, compress=True)
        return self._many(request, REPORT, _told(report, signed))

    def _written(self, request: HttpRequest) -> HttpResponse:
        """What was agreed to, all of it or nothing."""
        again = HttpResponseRedirect(reverse("admin:courses_course_many"))
        try:
            by, text, reason = signing.loads(
                request.POST["agreed"], salt=_SALT, max_age=AGREE_SECONDS
            )
        except signing.BadSignature:
            messages.error(request, "That report is too old to be agreed to. Try it again.")
            return again
        if by != request.user.pk:
            messages.error(request, "Somebody else was shown that report. Try it yourself.")
            return again
        report = _run(request, text, reason, dry_run=False)
        if not report.written:
            return self._many(request, REPORT, _told(report, ""))
        messages.success(request, f"{_counted(len(report.changed))} written.")
        return HttpResponseRedirect(reverse("admin:courses_course_changelist"))

    def _many(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page whose form is sent to `many`, wherever it is shown."""
        shared = {
            **self.admin_site.each_context(request),
            "action": reverse("admin:courses_course_many"),
            "back": reverse("admin:courses_course_changelist"),
            "opts": self.opts,
        }
        return TemplateResponse(request, template, {**shared, **context})


def _run(request: HttpRequest, text: str, reason: str, *, dry_run: bool = True) -> bulk.Report:
    return bulk.bulk_edit(
        StringIO(text, newline=""),
        **by(request),
        may=partial(request.user.has_perm, "courses.version_course"),
        reason=reason,
        dry_run=dry_run,
    )


def _asking(form: FileForm | FieldForm, courses: Sequence[Course]) -> dict[str, Any]:
    of_these = f"Change a field of {len(courses)} courses" if courses else "Change a field"
    codes = ", ".join(course.code for course in courses)
    return {
        "title": of_these if isinstance(form, FieldForm) else "Change many courses by a file",
        "intro": f"{codes}." if codes else "",
        "form": form,
        "button": "Show what it makes",
    }


def _told(report: bulk.Report, agreed: str) -> dict[str, Any]:
    return {
        "title": "What it makes",
        "report": report,
        "agreed": agreed if report.changed and not report.bad else "",
        "versions": _counted(len(report.changed)),
    }


def _counted(versions: int) -> str:
    return "1 new version" if versions == 1 else f"{versions} new versions"
