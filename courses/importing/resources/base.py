"""Rows of a file as django-import-export has them, written by the catalogue's own operations.

A preview does all of it in a transaction that is rolled back, so it says what the import itself
would say; a file is imported whole, or not at all.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from import_export.fields import Field
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import Resource
from import_export.results import RowResult

from courses.refusal import Refused
from registrar.accounts.models import User

MOST_ROWS = 5_000
"""Of a file that is imported through a page; more are for `manage import_catalog`."""
_FORMULA = tuple("=+-@\t\r")
"""How a cell begins that a spreadsheet would take for a formula."""
QUOTE = "'"

Row = Mapping[str, str]
Read = Callable[[Any], Any]


class Cell(Field):  # type: ignore[misc]
    """A column: how it is read of a record. Operations write it."""

    def __init__(self, name: str, read: Read) -> None:
        super().__init__(attribute=name, column_name=name)
        self.read = read

    def get_value(self, instance: Any) -> Any:
        return self.read(instance) if instance.pk else None

    def export(self, instance: Any, **kwargs: Any) -> Any:
        value = self.get_value(instance)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value is None:
            return ""
        return value if isinstance(value, int) else harmless(str(value))


def harmless(text: str) -> str:
    """A text that no spreadsheet runs: with a quote before what begins like a formula."""
    return QUOTE + text if text.lstrip(QUOTE).startswith(_FORMULA) else text


def plain(value: Any) -> str:
    """A cell as text, whatever a spreadsheet made of it; the quote of `harmless` taken off."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    quoted = text.startswith(QUOTE) and text.lstrip(QUOTE).startswith(_FORMULA)
    return text[1:] if quoted else text


