"""The states of a course version and the steps between them (S1-79, S1-80). Pure."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a version is in its life. The seed's two booleans follow from it (T42)."""

    DRAFT = "DRAFT"
    """Under development, not yet approved; the only state in which its content may change."""
    ACTIVE = "ACTIVE"
    """Offered, and open for registration: the only state with `working_course`."""
    INACTIVE = "INACTIVE"
    """Not offered for the time being."""
    DEPRECATED = "DEPRECATED"
    """Superseded by a newer version, or on its way out."""
    ARCHIVED = "ARCHIVED"
    """Discontinued for good."""


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.ACTIVE, State.ARCHIVED}),
    State.ACTIVE: frozenset({State.INACTIVE, State.DEPRECATED}),
    State.INACTIVE: frozenset({State.ACTIVE, State.ARCHIVED}),
    State.DEPRECATED: frozenset({State.ARCHIVED}),
    State.ARCHIVED: frozenset(),
}

ONLY_LATEST = frozenset({State.DRAFT, State.ACTIVE})
"""States that only the latest version of a course can be in."""
VERSIONABLE = frozenset({State.ACTIVE, State.INACTIVE})
"""States from which a next version can be made."""


def can_transition(old: State, new: State) -> bool:
    """Whether a version may go from one state straight to another (S1-80)."""
    return new in TRANSITIONS[old]


def verb(old: State, new: State) -> str:
    """What one must be allowed to do to a course for this step: `add`, `delete` or `change`.

    A draft is made a course by who may add one: others propose it (T41).
    """
    if new is State.ARCHIVED:
        return "delete"
    return "add" if old is State.DRAFT else "change"


def works(state: State) -> bool:
    """`working_course` of a version in this state (S1-17)."""
    return state is State.ACTIVE


def superseded(state: State) -> State:
    """What becomes of the latest version when a newer one takes its place (S1-86, T42).

    An INACTIVE one stays INACTIVE: it was never offered as the newest, and the table of
    transitions knows no other way. Raises KeyError for a state that takes no next version.
    """
    return _SUPERSEDED[state]


_SUPERSEDED: Mapping[State, State] = {
    State.ACTIVE: State.DEPRECATED,
    State.INACTIVE: State.INACTIVE,
}
