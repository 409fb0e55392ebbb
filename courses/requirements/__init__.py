"""What a course needs before it: edges between courses, a text, and whether a student has both.

The two systems work together (S1-12): every edge must be met, and the text as far as it was
understood; what was not understood waits for a person, and is never taken for met (T17).
"""

from courses.models import Course

from .graph import (
    Edge,
    committing_edges,
    edges,
    foresee_circle,
    lock_catalogue,
    qualify,
    refuse_circle,
)
from .meeting import Passed, Record, check
from .rules import Waiting, flagged, review, rule_of, to_review, understand, understood
from .summary import Needed, Needs, needs_of

__all__ = [
    "Edge",
    "Needed",
    "Needs",
    "Passed",
    "Record",
    "Waiting",
    "check",
    "committing_edges",
    "edges",
    "flagged",
    "foresee_circle",
    "lock_catalogue",
    "needs_of",
    "qualify",
    "refuse_circle",
    "review",
    "rule_of",
    "settle",
    "to_review",
    "understand",
    "understood",
]


def settle(course: Course) -> None:
    """For whoever saves a version, in that transaction, once its text and edges are written.

    Raises Refused (PREREQUISITE_CIRCLE).
    """
    refuse_circle(course)
    understand(course)
