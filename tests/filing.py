"""Files as somebody brings them to the admin's pages and takes them away."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.clerks import told

CSV, XLSX = "0", "1"


def text(rows: Sequence[dict[str, Any]]) -> bytes:
    out = StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def preview(
    client: Client, model: str, *rows: dict[str, Any], kind: int = 0, data: bytes = b""
) -> Any:
    file = SimpleUploadedFile("rows.csv", data or text(rows), "text/csv")
    sent = {"import_file": file, "format": CSV, "resource": str(kind)}
    return client.post(f"/admin/courses/{model}/import/", sent)


def confirm(client: Client, model: str, shown: Any) -> Any:
    sent = {name: str(value) for name, value in shown.context["confirm_form"].initial.items()}
    return client.post(f"/admin/courses/{model}/process_import/", sent, follow=True)


def bring(client: Client, model: str, *rows: dict[str, Any], kind: int = 0) -> str:
    """Preview and confirm; what is told."""
    shown = preview(client, model, *rows, kind=kind)
    assert "confirm_form" in shown.context, wrong(shown)
    return told(confirm(client, model, shown))


def wrong(shown: Any) -> list[tuple[int, dict[str, list[str]]]]:
    """What the preview says cannot be, by row."""
    result = shown.context["result"]
    assert not result.has_errors(), [str(e.error) for e in result.base_errors] + [
        str(e.error) for row in result.error_rows for e in row.errors
    ]
    return [(row.number, row.error_dict) for row in result.invalid_rows]


def out(client: Client, model: str, *, kind: int = 0, query: str = "") -> list[dict[str, str]]:
    sent = {"format": CSV, "resource": str(kind)}
    answer = client.post(f"/admin/courses/{model}/export/{query}", sent)
    assert answer["Content-Type"].startswith("text/csv"), answer.content[:400]
    return list(csv.DictReader(StringIO(answer.content.decode())))