class ByOperation(Resource):  # type: ignore[misc]
    """Records of one kind: `columns` says how each cell is read, `write` how a row is written.

    `key` are the columns by which a record is known; `given` are more columns that a row may have.
    """

    columns: ClassVar[Mapping[str, Read]]
    key: ClassVar[tuple[str, ...]]
    given: ClassVar[tuple[str, ...]] = ()
    name: ClassVar[str]
    model: ClassVar[type[Model]]

    class Meta:
        instance_loader_class = BaseInstanceLoader

    def __init__(self, user: User | None = None, now: datetime | None = None) -> None:
        """`user` and `now` are who imports, and when; an export needs neither."""
        super().__init__()
        self.user, self.now = user, now
        self._before: list[Any] = []
        self._after: list[Any] = []
        self._heads: list[str] = []
        self.fields = OrderedDict((name, Cell(name, read)) for name, read in self.columns.items())

    @classmethod
    def get_display_name(cls) -> str:
        return cls.name

    def get_import_id_fields(self) -> list[str]:
        return list(self.key)

    # What a kind of record says of itself -------------------------------------------------

    def records(self, chosen: QuerySet[Any]) -> QuerySet[Any]:
        """What is exported where these were chosen on the page."""
        return chosen

    def find(self, row: Row) -> Model | None:
        """The record that a row is about, if there is one. Raises Refused."""
        raise NotImplementedError

    def write(self, found: Any, row: Row) -> Model:
        """Make it so, and answer the record as it is now. Raises Refused."""
        raise NotImplementedError

    # For whoever writes -------------------------------------------------------------------

    @property
    def who(self) -> User:
        assert self.user is not None
        return self.user

    @property
    def when(self) -> datetime:
        assert self.now is not None
        return self.now

    @property
    def acting(self) -> dict[str, Any]:
        """Who acts and when, for an operation."""
        return {"actor": self.who.actor, "now": self.when}

    def demand(self, verb: str, record: Any) -> None:
        """Raises Refused where the matrix does not let this person do so to this record."""
        app, model = self.model._meta.app_label, self.model._meta.model_name
        if not self.who.has_perm(f"{app}.{verb}_{model}", record):
            said = f"You may not {verb} this one."
            raise Refused("FORBIDDEN", said, "Take the row out, or ask who may.")

    # What the library asks for ------------------------------------------------------------

    def import_data(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        """What a file does not speak of is not shown either."""
        self._heads = list(dataset.headers or ())
        return super().import_data(dataset, *args, **kwargs)

    def get_import_fields(self) -> list[Cell]:
        named = [self.fields[name] for name in self._heads if name in self.fields]
        return named or list(self.fields.values())

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Raises ValueError for a file that no page should take; none of its rows is tried."""
        if wrong := self._wrong_with(dataset):
            dataset.wipe()
            raise ValueError(wrong)

    def _wrong_with(self, dataset: Any) -> str:
        if len(dataset) > MOST_ROWS:
            return (
                f"The file has {len(dataset):,} rows, and a page takes at most {MOST_ROWS:,}: "
                f"divide it, or have courses imported by `manage import_catalog FILE`."
            )
        heads = [str(each) for each in dataset.headers or ()]
        allowed = (*self.columns, *self.given)
        if unknown := sorted(set(heads) - set(allowed)):
            said = f"There is no column {', '.join(unknown)}."
            return f"{said} The columns are {', '.join(allowed)}."
        if missing := [each for each in self.key if each not in heads]:
            return f"The column {', '.join(missing)} is missing."
        return ""

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        for name, value in row.items():
            row[name] = plain(value)
        missing = [name for name in self.key if not row[name]]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "This cell cannot be empty."))

    def get_or_init_instance(self, instance_loader: Any, row: Row) -> tuple[Model, bool]:
        try:
            found = self.find(row)
        except Refused as refused:
            _say(refused)
        self._before = [] if found is None else self._values(found)
        return (self.model(), True) if found is None else (found, False)

    def _values(self, record: Any) -> list[Any]:
        return [cell.get_value(record) for cell in self.fields.values()]

    def import_instance(self, instance: Any, row: Row, **kwargs: Any) -> None:
        """Nothing is set on a record: operations write."""

    def validate_instance(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        """Operations say what cannot be."""

    def save_m2m(self, instance: Any, row: Row, **kwargs: Any) -> None:
        """The same."""

    def skip_row(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def save_instance(self, instance: Any, is_create: bool, row: Row, **kwargs: Any) -> None:
        """In a savepoint: what a row was refused for leaves no half of it behind."""
        try:
            with transaction.atomic():
                saved = self.write(None if is_create else instance, row)
        except Refused as refused:
            _say(refused)
        except IntegrityError as error:
            raise ValidationError("Somebody else wrote the same meanwhile: try again.") from error
        instance.__dict__.update(type(saved)._default_manager.get(pk=saved.pk).__dict__)
        self._after = self._values(instance)

    def after_import_row(self, row: Any, row_result: Any, **kwargs: Any) -> None:
        """A row that changed nothing is said to be skipped."""
        if self._before == self._after:
            row_result.import_type = RowResult.IMPORT_TYPE_SKIP

    def filter_export(self, queryset: QuerySet[Any], **kwargs: Any) -> QuerySet[Any]:
        return self.records(queryset)


def _say(refused: Refused) -> NoReturn:
    """Beside the row, under the columns it is about."""
    if not refused.fields:
        raise ValidationError(str(refused)) from refused
    raise ValidationError(dict(refused.fields)) from refused


# Cells ------------------------------------------------------------------------------------------


def invalid(column: str, message: str) -> Refused:
    return Refused("INVALID", message, "Correct the cell.", fields={column: message})


def one(records: QuerySet[Any], column: str, cell: str) -> Any:
    """The one record that a cell names. Raises Refused."""
    found = list(records[:2])
    if len(found) == 1:
        return found[0]
    raise invalid(column, f"{'There is no' if not found else 'There is more than one'} {cell!r}.")


def number(row: Row, column: str, default: int | None = None) -> int:
    """A whole number from 0. Raises Refused."""
    cell = row.get(column, "")
    if not cell and default is not None:
        return default
    if not cell.isascii() or not cell.isdecimal() or len(cell) > 9:
        raise invalid(column, f"{cell!r} is no whole number." if cell else "Write a number.")
    return int(cell)


_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def truth(row: Row, column: str, default: bool) -> bool:
    """Yes or no. Raises Refused."""
    cell = row.get(column, "").lower()
    if not cell:
        return default
    if cell not in _YES:
        raise invalid(column, f"{cell!r} is neither yes nor no.")
    return _YES[cell]


def listed(cell: str) -> list[str]:
    """`Physics; Mathematics` in pieces."""
    return [each.strip() for each in cell.split(";") if each.strip()]


def joined(names: Iterable[Any]) -> str:
    return "; ".join(str(each) for each in names)
