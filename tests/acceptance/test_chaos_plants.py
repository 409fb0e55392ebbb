"""Every planted bug is noticed by what would notice a real one, and nothing is without it."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import DjangoDbBlocker

from enrollment import requests
from tests.chaos.plants import PLANTS, plant, run
from tests.chaos.plants.plant import SeamGone
from tests.chaos.plants.run import Garden, without_bug

pytestmark = pytest.mark.acceptance

# A scene that several plants share is run without a bug once: with the first of them.
FIRST = {without_bug(each): each.name for each in reversed(PLANTS.values())}


@pytest.fixture(scope="module")
def garden(empty: Callable[[], None], django_db_blocker: DjangoDbBlocker) -> Iterator[Garden]:
    """Its scenes are played on copies of this database, so what earlier tests left goes first."""
    with django_db_blocker.unblock():
        empty()
        with Garden() as garden:
            yield garden


def test_there_are_at_least_twenty() -> None:
    assert len(PLANTS) >= 20


@pytest.mark.parametrize("name", FIRST.values())
def test_a_scene_without_its_bug_goes_by_unnoticed(garden: Garden, name: str) -> None:
    harvest = garden.without(PLANTS[name])

    assert not harvest.noticed, harvest.logs


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_caught(garden: Garden, name: str) -> None:
    harvest = garden.plant(PLANTS[name])

    assert harvest.caught, f"{harvest.line()}\n{harvest.logs}"


# The plants themselves --------------------------------------------------------------------------


def test_a_plant_that_is_not_caught_by_what_it_names_is_a_failure(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = PLANTS["counter-not-updated-on-drop"]
    monkeypatch.setitem(PLANTS, planted.name, planted._replace(caught_by=frozenset({"a-hunch"})))
    said: list[str] = []

    assert run.run(planted.name, said.append, sound=False) == run.SURVIVED
    assert any("SURVIVED" in line for line in said)


def test_a_plant_of_another_name_is_refused_with_those_there_are() -> None:
    said: list[str] = []

    assert run.run("no-such-bug", said.append) == run.UNKNOWN
    assert "no-course-lock" in said[0]


@pytest.mark.parametrize(
    "put_in",
    [
        lambda: plant.swap(requests, "no_such_function", lambda original: original),
        lambda: plant.reword(requests, "_INSERT", ("no such words", "")),
    ],
)
def test_a_plant_that_finds_no_place_says_so(put_in: Callable[[], None]) -> None:
    with pytest.raises(SeamGone):
        put_in()
