"""What a proposal would do to the catalogue, shown to everybody who decides about it."""

from typing import NamedTuple

from courses import catalogue
from courses.catalogue import Dependants
from courses.expressions import parse, wording
from courses.models import Proposal
from courses.refusal import Refused
from courses.versioning import CONTENT, Bump

from .activation import changes
from .content import Difference, content_of, differences, label
from .drafts import newer_version
from .refusals import REFUSALS


class Hindrance(NamedTuple):
    """Why it could not be activated as things are."""

    code: str
    sentence: str
    remedy: str


class Understanding(NamedTuple):
    """What is understood of the prerequisites in words, and what a person has to judge."""

    verdict: str
    rule: str
    unread: tuple[str, ...]


class Reasoned(NamedTuple):
    """A field that changes, how much that means and why."""

    field: str
    bump: Bump
    why: str


class Impact(NamedTuple):
    """`bump` and `version` are what it would make, or has made since it was activated.

    `hindered` says what stands against it now.
    """

    bump: Bump
    version: str
    reasons: tuple[Reasoned, ...]
    differences: tuple[Difference, ...]
    dependants: Dependants
    prerequisites: Understanding
    warnings: tuple[str, ...]
    hindered: Hindrance | None


_NOBODY = Dependants([], [], [])


def impact(proposal: Proposal) -> Impact:
    """As the catalogue is at this moment; nothing is written."""
    before = content_of(proposal.course) if proposal.course else None
    unusual = catalogue.warnings({name: getattr(proposal, name) for name in CONTENT})
    return _of_course(proposal)._replace(
        differences=differences(before, content_of(proposal)),
        prerequisites=understood(proposal.pre_requisits),
        warnings=unusual,
    )


def understood(text: str | None) -> Understanding:
    """What would be enforced of a prerequisite text, and what would be left to a person (T17)."""
    read = parse(text)
    rule = wording(read.tree) if read.tree is not None else ""
    return Understanding(read.verdict.value, rule, read.rest)


def _of_course(proposal: Proposal) -> Impact:
    blank = Impact(Bump.NONE, "", (), (), _NOBODY, understood(None), (), None)
    if made := proposal.became:
        return blank._replace(bump=Bump(made.bump_type), version=str(made.version))
    if newer_version(proposal) is not None:
        return blank._replace(hindered=Hindrance("STALE_COURSE", *REFUSALS["STALE_COURSE"]))
    try:
        if proposal.course is None:
            return blank._replace(version=str(catalogue.first_version(proposal.code)))
        seen = catalogue.preview(proposal.course, changes(proposal))
    except Refused as refusal:
        said = Hindrance(refusal.code, refusal.sentence, refusal.remedy)
        return blank._replace(hindered=said)
    return blank._replace(
        bump=seen.bump,
        version=str(seen.version),
        reasons=tuple(Reasoned(label(r.field), r.bump, r.why) for r in seen.reasons),
        dependants=seen.dependants,
    )
