"""Whatever people try: a proposal becomes a course only through everybody who has to agree."""

from hypothesis import given
from hypothesis import strategies as st

from courses.workflow import (
    HEAD,
    OPEN,
    REVIEWERS,
    Action,
    Actor,
    Authority,
    Case,
    Moved,
    Refusal,
    Stage,
    decide,
)

AUTHOR, DEPARTMENT = 1, 10
people = st.integers(1, 4)
roles = st.sampled_from(
    ("faculty", "department_head", "curriculum_committee", "academic_council", "registrar", "admin")
)
authorities = st.builds(Authority, roles, people, st.frozensets(st.sampled_from((DEPARTMENT, 20))))
actors = st.builds(Actor, people, st.lists(authorities, max_size=4).map(tuple))
# Whoever is next, with the right role: without them no random walk would come to the end.
RIGHT = {
    Stage.DRAFT: (Action.SUBMIT, Actor(AUTHOR)),
    Stage.RETURNED: (Action.RESUBMIT, Actor(AUTHOR)),
    **{
        stage: (Action.APPROVE, Actor(2, (Authority(role, 2, frozenset({DEPARTMENT})),)))
        for stage, role in REVIEWERS.items()
    },
    Stage.APPROVED: (Action.ACTIVATE, Actor(2, (Authority("registrar", 2),))),
}
attempts = st.lists(
    st.none() | st.tuples(st.sampled_from(Action), actors, st.sampled_from(("", "Because."))),
    max_size=40,
)


@given(attempts)
def test_no_course_without_all_three_approvals_in_its_last_round(
    tried: list[tuple[Action, Actor, str] | None],
) -> None:
    stage, approved = Stage.DRAFT, set[str]()
    for attempt in tried:
        if attempt is None and stage not in RIGHT:
            continue
        action, actor, remarks = attempt or (*RIGHT[stage], "")
        verdict = decide(Case(stage, AUTHOR, DEPARTMENT), action, actor, remarks)
        if isinstance(verdict, Refusal):
            continue
        if action in (Action.SUBMIT, Action.RESUBMIT):
            approved.clear()
        if action is Action.APPROVE:
            approved.add(verdict.role)
        stage = verdict.to
        if stage is Stage.ACTIVATED:
            assert approved == set(REVIEWERS.values())


@given(st.sampled_from(Stage), st.sampled_from(Action), actors)
def test_who_decides_is_never_the_author_nor_acts_for_them(
    stage: Stage, action: Action, actor: Actor
) -> None:
    verdict = decide(Case(stage, AUTHOR, DEPARTMENT), action, actor, "Because.")
    if not isinstance(verdict, Moved):
        return

    own = action in (Action.SUBMIT, Action.RESUBMIT, Action.WITHDRAW)
    assert (actor.user == AUTHOR) == own
    assert verdict.acting_for not in (AUTHOR, actor.user)


@given(st.sampled_from(Stage), st.sampled_from(Action), actors)
def test_whoever_decides_has_that_authority_from_the_holder_named(
    stage: Stage, action: Action, actor: Actor
) -> None:
    verdict = decide(Case(stage, AUTHOR, DEPARTMENT), action, actor, "Because.")
    if not isinstance(verdict, Moved) or actor.user == AUTHOR:
        return

    holder = verdict.acting_for or actor.user
    used = [a for a in actor.authorities if (a.role, a.holder) == (verdict.role, holder)]
    assert used
    if verdict.role == HEAD:
        assert any(DEPARTMENT in each.departments for each in used)


@given(st.sampled_from(Stage), actors)
def test_only_what_is_open_can_be_withdrawn(stage: Stage, actor: Actor) -> None:
    verdict = decide(Case(stage, AUTHOR, DEPARTMENT), Action.WITHDRAW, actor)

    assert isinstance(verdict, Moved) == (actor.user == AUTHOR and stage in OPEN)
