"""Why something about a proposal is refused, and what to do: the table's own reasons and ours."""

from collections.abc import Mapping

from courses import workflow
from courses.refusal import Refused

REFUSALS: Mapping[str, tuple[str, str]] = {
    **workflow.REFUSALS,
    # by what it proposes
    "NOT_EDITABLE": (
        "What a proposal says can be changed only as a draft, or when it was returned.",
        "Withdraw it, or ask its reviewer to return it for changes.",
    ),
    "DEPARTMENT_NEEDED": (
        "A proposal belongs to a department for which its author may propose.",
        "Choose one of your departments; the registrar's office says who belongs to which.",
    ),
    "OPEN_ALREADY": (
        "You have an open proposal for this course code already.",
        "Continue that one, or withdraw it first.",
    ),
    "CODE_IN_USE": (
        "Another course has this code.",
        "Choose another code, or propose a change of that course.",
    ),
    "STALE_COURSE": (
        "The course has a newer version than the one this proposal changes.",
        "Return it to its author, who moves it to the newest version and resubmits it.",
    ),
    "NOTHING_PROPOSED": (
        "This proposal changes nothing of the course.",
        "Change what should be different, then submit it.",
    ),
    "NOT_CURRENT": (
        "A change can be proposed for the newest version of a course only.",
        "Propose it for the version in the catalogue.",
    ),
    "CHANGED_SINCE": (
        "The course has changed since this proposal was activated.",
        "Propose a change of the course as it is now.",
    ),
    # by who is asked
    "NOT_DELEGABLE": (
        "This role is not yours to delegate.",
        "Delegate a reviewing role that you hold yourself; what was delegated to you stays there.",
    ),
    "NOT_STAFF": (
        "Authority can be delegated to another member of staff only.",
        "Choose somebody who may sign in to the administration.",
    ),
    "DELEGATION_TIMES": (
        "These times make no delegation.",
        "Let it end after it begins, and in the future.",
    ),
}


def refused(code: str, /, **fields: str) -> Refused:
    """The refusal of this code, to be raised; `fields` say what is wrong with which."""
    return Refused(code, *REFUSALS[code], fields=fields)
