"""How the catalogue says no: a stable code, a sentence, and the way forward.

Pages show the sentence beside the field, commands print it on one line, the API makes a problem
of it. Nothing was written when one is raised.
"""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """What was asked cannot be done; whoever asked can do something about it.

    `fields` says what is wrong with which field; `facts` are plain values for a program.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        remedy: str,
        *,
        fields: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(f"{sentence} {remedy}")
        self.code = code
        self.sentence = sentence
        self.remedy = remedy
        self.fields = dict(fields or {})
        self.facts = facts


def not_so(field: str, message: str) -> Refused:
    """What a field says cannot be."""
    return Refused("INVALID", message, "Correct it and try again.", fields={field: message})


def unknown(what: str) -> Refused:
    """There is nothing to change."""
    return Refused("NOT_FOUND", f"There is no such {what}.", "Look at it again.")


def constraint(error: Exception) -> str | None:
    """The name of what the database refused; None where nothing that has one did."""
    name: str | None = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return name
