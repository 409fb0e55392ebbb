"""The table of a proposal's way: who may do what at each stage, and what everybody else is told."""

import doctest
from datetime import UTC, datetime, timedelta

import pytest

from courses import workflow
from courses.workflow import (
    ADMIN,
    COMMITTEE,
    COUNCIL,
    EDITABLE,
    FACULTY,
    HEAD,
    OPEN,
    REFUSALS,
    REGISTRAR,
    REVIEWERS,
    TRANSITIONS,
    WAITS_FOR,
    Action,
    Actor,
    Authority,
    Case,
    Moved,
    Refusal,
    Stage,
    decide,
    possible,
    rebase,
    reminders_due,
)

ADA, BEN, CAM = 1, 2, 3
PHYSICS, MUSIC = 10, 20
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def case(stage: Stage, author: int = ADA) -> Case:
    return Case(stage, author, PHYSICS)


def holding(user: int, *roles: str, of: int = PHYSICS) -> Actor:
    return Actor(user, tuple(Authority(role, user, frozenset({of})) for role in roles))


def standing_in(user: int, holder: int, role: str, of: int = PHYSICS) -> Actor:
    return Actor(user, (Authority(role, holder, frozenset({of})),))


def code(verdict: Moved | Refusal) -> str:
    assert isinstance(verdict, Refusal), verdict
    return verdict.code


@pytest.mark.requirement("S1-81")
def test_a_proposal_goes_from_faculty_to_activation_step_by_step() -> None:
    way = [
        (Action.SUBMIT, Actor(ADA)),
        (Action.APPROVE, holding(BEN, HEAD)),
        (Action.APPROVE, holding(BEN, COMMITTEE)),
        (Action.APPROVE, holding(BEN, COUNCIL)),
        (Action.ACTIVATE, holding(BEN, REGISTRAR)),
    ]

    stages = [Stage.DRAFT]
    for action, actor in way:
        verdict = decide(case(stages[-1]), action, actor)
        assert isinstance(verdict, Moved), verdict
        stages.append(verdict.to)

    assert stages == [
        "DRAFT",
        "DEPARTMENT_REVIEW",
        "CURRICULUM_COMMITTEE",
        "ACADEMIC_COUNCIL",
        "APPROVED",
        "ACTIVATED",
    ]


@pytest.mark.requirement("S1-100")
@pytest.mark.parametrize(
    ("stage", "action", "allowed"),
    [
        (Stage.DEPARTMENT_REVIEW, Action.APPROVE, {HEAD}),
        (Stage.DEPARTMENT_REVIEW, Action.REJECT, {HEAD}),
        (Stage.CURRICULUM_COMMITTEE, Action.APPROVE, {COMMITTEE}),
        (Stage.CURRICULUM_COMMITTEE, Action.RETURN, {COMMITTEE}),
        (Stage.ACADEMIC_COUNCIL, Action.APPROVE, {COUNCIL}),
        (Stage.APPROVED, Action.ACTIVATE, {REGISTRAR, ADMIN}),
        (Stage.APPROVED, Action.RETURN, {REGISTRAR, ADMIN}),
        (Stage.ACTIVATED, Action.REVERSE, {REGISTRAR, ADMIN, COUNCIL}),
        (Stage.REJECTED, Action.REVERSE, {REGISTRAR, ADMIN, COUNCIL}),
    ],
)
def test_each_step_is_for_its_roles_and_for_no_other(
    stage: Stage, action: Action, allowed: set[str]
) -> None:
    roles = ["student", FACULTY, HEAD, COMMITTEE, COUNCIL, REGISTRAR, ADMIN, "auditor"]

    verdicts = {each: decide(case(stage), action, holding(BEN, each), "Why.") for each in roles}

    assert {each for each, said in verdicts.items() if isinstance(said, Moved)} == allowed
    refused = {code(said) for each, said in verdicts.items() if each not in allowed}
    assert refused == {"NOT_YOUR_ROLE"}


def test_a_head_decides_for_their_own_department_only() -> None:
    at_review = case(Stage.DEPARTMENT_REVIEW)

    assert code(decide(at_review, Action.APPROVE, holding(BEN, HEAD, of=MUSIC))) == (
        "OTHER_DEPARTMENT"
    )
    assert isinstance(decide(at_review, Action.APPROVE, holding(BEN, HEAD)), Moved)


