"""Writing a proposal: what it says, whose it is, and what the database itself refuses."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from courses.catalogue import create_course, create_new_version
from courses.models import (
    Course,
    Delegation,
    DepartmentMember,
    Discipline,
    Proposal,
    ProposalDecision,
    ProposalPrerequisite,
    ProposalTracking,
)
from courses.proposals.content import differences, label
from courses.proposals.drafts import create, edit
from courses.proposals.impact import impact, understood
from courses.refusal import Refused
from courses.workflow import Action, Stage
from registrar.accounts.roles import Role
from tests.factories import make_course, make_term
from tests.proposals import BEGAN, People, bring, draft, said, staff, step


def refusal_of(people: People, **values: Any) -> Refused:
    with pytest.raises(Refused) as refusal:
        create(people.ada, said(**values), now=BEGAN)
    assert not Proposal.objects.exists()
    return refusal.value


@pytest.mark.requirement("S1-36")
def test_a_new_proposal_has_the_defaults_of_the_seed(people: People) -> None:
    proposal = draft(people)
    proposal.refresh_from_db()

    hours = ("lecture_hours", "tutorial_hours", "pratical_hours", "discussion_hours")
    assert (proposal.credit, proposal.max_seats) == (3, 90)
    assert [getattr(proposal, each) for each in (*hours, "project_hours")] == [3, 0, 0, 0, 0]
    assert [
        proposal.percent_quiz_1,
        proposal.percent_midsem,
        proposal.percent_quiz_2,
        proposal.percent_endsem,
        proposal.percent_project,
        proposal.percent_lab_evaluation,
        proposal.percent_course_attendance,
    ] == [10, 20, 10, 30, 15, 10, 5]
    assert (proposal.uploader, proposal.designation) == (people.ada, "faculty")
    assert (proposal.upload_date, proposal.is_read, proposal.is_update, proposal.is_archive) == (
        BEGAN,
        False,
        False,
        False,
    )
    assert (proposal.stage, proposal.round, proposal.department) == ("DRAFT", 1, people.physics)


def test_a_change_begins_with_what_the_course_says(people: People) -> None:
    needed = make_course("PHY099")
    acoustics = Discipline.objects.create(name="Acoustics")
    links = {"disciplines": [acoustics.pk], "pre_requisit_courses": [needed.pk]}
    course = create_course(
        said("PHY100", credit=5, max_seats=40, **links),
        actor="user:1",
        now=BEGAN,
        department=people.physics,
    )

    proposal = draft(people, course=course, max_seats=60)

    assert (proposal.is_update, proposal.course, proposal.code) == (True, course, "PHY100")
    assert (proposal.credit, proposal.max_seats) == (5, 60)
    assert list(proposal.pre_requisit_courses.all()) == [needed]
    assert proposal.disciplines.count() == 1
    assert [(each.field, each.before, each.after) for each in impact(proposal).differences] == [
        ("max_seats", "40", "60")
    ]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"percent_quiz_1": 11}, "percent_quiz_1", "these sum to 101%"),
        ({"name": "  "}, "name", "blank"),
        ({"name": "x" * 101}, "name", "at most 100"),
        ({"code": "PHYSICS2101"}, "code", "at most 10"),
        ({"credit": -1}, "credit", "greater than or equal to 0"),
        ({"credit": "many"}, "credit", "integer"),
        ({"disciplines": [999]}, "disciplines", "nothing with the id 999"),
        ({"syllabus": "a\0b"}, "syllabus", "Control characters"),
    ],
)
def test_a_mistake_is_named_at_its_field(
    people: People, values: dict[str, Any], field: str, message: str
) -> None:
    refusal = refusal_of(people, **values)

    assert refusal.code == "INVALID"
    assert message in refusal.fields[field]


def test_what_a_course_must_say_is_not_left_out(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        create(people.ada, {"code": "PHY210"}, now=BEGAN)

    assert sorted(refusal.value.fields) == ["name", "ref_books", "syllabus"]


def test_a_code_that_another_course_has_is_not_proposed(people: People) -> None:
    make_course("phy210")

    assert refusal_of(people).code == "CODE_IN_USE"


def test_a_change_is_of_the_newest_version(people: People) -> None:
    old = make_course("PHY100", department=people.physics)
    bring(people, draft(people, course=old, credit=4), Stage.ACTIVATED)
    old.refresh_from_db()

    with pytest.raises(Refused) as refusal:
        draft(people, course=old, credit=5)

    assert refusal.value.code == "NOT_CURRENT"


@pytest.mark.requirement("S1-37")
def test_one_author_has_one_open_proposal_of_a_code(people: People) -> None:
    first = draft(people)

    with pytest.raises(Refused) as refusal:
        draft(people, name="Optics again")

    assert refusal.value.code == "OPEN_ALREADY"
    step(people, first, Action.WITHDRAW)
    assert draft(people).round == 2


def test_a_draft_renamed_to_an_earlier_one_takes_the_next_round(people: People) -> None:
    step(people, draft(people), Action.WITHDRAW)
    other = draft(people, name="Lenses")

    renamed = edit(
        other.pk, {"name": "Optics"}, user=people.ada, expected=other.revision, now=BEGAN
    )

    assert renamed.round == 2


# Whose it is --------------------------------------------------------------------------------------


@pytest.mark.requirement("S1-99")
def test_faculty_propose_for_their_own_department(people: People) -> None:
    with pytest.raises(Refused) as refusal:
        create(people.ada, said(), department=people.music.pk, now=BEGAN)

    assert refusal.value.code == "DEPARTMENT_NEEDED"


def test_who_belongs_to_two_departments_says_for_which(people: People) -> None:
    DepartmentMember.objects.create(user=people.ada, department=people.music)

    with pytest.raises(Refused):
        create(people.ada, said(), now=BEGAN)
    chosen = create(people.ada, said(), department=people.music.pk, now=BEGAN)

    assert chosen.department == people.music


def test_a_change_belongs_to_the_courses_own_department(people: People) -> None:
    theirs = make_course("MUS100", department=people.music)

    with pytest.raises(Refused):
        draft(people, course=theirs, credit=4)
    hers = draft(people, course=make_course("PHY100"), credit=4)

    assert hers.department == people.physics


def test_only_its_author_edits_a_draft(people: People) -> None:
    colleague = staff("eve", Role.FACULTY, people.physics)
    proposal = draft(people)

    with pytest.raises(Refused) as refusal:
        edit(proposal.pk, {"credit": 9}, user=colleague, expected=1, now=BEGAN)

    assert refusal.value.code == "NOT_THE_AUTHOR"


# What it would do ---------------------------------------------------------------------------------


def test_the_impact_names_the_bump_its_reasons_and_who_depends_on_it(people: People) -> None:
    course = make_course("PHY100", department=people.physics, lecture_hours=3)
    make_course("PHY200").pre_requisit_courses.add(course)
    make_term()
    proposal = draft(people, course=course, credit=4, name="Waves and rays")

    seen = impact(proposal)

    assert (seen.bump, seen.version, seen.hindered) == ("MINOR", "2.0", None)
    assert {each.field: each.bump for each in seen.reasons} == {"Name": "MINOR", "Credit": "MINOR"}
    assert seen.dependants.prerequisite_of == ["PHY200 - Course PHY200 - v1.0"]
    assert any("contact hours make 45 hours" in each for each in seen.warnings)
    made = impact(bring(people, proposal, Stage.ACTIVATED))
    assert (made.bump, made.version, made.hindered) == ("MINOR", "2.0", None), "what it has made"


def test_a_new_course_is_shown_at_the_version_it_would_begin_at(people: People) -> None:
    given_up = make_course("PHY100")
    create_new_version(given_up, {"code": "PHY101"}, actor="user:1", now=BEGAN)
    fresh = draft(people, code="PHY100")
    taken = draft(people, code="PHY102")
    make_course("PHY102")

    shown, hindered = impact(fresh), impact(taken).hindered
    made = bring(people, fresh, Stage.ACTIVATED)

    assert (shown.version, shown.hindered) == ("2.0", None)
    assert hindered is not None
    assert hindered.code == "CODE_IN_USE"
    assert made.became is not None
    assert str(made.became.version) == shown.version
    assert (impact(made).version, impact(made).hindered) == ("2.0", None), "nothing stands against"


def test_the_impact_of_a_stale_proposal_is_that_it_cannot_be_activated(people: People) -> None:
    course = make_course("PHY100", department=people.physics)
    eve = staff("eve", Role.FACULTY, people.physics)
    mine = bring(people, draft(people, course=course, credit=4), Stage.DEPARTMENT_REVIEW)
    hers = create(eve, {"credit": 5}, course=course, now=BEGAN)
    bring(people, step(people, hers, Action.SUBMIT, by=eve), Stage.ACTIVATED)

    hindered = impact(mine).hindered

    assert hindered is not None
    assert hindered.code == "STALE_COURSE"


def test_what_is_not_understood_of_the_prerequisites_is_shown() -> None:
    clear = understood("PHY101 and MATH101")
    vague = understood("A good feeling for waves, mostly.")

    assert (clear.verdict, clear.unread) == ("full", ())
    assert "PHY101" in clear.rule
    assert vague.verdict == "flagged"
    assert vague.unread


@pytest.mark.usefixtures("database")
def test_differences_are_said_in_words() -> None:
    optics = Discipline.objects.create(name="Optics")
    before = {"disciplines": [], "credit": 3, "pre_requisit_courses": []}

    found = differences(before, {**before, "disciplines": [optics.pk], "credit": 4})

    assert [(each.label, each.before, each.after) for each in found] == [
        ("Disciplines", "none", "Optics"),
        ("Credit", "3", "4"),
    ]
    assert label("pratical_hours") == "Practical hours"


# What the database refuses ------------------------------------------------------------------------


def refused_by(constraint: str) -> Any:
    return pytest.raises(IntegrityError, match=constraint)


def write(model: Any, **fields: Any) -> None:
    with transaction.atomic():
        model.objects.create(**fields)


def update(proposal: Proposal, **fields: Any) -> None:
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(**fields)


@pytest.mark.requirement("S1-36", "S1-97")
def test_percentages_sum_to_100_in_the_database_too(people: People) -> None:
    with refused_by("proposal_assessment_percentages_sum_to_100"):
        update(draft(people), percent_quiz_1=99)


@pytest.mark.requirement("S1-97")
@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"stage": "LIMBO"}, "proposal_stage_known"),
        ({"is_update": True}, "proposal_is_an_update_of_a_course"),
        ({"stage": "ACTIVATED"}, "proposal_became_a_course_when_activated"),
        ({"max_seats": -1}, "max_seats"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_not_stored(
    people: People, fields: dict[str, Any], constraint: str
) -> None:
    with refused_by(constraint):
        update(draft(people), **fields)


@pytest.mark.requirement("S1-37")
def test_code_uploader_and_name_are_unique_in_a_round(people: People) -> None:
    step(people, draft(people), Action.WITHDRAW)
    again = draft(people)

    with refused_by("proposal_once_a_round"):
        update(again, round=1)


@pytest.mark.requirement("S1-38")
def test_a_needed_course_is_named_once(people: People) -> None:
    needed = make_course("PHY101")
    proposal = draft(people, pre_requisit_courses=[needed.pk])

    with refused_by("proposal_prerequisite_once"):
        write(ProposalPrerequisite, proposal=proposal, course=needed)


@pytest.mark.requirement("S1-40")
def test_a_desk_sends_a_proposal_once_a_round(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)
    hop = proposal.hops.get()
    ProposalTracking.objects.update(forward_date=BEGAN)

    with refused_by("proposal_sent_once_a_round"):
        write(
            ProposalTracking,
            proposal=proposal,
            round=1,
            current=people.ada,
            current_design="faculty",
            receive_design=hop.receive_design,
            receive_date=BEGAN,
        )


@pytest.mark.requirement("S1-39")
def test_nothing_is_added_and_rejected_at_once(people: People) -> None:
    """The seed's booleans would allow it (T43)."""
    bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with refused_by("proposal_not_added_and_rejected"), transaction.atomic():
        ProposalTracking.objects.update(is_added=True, is_rejected=True)


