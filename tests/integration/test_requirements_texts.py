"""What a course's text asks for, who reviews it, and whether a student has what it needs."""

import pytest
from django.db import IntegrityError

from courses import requirements
from courses.catalogue import edit_draft
from courses.expressions import Judged
from courses.lifecycle import State
from courses.models import Course, CoursePrerequisite, CourseRule
from courses.refusal import Refused
from courses.requirements import Record
from registrar.audit.models import Entry
from tests.catalogue import BY, NOW, begin, change, needs, passed
from tests.factories import make_course, make_user

YES, NO, UNKNOWN = Judged.YES, Judged.NO, Judged.UNKNOWN
BEFORE, WITH = CoursePrerequisite.Kind.PREREQUISITE, CoursePrerequisite.Kind.COREQUISITE


@pytest.fixture
def art(database: None) -> Course:
    return begin(code="ART1", name="Drawing")


@pytest.fixture
def zoo(database: None) -> Course:
    return begin(code="ZOO2", name="Animals")


@pytest.fixture
def law(database: None) -> Course:
    return begin(code="LAW3", name="Statutes")


# Texts --------------------------------------------------------------------------------------


def rule(course: Course) -> CourseRule:
    return CourseRule.objects.get(course=course)


@pytest.mark.requirement("S1-10")
def test_what_a_text_says_is_kept_with_the_version(art: Course) -> None:
    version = change(art, pre_requisits="ZOO2 with a grade of B or better. Own a violin. (F,W)")

    kept = rule(version)
    assert kept.verdict == "partly"
    assert kept.tree == {"is": "course", "code": "ZOO2", "minimum": "B", "concurrent": False}
    assert (kept.rest, kept.remarks) == (["Own a violin"], ["(F,W)"])
    assert not CourseRule.objects.filter(course=art).exists(), "there is no text, so no rule"


def test_a_draft_that_drops_its_text_drops_the_rule(database: None) -> None:
    draft = begin(State.DRAFT, pre_requisits="Own a violin")
    assert rule(draft).verdict == "flagged"

    edit_draft(draft, {"pre_requisits": ""}, actor=BY, now=NOW)

    assert not CourseRule.objects.filter(course=draft).exists()


@pytest.mark.requirement("S1-12")
def test_both_systems_must_be_met(art: Course, zoo: Course, law: Course) -> None:
    """The edge to ZOO2, and the text about LAW3."""
    needing = change(art, pre_requisit_courses=[zoo.pk], pre_requisits="LAW3 with a grade of B")

    def verdict(*completions: tuple[Course, str | None]) -> Judged:
        return requirements.check(needing, passed(*completions)).verdict

    assert verdict((zoo, "C"), (law, "B")) is YES
    assert verdict((zoo, "C"), (law, "C")) is NO
    assert verdict((zoo, "C")) is NO
    assert verdict((law, "A")) is NO
    assert verdict((zoo, "F"), (law, "A")) is NO
    assert verdict((zoo, "C"), (law, None)) is UNKNOWN
    missing = requirements.check(needing, Record()).missing
    assert missing == ("ZOO2", "LAW3 with at least B")


@pytest.mark.requirement("S1-12")
def test_what_was_not_understood_is_never_taken_for_met(art: Course, zoo: Course) -> None:
    needing = change(art, pre_requisits="ZOO2. Own a violin.")

    answer = requirements.check(needing, passed((zoo, "A")))
    lacking = requirements.check(needing, Record())

    assert (answer.verdict, answer.to_check) == (UNKNOWN, ("Own a violin",))
    assert (lacking.verdict, lacking.missing) == (UNKNOWN, ("ZOO2",)), "it may be an alternative"


@pytest.mark.requirement("S1-92")
def test_only_versions_from_the_minimum_on_count(art: Course, zoo: Course) -> None:
    newer = change(zoo, credit=4)
    needing = needs(art, zoo)
    requirements.qualify(
        needing, zoo, kind=BEFORE, minimum_version=newer.version, actor=BY, now=NOW
    )

    assert requirements.check(needing, passed((newer, "C"))).verdict is YES
    old = requirements.check(needing, passed((zoo, "A")))
    assert (old.verdict, old.missing) == (NO, (f"ZOO2 from v{newer.version} on",))


def test_a_corequisite_may_be_taken_in_the_same_term(art: Course, zoo: Course) -> None:
    needing = needs(art, zoo)
    now = Record(taking=frozenset({zoo.lineage}))
    assert requirements.check(needing, now).verdict is NO

    requirements.qualify(needing, zoo, kind=WITH, minimum_version=None, actor=BY, now=NOW)

    assert requirements.check(needing, now).verdict is YES
    assert requirements.check(needing, passed((zoo, "C"))).verdict is YES
    assert requirements.check(needing, Record()).verdict is NO


