"""A rule that cannot fail is no rule: each house rule, and the smallest house that breaks it."""

from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import pytest

from tests import source, test_conventions

SOUND = {
    "workers/tasks.py": '"""Tasks."""\n@shared_task()\ndef settle(**_):\n    return 1\n',
    "courses/timetable.py": '"""Times."""\n',
    "registrar/audit/log.py": '"""The log."""\n',
    "enrollment/allocation.py": '"""Deciding."""\nrefusal = Refusal("FULL")\n',
    **{
        f"enrollment/{name}.py": '"""A room."""\n'
        for name in test_conventions.PIPELINE
        if name != "allocation"
    },
    "tests/test_seats.py": '"""Tests."""\ndef test_a_seat_is_sold_once():\n    pass\n',
}

BREAKS = {
    "a_file_can_be_read_in_one_sitting": ("enrollment/long.py", '"""Long."""\n' + "x = 1\n" * 450),
    "a_function_fits_on_a_screen": (
        "enrollment/long.py",
        '"""Long."""\ndef f():\n' + "    x = 1\n" * 60,
    ),
    "a_task_only_translates": (
        "workers/tasks.py",
        '"""T."""\n@shared_task\ndef settle(**_):\n    a = 1\n    b = 2\n    c = 3\n    return a\n',
    ),
    "nothing_happens_by_signal": (
        "enrollment/receivers.py",
        '"""R."""\nfrom django.dispatch import receiver\n',
    ),
    "saving_a_model_only_saves_it": (
        "enrollment/models.py",
        '"""M."""\nclass Seat:\n    def save(self):\n        count(self)\n',
    ),
    "no_time_that_logic_needs_is_filled_in_by_itself": (
        "enrollment/models.py",
        '"""M."""\nclass Seat:\n    taken_at = DateTimeField(auto_now_add=True)\n',
    ),
    "an_import_is_at_the_top_or_the_layers_are_wrong": (
        "courses/queries.py",
        '"""Q."""\ndef seats():\n    from enrollment.ledger import write\n',
    ),
    "the_domain_never_asks_what_time_it_is": (
        "enrollment/rules.py",
        '"""R."""\nfrom django.utils import timezone\nNOW = timezone.now()\n',
    ),
    "a_room_is_named_by_what_is_in_it": ("courses/utils.py", '"""Things."""\n'),
    "a_test_is_named_by_what_it_shows": (
        "tests/test_seats.py",
        '"""T."""\ndef test_seats():\n    pass\n',
    ),
    "a_module_says_what_it_is_for": ("courses/queries.py", "x = 1\n"),
    "the_pipeline_promises_something_by_every_public_name": (
        "enrollment/ledger.py",
        '"""L."""\ndef write(plan):\n    pass\n',
    ),
    "every_code_that_is_used_can_be_explained": (
        "enrollment/allocation.py",
        '"""A."""\nrefusal = Refusal("FULL" if full else "JUST_BECAUSE")\n',
    ),
    "a_skip_says_why": (
        "tests/test_seats.py",
        '"""T."""\n@pytest.mark.skip\ndef test_a_seat_is_sold_once():\n    pass\n',
    ),
    "our_own_code_is_never_mocked": (
        "tests/test_seats.py",
        '"""T."""\nfrom unittest.mock import patch\n',
    ),
    "an_excuse_from_the_type_checker_names_what_it_excuses": (
        "courses/queries.py",
        '"""Q."""\nx = y  # type: ' + "ignore\n",
    ),
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small house in which every rule is kept."""
    for path, text in SOUND.items():
        write(tmp_path / path, text)
    monkeypatch.setattr(source, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def forget() -> None:
    source.modules.cache_clear()
    source.module.cache_clear()


def run(rule: str) -> None:
    test = getattr(test_conventions, f"test_{rule}")
    test(*([],) * len(signature(test).parameters))


@pytest.mark.parametrize("rule", BREAKS)
def test_a_house_rule_fails_where_it_is_broken_and_only_there(rule: str, house: Path) -> None:
    run(rule)

    path, text = BREAKS[rule]
    write(house / path, text)
    forget()

    with pytest.raises(pytest.fail.Exception, match=path.removesuffix(".py").split("/")[-1]):
        run(rule)


def test_every_house_rule_about_code_is_tried() -> None:
    rules = {
        name.removeprefix("test_") for name in vars(test_conventions) if name.startswith("test_")
    }
    # about a table of texts, not about code
    rules -= {"a_refusal_says_why_and_what_to_do"}

    assert rules == set(BREAKS)
