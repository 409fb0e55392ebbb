"""What a planted bug is, and the places where one is put in: by name, and never quietly.

A guard is taken away and the ordinary checks must notice. Where a second guard hides the first,
both go, and `hidden_by` says which. A seam that is not there any more raises, so that no plant
goes on as if it had been planted.
"""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tests.chaos.plants.ground import Ground

Scene: TypeAlias = Callable[["Ground"], None]
"""A workload, and what its clients have to say of it: see `Ground.complain`."""


def nothing() -> None:
    """The patch of a plant that is the database's alone."""


class Plant(NamedTuple):
    """A bug, how it is put in, what provokes it, and by what it must be caught."""

    name: str
    bug: str
    scene: Scene
    caught_by: frozenset[str]
    """What must name it, any of them: a check of `verify`, or a word of `Ground.complain`."""
    patch: Callable[[], None] = nothing
    """Called in every process under test, once Django is set up."""
    statements: tuple[str, ...] = ()
    """SQL of the database's owner, before anything runs."""
    tamper: Callable[[], None] | None = None
    """By the owner, when all is over and before anything is checked."""
    hidden_by: str = ""
    """The second guard that would hide it, and how it was taken away with it."""
    sure: Callable[[], None] = nothing
    """That second guard alone, taken away in the process: without the bug nothing may go wrong."""
    sure_statements: tuple[str, ...] = ()
    """The same, in the database."""


class SeamGone(Exception):
    """The product has changed where a plant took hold of it: the plant must be put in anew."""


def swap(owner: ModuleType | type, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of `owner.name`. Raises SeamGone."""
    if name not in vars(owner):
        raise SeamGone(f"{owner.__name__}.{name}")
    setattr(owner, name, make(getattr(owner, name)))


def reword(owner: ModuleType, name: str, *changes: tuple[str, str]) -> None:
    """Rewrite a statement of the product's, each change at least once. Raises SeamGone."""

    def changed(text: str) -> str:
        for old, new in changes:
            if old not in text:
                raise SeamGone(f"{owner.__name__}.{name} without {old!r}")
            text = text.replace(old, new)
        return text

    swap(owner, name, changed)
