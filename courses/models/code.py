"""Rows by their code, whatever the letters' case (T15)."""

from typing import TypeVar

from django.db.models import Manager, Model, QuerySet
from django.db.models.functions import Trim, Upper
from django.db.models.lookups import In

from courses.versioning import normal_code

M = TypeVar("M", bound=Model)


def with_code(rows: Manager[M] | QuerySet[M], *codes: str) -> QuerySet[M]:
    """Those of these courses or departments that have one of these codes.

    Of `Course.latest` whoever has it now; of all courses also versions from when it was theirs.
    """
    plain = [normal_code(each) for each in codes]
    return rows.filter(In(Upper(Trim("code")), plain))
