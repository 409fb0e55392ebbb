"""What may be done to the catalogue, each in one transaction: load, decide, apply.

`actor` is who acts, as the audit names them (`user:7`); whether they may is asked at the edges.
`now` is an argument. Whatever cannot be done raises `courses.refusal.Refused` and writes nothing.
"""

from .content import cleaned, warnings
from .locking import lock_many
from .preview import Dependants, Preview, first_version, preview
from .states import assign_department, change_state
from .versions import create_course, create_new_version, edit_draft, roll_back

__all__ = [
    "Dependants",
    "Preview",
    "assign_department",
    "change_state",
    "cleaned",
    "create_course",
    "create_new_version",
    "edit_draft",
    "first_version",
    "lock_many",
    "preview",
    "roll_back",
    "warnings",
]
