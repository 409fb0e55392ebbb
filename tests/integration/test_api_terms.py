"""Which offering a course's code means, by the windows there are (D4)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from courses.models import Offering, Term
from enrollment.models import Window
from tests import factories
from tests.callers import Caller


def make_window(term: Term, opens_in: float, hours: float = 1, **fields: object) -> Window:
    opens_at = timezone.now() + timedelta(hours=opens_in)
    return factories.open_window(
        term, opens_at=opens_at, closes_at=opens_at + timedelta(hours=hours), **fields
    )


@pytest.mark.requirement("S1-93")
def test_a_code_means_the_offering_of_the_term_that_is_open(database: None) -> None:
    past, now, next_ = (factories.make_term(code) for code in ("PAST", "NOW", "NEXT"))
    first = factories.make_offering(past, code="CS101")
    for term in (now, next_):
        Offering.objects.create(course=first.course, term=term, base_limit=1)
    make_window(past, -10)
    make_window(now, -0.5)
    make_window(next_, 10)
    ada = Caller(factories.make_student())

    assert ada.post("courses/CS101/enroll/").body["term"] == "NOW"


def test_where_several_terms_are_open_the_one_that_offers_the_course_counts(
    database: None,
) -> None:
    summer, autumn = factories.make_term("SUMMER"), factories.make_term("AUTUMN")
    make_window(summer, -0.5)
    make_window(autumn, -0.5)
    factories.make_offering(summer, code="SU1")
    factories.make_offering(autumn, code="AU1")
    ada = Caller(factories.make_student())

    assert ada.post("courses/SU1/enroll/").body["term"] == "SUMMER"
    assert ada.post("courses/AU1/enroll/").body["term"] == "AUTUMN"


def test_a_window_of_another_cohort_opens_nothing(database: None) -> None:
    ours, theirs = factories.make_term("OURS"), factories.make_term("THEIRS")
    course = factories.make_offering(ours, code="CS101").course
    Offering.objects.create(course=course, term=theirs, base_limit=1)
    make_window(theirs, -0.5, cohorts=["2024"])
    make_window(ours, -0.5, cohorts=["2026"])
    ada = Caller(factories.make_student(cohort="2026"))

    assert ada.post("courses/CS101/enroll/").body["term"] == "OURS"


def test_before_any_window_opens_the_next_to_open_is_meant(database: None) -> None:
    soon, later = factories.make_term("SOON"), factories.make_term("LATER")
    course = factories.make_offering(soon, code="CS101").course
    Offering.objects.create(course=course, term=later, base_limit=1)
    make_window(later, 20)
    make_window(soon, 2)
    ada = Caller(factories.make_student())

    put = ada.send("put", "cart/CS101/")

    assert [item["term"] for item in put.body["results"]] == ["SOON"]


def test_a_course_that_only_another_term_offers_is_unknown(database: None) -> None:
    now, next_ = factories.make_term("NOW"), factories.make_term("NEXT")
    factories.make_offering(next_, code="CS101")
    make_window(now, -0.5)
    make_window(next_, 10)
    ada = Caller(factories.make_student())

    assert ada.post("courses/CS101/enroll/").code == "COURSE_UNKNOWN"


def test_a_code_of_digits_alone_is_found_by_the_courses_id_only(database: None) -> None:
    term = factories.make_term()
    make_window(term, -0.5)
    numbered = factories.make_offering(term, code="777")
    ada = Caller(factories.make_student())

    assert ada.post("courses/777/enroll/").code == "COURSE_UNKNOWN"
    assert ada.post(f"courses/{numbered.course_id}/enroll/").status == 202
    assert ada.post(f"courses/00{numbered.course_id}/enroll/").status == 202
