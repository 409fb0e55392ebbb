"""Weekly minutes as a model field: `int4multirange` in PostgreSQL, `Meets` in Python."""

from typing import TYPE_CHECKING, Any

from django.db import models

from .timetable import Meets, parse, render

if TYPE_CHECKING:
    _Field = models.Field[Meets, Meets]
else:
    _Field = models.Field


class WeeklyMinutesField(_Field):
    """When something meets; empty where no times are fixed yet."""

    description = "weekly minutes"

    def db_type(self, connection: Any) -> str:
        return "int4multirange"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Meets | None:
        return None if value is None else parse(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else render(value)

    def to_python(self, value: Any) -> Any:
        return parse(value) if isinstance(value, str) else value

    def value_to_string(self, obj: models.Model) -> str:
        return render(self.value_from_object(obj))
