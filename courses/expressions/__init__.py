"""Prerequisite texts: read into a tree, and judged against what a student has done.

Pure: no Django here. `parse` takes any text and never raises; `satisfied` answers yes, no or
unknown, and unknown is for a person.
"""

from .judging import Answer, Done, best, satisfied, together
from .judging import Verdict as Judged
from .reading import VERSION, Understood, Verdict, parse
from .tree import (
    All,
    Condition,
    Course,
    Node,
    Placement,
    Some,
    Sort,
    as_json,
    codes,
    from_json,
    key,
    wording,
)

__all__ = [
    "VERSION",
    "All",
    "Answer",
    "Condition",
    "Course",
    "Done",
    "Judged",
    "Node",
    "Placement",
    "Some",
    "Sort",
    "Understood",
    "Verdict",
    "as_json",
    "best",
    "codes",
    "from_json",
    "key",
    "parse",
    "satisfied",
    "together",
    "wording",
]
