"""Files of other systems as tests write them; all that stands in them is invented."""

import csv
import gzip
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from courses.importing import stolaf, ucsd
from courses.importing.lines import Line, Shape, read_line

SECTION = {
    "term": "20231",
    "crsid": "0000000001",
    "clbid": "0000000001",
    "deptname": "MAGIC",
    "coursenumber": "101",
    "coursesubtype": "R",
    "coursestatus": "O",
    "coursename": "Introduction to Magic",
    "credits": "1.00",
    "pn": "N",
    "enroll": "3",
    "max": "20",
    "gereqs_n": "0",
}


def cells(shape: Shape, given: dict[str, str]) -> str:
    """One line of a file, without its end."""
    row = [given.get(name, "") for name in shape.columns]
    if shape.tabs:
        return "\t".join(row)
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()


def section(number: int, term: str = "20231", course: int = 1, **given: Any) -> str:
    """A line of the history: a section of a course in a term."""
    keys = {"term": term, "crsid": f"{course:010}", "clbid": f"{number:010}"}
    return cells(stolaf.SHAPE, {**SECTION, **keys, **given})


def listed(code: str, name: str = "Spells", **given: str) -> str:
    """A line of the catalogue."""
    usual = {"department": code.split()[0], "units": "4", "description": "About spells."}
    return cells(ucsd.COURSES, {**usual, "course_number": code, "course_name": name, **given})


def scheduled(code: str, sec_id: str, **given: str) -> str:
    """A line of a schedule."""
    usual = {"sec_code": "A01", "total_seats": "30", "meetings": "LE,MWF,9:00 - 9:50,TOWER 1"}
    return cells(ucsd.SCHEDULE, {**usual, "subj_course_id": code, "sec_id": sec_id, **given})


def lines(shape: Shape, *texts: str) -> list[Line]:
    """As they stand below a header."""
    return [read_line(number, text.encode(), shape) for number, text in enumerate(texts, 2)]


def write(path: Path, shape: Shape, texts: Iterable[str | bytes]) -> Path:
    """A file of these lines with its header; zipped where its name says so."""
    head = ("\t" if shape.tabs else ",").join(shape.columns)
    data = b"".join(
        (text if isinstance(text, bytes) else text.encode()) + b"\n" for text in (head, *texts)
    )
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