def test_a_stage_is_left_once_a_round(people: People) -> None:
    proposal = bring(people, draft(people), Stage.DEPARTMENT_REVIEW)

    with refused_by("proposal_stage_left_once_a_round"):
        write(
            ProposalDecision,
            proposal=proposal,
            number=2,
            round=1,
            stage="DRAFT",
            to_stage="WITHDRAWN",
            action="WITHDRAW",
            actor=people.ada,
            role="faculty",
            at=BEGAN,
        )


def test_nobody_delegates_to_themselves(people: People) -> None:
    with refused_by("delegation_to_somebody_else"):
        write(
            Delegation,
            holder=people.ben,
            delegate=people.ben,
            role="department_head",
            starts_at=BEGAN,
            ends_at=BEGAN.replace(year=2027),
        )


@pytest.mark.requirement("S1-52")
def test_the_tracking_has_the_indexes_of_the_seed(people: People) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'proposal_tracking'")
        found = [row[0].split("USING btree ")[1] for row in cursor.fetchall()]

    for columns in ("(proposal_id)", "(receive_id)", "(disciplines_id)"):
        assert columns in found
    assert "(is_submitted, is_rejected)" in found


def test_a_course_is_kept_while_a_proposal_is_about_it(people: People) -> None:
    course = make_course("PHY100", department=people.physics)
    draft(people, course=course, credit=4)

    with pytest.raises(IntegrityError), transaction.atomic():
        Course.objects.filter(pk=course.pk)._raw_delete("default")