@pytest.mark.requirement("S1-92")
def test_a_text_means_the_course_that_has_the_code_now(art: Course, zoo: Course) -> None:
    """ZOO2 was renamed and another course got its code: the text is about that one (D6)."""
    needing = change(art, pre_requisits="ZOO 2")
    assert requirements.check(needing, passed((zoo, "C"))).verdict is YES

    renamed = change(zoo, code="ZOO20")
    assert requirements.check(needing, passed((renamed, "C"))).verdict is YES, "it alone had it"

    heir = begin(code="ZOO2", name="Plants, mostly")
    assert requirements.check(needing, passed((zoo, "C"))).verdict is NO
    assert requirements.check(needing, passed((heir, "C"))).verdict is YES

    change(heir, code="BOT1")
    nobody = requirements.check(needing, passed((heir, "C"), (zoo, "C")))
    assert (nobody.verdict, nobody.to_check) == (UNKNOWN, ("ZOO 2 is not in the catalogue",))


def test_a_course_taken_now_counts_in_a_text_that_says_so(art: Course, zoo: Course) -> None:
    needing = change(art, pre_requisits="concurrent enrollment in ZOO2")

    assert requirements.check(needing, Record(taking=frozenset({zoo.lineage}))).verdict is YES
    assert requirements.check(needing, Record()).verdict is NO


def test_a_text_from_before_rules_were_kept_is_read_when_asked(zoo: Course) -> None:
    old = make_course("OLD1", pre_requisits="ZOO2 and charm")

    assert requirements.rule_of(old).by_hand == ("ZOO2 and charm",)
    assert requirements.check(old, passed((zoo, "A"))).verdict is UNKNOWN


# Review -------------------------------------------------------------------------------------


def test_texts_wait_for_review_until_somebody_has_looked(art: Course, zoo: Course) -> None:
    clear = change(zoo, pre_requisits="LAW3")
    vague = change(art, pre_requisits="LAW3 and ZOO2 or equal charm")
    assert [each.course for each in requirements.to_review()] == [vague]
    assert requirements.to_review()[0].rest == ("LAW3 and ZOO2 or equal charm",)
    assert rule(clear).verdict == "full"

    requirements.review(vague, user=make_user("Eva"), now=NOW, note="The dean decides.")

    assert requirements.to_review() == []
    assert requirements.check(vague, passed((zoo, "A"))).verdict is UNKNOWN, "still by hand"


def test_a_reviewer_may_say_it_plainly(art: Course, zoo: Course, law: Course) -> None:
    vague = change(art, pre_requisits="LAW3 or ZOO2 and charm")
    eva = make_user("Eva")

    requirements.review(vague, user=eva, now=NOW, plainly="LAW3 and ZOO2", note="Charm is gone.")

    assert requirements.check(vague, passed((law, "A"), (zoo, "A"))).verdict is YES
    assert requirements.check(vague, passed((law, "A"))).verdict is NO
    kept = rule(vague)
    assert (kept.verdict, kept.reviewed_by, kept.reviewed_at) == ("flagged", eva, NOW)
    entry = Entry.objects.filter(stream=f"course:{art.lineage}").latest("seq")
    assert (entry.event, entry.actor) == ("prerequisites_reviewed", f"user:{eva.pk}")
    assert '"plainly":"LAW3 and ZOO2"' in entry.body


def test_a_review_holds_for_later_versions_of_the_same_text(art: Course) -> None:
    vague = change(art, pre_requisits="charm")
    requirements.review(vague, user=make_user("Eva"), now=NOW, note="The dean decides.")

    same = change(vague, credit=5)
    other = change(same, pre_requisits="charm and wit")

    assert rule(same).note == "The dean decides."
    assert [each.course for each in requirements.to_review()] == [other]


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({}, "NOTE_MISSING", "note"),
        ({"plainly": " ", "note": " "}, "NOTE_MISSING", "note"),
        ({"plainly": "LAW3 and charm"}, "NOT_PLAIN", "plainly"),
        ({"note": "n" * 2001}, "NOTE_LONG", "note"),
    ],
)
def test_a_review_that_says_nothing_is_refused(
    art: Course, said: dict[str, str], code: str, field: str
) -> None:
    vague = change(art, pre_requisits="charm")

    with pytest.raises(Refused) as caught:
        requirements.review(vague, user=make_user("Eva"), now=NOW, **said)

    assert (caught.value.code, list(caught.value.fields)) == (code, [field])
    assert rule(vague).reviewed_at is None


def test_there_is_nothing_to_review_without_a_text(art: Course) -> None:
    with pytest.raises(Refused) as caught:
        requirements.review(art, user=make_user("Eva"), now=NOW, note="Fine.")

    assert caught.value.code == "NO_RULE"


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"verdict": "perhaps"}, "course_rule_verdict_known"),
        ({"reviewed_at": NOW}, "course_rule_reviewed_by_somebody_at_some_time"),
    ],
)
def test_the_database_refuses_a_rule_that_cannot_be(
    art: Course, values: dict[str, object], constraint: str
) -> None:
    version = change(art, pre_requisits="charm")

    with pytest.raises(IntegrityError, match=constraint):
        CourseRule.objects.filter(course=version).update(**values)