def test_a_committee_decides_for_every_department() -> None:
    verdict = decide(
        case(Stage.CURRICULUM_COMMITTEE), Action.APPROVE, holding(BEN, COMMITTEE, of=MUSIC)
    )

    assert isinstance(verdict, Moved)


@pytest.mark.parametrize("stage", [*REVIEWERS, Stage.APPROVED, Stage.ACTIVATED, Stage.REJECTED])
def test_nobody_decides_about_a_proposal_of_their_own(stage: Stage) -> None:
    everything = holding(ADA, HEAD, COMMITTEE, COUNCIL, REGISTRAR, ADMIN)

    for (at, action), rule in TRANSITIONS.items():
        if at is stage and rule.roles:
            assert code(decide(case(stage), action, everything, "Why.")) == "OWN_PROPOSAL"


def test_an_author_does_not_decide_through_a_colleague() -> None:
    """Neither by letting another decide for them, nor by deciding for another."""
    at_review = case(Stage.DEPARTMENT_REVIEW)

    for_the_author = standing_in(BEN, holder=ADA, role=HEAD)
    the_author_for_another = standing_in(ADA, holder=BEN, role=HEAD)

    assert code(decide(at_review, Action.APPROVE, for_the_author)) == "OWN_PROPOSAL"
    assert code(decide(at_review, Action.APPROVE, the_author_for_another)) == "OWN_PROPOSAL"


def test_who_stands_in_decides_and_says_for_whom() -> None:
    verdict = decide(
        case(Stage.DEPARTMENT_REVIEW), Action.APPROVE, standing_in(CAM, holder=BEN, role=HEAD)
    )

    assert verdict == Moved(Stage.CURRICULUM_COMMITTEE, HEAD, BEN, False)


def test_ones_own_authority_comes_before_a_borrowed_one() -> None:
    both = Actor(
        CAM,
        (
            Authority(COMMITTEE, BEN, frozenset()),
            Authority(COMMITTEE, CAM, frozenset()),
        ),
    )

    verdict = decide(case(Stage.CURRICULUM_COMMITTEE), Action.APPROVE, both)

    assert isinstance(verdict, Moved)
    assert verdict.acting_for is None


def test_who_stands_in_for_a_head_decides_for_that_heads_department() -> None:
    other = standing_in(CAM, holder=BEN, role=HEAD, of=MUSIC)

    assert code(decide(case(Stage.DEPARTMENT_REVIEW), Action.APPROVE, other)) == "OTHER_DEPARTMENT"


@pytest.mark.parametrize(
    ("stage", "action"),
    [
        (Stage.DRAFT, Action.SUBMIT),
        (Stage.RETURNED, Action.RESUBMIT),
        *((stage, Action.WITHDRAW) for stage in sorted(OPEN)),
    ],
)
def test_what_is_the_authors_is_nobody_elses(stage: Stage, action: Action) -> None:
    registrar = holding(BEN, REGISTRAR, ADMIN)

    assert code(decide(case(stage), action, registrar)) == "NOT_THE_AUTHOR"
    assert isinstance(decide(case(stage), action, Actor(ADA)), Moved)


@pytest.mark.requirement("S1-84")
def test_a_resubmission_begins_a_new_round_at_the_department() -> None:
    verdict = decide(case(Stage.RETURNED), Action.RESUBMIT, Actor(ADA))

    assert verdict == Moved(Stage.DEPARTMENT_REVIEW, FACULTY, None, new_round=True)


@pytest.mark.parametrize(
    ("stage", "action", "actor"),
    [
        (Stage.DEPARTMENT_REVIEW, Action.RETURN, holding(BEN, HEAD)),
        (Stage.CURRICULUM_COMMITTEE, Action.REJECT, holding(BEN, COMMITTEE)),
        (Stage.ACTIVATED, Action.REVERSE, holding(BEN, REGISTRAR)),
    ],
)
def test_what_disappoints_somebody_is_explained(stage: Stage, action: Action, actor: Actor) -> None:
    assert code(decide(case(stage), action, actor, "  ")) == "REMARKS_NEEDED"
    assert isinstance(decide(case(stage), action, actor, "Too long."), Moved)


