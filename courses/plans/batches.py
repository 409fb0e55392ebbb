"""Who studies by which plan (S1-45, S1-88): batches and their members.

Each act holds the batch's row and leaves an entry in its stream `batch:{id}`.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from courses.models import Batch, BatchMember, Curriculum, Discipline
from courses.refusal import not_so, unknown
from registrar.audit.log import note


class BatchFields(NamedTuple):
    """All that is said of a batch besides who is in it."""

    name: str
    discipline: int
    year: int
    curriculum: int | None = None
    running_batch: bool = True
    total_seats: int = 60


@transaction.atomic
def create_batch(*, batch: BatchFields, actor: str, now: datetime) -> int:
    """A new batch; its name is there once for a discipline and a year."""
    _lock_discipline(batch.discipline)
    _check(batch)
    made = Batch.objects.create(**_columns(batch))
    note(f"batch:{made.pk}", "batch_created", actor, now, **batch._asdict())
    return made.pk


@transaction.atomic
def change_batch(*, batch: int, to: BatchFields, actor: str, now: datetime) -> int:
    """Which plan it studies by, its seats, whether it still runs; no fewer seats than members."""
    _lock_discipline(to.discipline)
    found = _locked(batch)
    _check(to, but=batch)
    members = found.members.count()
    if to.total_seats < members:
        raise not_so("total_seats", f"{members} students are in this batch.")
    Batch.objects.filter(pk=batch).update(**_columns(to))
    facts = {"before": fields_of(found)._asdict(), "after": to._asdict()}
    note(f"batch:{batch}", "batch_changed", actor, now, **facts)
    return batch


@transaction.atomic
def join(*, batch: int, user: int, actor: str, now: datetime) -> int:
    """Put a person into a batch, out of the one they were in, while it has a seat."""
    found = _locked(batch)
    place = BatchMember.objects.select_for_update().filter(user=user).first()
    if place is not None and place.batch_id == batch:
        raise not_so("user", "They are in this batch already.")
    if found.members.count() >= found.total_seats:
        raise not_so("user", f"All seats of this batch are taken: {found.total_seats}.")
    BatchMember.objects.update_or_create(user_id=user, defaults={"batch": found})
    before = None if place is None else place.batch_id
    note(f"batch:{batch}", "batch_joined", actor, now, user=user, before=before)
    return batch


def fields_of(batch: Batch) -> BatchFields:
    """What is said of a batch now."""
    return BatchFields(**{name: getattr(batch, column) for name, column in _COLUMNS.items()})


_COLUMNS = {
    "name": "name",
    "discipline": "discipline_id",
    "year": "year",
    "curriculum": "curriculum_id",
    "running_batch": "running_batch",
    "total_seats": "total_seats",
}


def _columns(batch: BatchFields) -> dict[str, Any]:
    said = batch._asdict()
    return {column: said[name] for name, column in _COLUMNS.items()}


def _locked(batch: int) -> Batch:
    found = Batch.objects.select_for_update(no_key=True).filter(pk=batch).first()
    if found is None:
        raise unknown("batch")
    return found


def _lock_discipline(discipline: int) -> None:
    """Of two who make the same batch of it at the same moment, the second sees the first's."""
    if not Discipline.objects.select_for_update(no_key=True).filter(pk=discipline).exists():
        raise not_so("discipline", "There is no such discipline.")


def _check(batch: BatchFields, but: int = 0) -> None:
    alike = Batch.objects.filter(name=batch.name, discipline=batch.discipline, year=batch.year)
    if alike.exclude(pk=but).exists():
        raise not_so("name", "This discipline has a batch of this name and year already.")
    if batch.curriculum is None:
        return
    plan = Curriculum.objects.filter(pk=batch.curriculum).select_related("programme").first()
    if plan is None:
        raise not_so("curriculum", "There is no such plan.")
    known = set(plan.programme.disciplines.values_list("pk", flat=True))
    if known and batch.discipline not in known:
        raise not_so("curriculum", f"{plan.programme} is not a programme of this discipline.")
