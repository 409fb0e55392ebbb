"""What every change of a study plan begins with: a lock.

Whoever writes a plan holds its curriculum's row, so what was asked of it is still true when it is
written, and its stream `plan:{id}` has one writer at a time.
"""

from courses.models import CourseSlot, Curriculum
from courses.refusal import Refused, unknown


def locked(curriculum: int) -> Curriculum:
    """A plan that may still change, locked until the transaction ends.

    A version that is superseded and that no running batch studies by is history.
    """
    plan = Curriculum.objects.select_for_update(no_key=True).filter(pk=curriculum).first()
    if plan is None:
        raise unknown("plan")
    if not plan.latest_version and not plan.batches.filter(running_batch=True).exists():
        sentence = f"{plan} is superseded and no running batch studies by it: it stays as it was."
        raise Refused("PLAN_CLOSED", sentence, "Change the latest version instead.")
    return plan


def locked_slot(slot: int) -> tuple[int, CourseSlot]:
    """A slot of a plan that may still change, and the plan's id, until the transaction ends."""
    plan = CourseSlot.objects.filter(pk=slot).values_list("semester__curriculum", flat=True).first()
    if plan is None:
        raise unknown("slot")
    locked(plan)
    return plan, CourseSlot.objects.get(pk=slot)