def test_a_stranger_is_told_of_the_role_and_not_of_the_remarks() -> None:
    verdict = decide(case(Stage.DEPARTMENT_REVIEW), Action.REJECT, Actor(CAM))

    assert code(verdict) == "NOT_YOUR_ROLE"


@pytest.mark.parametrize("stage", [Stage.WITHDRAWN, Stage.REVERSED])
def test_what_is_over_stays_over(stage: Stage) -> None:
    everything = holding(BEN, HEAD, COMMITTEE, COUNCIL, REGISTRAR, ADMIN)

    assert possible(case(stage), everything) == ()
    assert {code(decide(case(stage), each, everything, "Why.")) for each in Action} == {
        "WRONG_STAGE"
    }


def test_what_is_offered_is_what_is_allowed() -> None:
    """The buttons on a page and the answer to pressing them come from the same table."""
    actors = [
        Actor(ADA),
        holding(ADA, HEAD, REGISTRAR),
        holding(BEN, HEAD),
        holding(BEN, HEAD, of=MUSIC),
        holding(BEN, COMMITTEE, COUNCIL),
        holding(BEN, REGISTRAR),
        standing_in(CAM, holder=BEN, role=COUNCIL),
    ]
    for stage in Stage:
        for actor in actors:
            allowed = {
                each
                for each in Action
                if isinstance(decide(case(stage), each, actor, "Why."), Moved)
            }
            assert set(possible(case(stage), actor)) == allowed


def test_every_stage_leads_somewhere_known_and_every_refusal_has_words() -> None:
    assert {stage for stage, _ in TRANSITIONS} | {r.to for r in TRANSITIONS.values()} == set(Stage)
    assert {(stage, WAITS_FOR[stage]) for stage in WAITS_FOR} <= set(TRANSITIONS)
    assert EDITABLE < OPEN
    for sentence, remedy in REFUSALS.values():
        assert sentence.endswith(".")
        assert remedy.endswith(".")


# Reminders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "due"), [(0, 0), (6, 0), (7, 0), (7.1, 1), (13.9, 1), (14, 2), (21, 3), (70, 10)]
)
def test_a_head_is_reminded_after_a_week_and_every_week_then(days: float, due: int) -> None:
    now = BEGAN + timedelta(days=days)

    assert reminders_due(Stage.DEPARTMENT_REVIEW, BEGAN, now) == due


@pytest.mark.parametrize("stage", sorted({*Stage} - {*WAITS_FOR}))
def test_nobody_is_reminded_of_what_waits_for_nobody(stage: Stage) -> None:
    assert reminders_due(stage, BEGAN, BEGAN + timedelta(days=1000)) == 0


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(workflow).failed == 0


# Rebasing ---------------------------------------------------------------------------------------


def test_a_draft_keeps_its_changes_and_takes_the_rest_from_the_newer_version() -> None:
    fields = ("name", "credit", "syllabus", "max_seats")
    base = {"name": "Optics", "credit": 3, "syllabus": "Light.", "max_seats": 90}
    mine = {**base, "credit": 4, "max_seats": 60}
    theirs = {**base, "syllabus": "Light and lenses.", "max_seats": 120}

    moved = rebase(fields, base, mine, theirs)

    assert moved.values == {
        "name": "Optics",
        "credit": 4,
        "syllabus": "Light and lenses.",
        "max_seats": 60,
    }
    assert moved.both_changed == ("max_seats",)


def test_fields_that_belong_together_are_kept_together() -> None:
    base = {"midsem": 40, "endsem": 60, "name": "Optics"}
    mine = {"midsem": 50, "endsem": 50, "name": "Optics"}
    theirs = {"midsem": 40, "endsem": 60, "name": "Light"}

    moved = rebase(
        ("midsem", "endsem", "quiz", "name"),
        {**base, "quiz": 0},
        {**mine, "quiz": 0},
        {**theirs, "endsem": 40, "quiz": 20},
        together=("midsem", "endsem", "quiz"),
    )

    assert moved.values == {**mine, "quiz": 0, "name": "Light"}
    assert moved.both_changed == ("endsem", "quiz")


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    base, changed = {"credit": 3}, {"credit": 4}

    assert rebase(("credit",), base, changed, changed).both_changed == ()
