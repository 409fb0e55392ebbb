"""Two who have seen the same draft: what one of them wrote is not lost."""

from collections.abc import Callable

import pytest

from courses.api import asking
from courses.lifecycle import State
from courses.models import Course
from registrar.accounts.roles import Role
from tests.catalogue import begin
from tests.integration.test_api_courses import Person
from tests.integration.test_if_match import etag, send
from tests.races import Meeting, after, together

pytestmark = pytest.mark.concurrency


def statuses(people: list[Person], draft: Course) -> list[int]:
    """Both change the draft as both have seen it."""
    seen = etag(people[0], draft)
    bodies = ({"credit": 4}, {"name": "Another"})

    def change(person: Person, body: object) -> Callable[[], int]:
        return lambda: send(person, "patch", f"{draft.pk}/", body, seen).status

    return sorted(together(*map(change, people, bodies)))


def test_of_two_who_have_seen_the_same_one_is_told(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [Person(Role.REGISTRAR), Person(Role.ADMIN)]
    draft = begin(State.DRAFT)
    meeting = Meeting()
    after(monkeypatch, asking, "shown", meeting)

    assert statuses(people, draft) == [200, 412]
    assert not meeting.met, "both had compared before either had written"


def test_with_no_lock_while_it_is_compared_both_would_write(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race above is a race."""
    people = [Person(Role.REGISTRAR), Person(Role.ADMIN)]
    draft = begin(State.DRAFT)
    meeting = Meeting()
    after(monkeypatch, asking, "shown", meeting)
    monkeypatch.setattr(asking, "lock_many", lambda lineages: None)

    assert statuses(people, draft) == [200, 200]
    assert meeting.met
