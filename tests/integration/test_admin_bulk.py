"""Many courses changed at once in the admin: shown row by row, then all of them or none."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from courses import history
from courses.admin.bulk import MOST_ROWS
from courses.lifecycle import State
from courses.models import Course, DepartmentMember
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from tests.catalogue import begin, change
from tests.clerks import as_owner, page, signed_in, told
from tests.departments import make_department
from tests.factories import make_course

LIST = "/admin/courses/course/"
MANY = f"{LIST}many/"


@pytest.fixture
def art(database: None) -> Course:
    return begin(code="ART1", name="Drawing", max_seats=30)


@pytest.fixture
def zoo(art: Course) -> Course:
    return begin(code="ZOO2", name="Animals", max_seats=40)


@pytest.fixture
def registrar(zoo: Course) -> Iterator[Client]:
    with signed_in(Role.REGISTRAR) as client:
        yield client


def choose(client: Client, *courses: Course) -> Any:
    """Tick courses in the list and pick the action."""
    ids = [course.pk for course in courses]
    return client.post(LIST, {"action": "change_field", "_selected_action": ids})


def fill_in(client: Client, chosen: Any, **values: str) -> Any:
    sent = {"courses": chosen.context["form"]["courses"].value(), "reason": "New rooms.", **values}
    return client.post(MANY, sent)


def upload(client: Client, text: str | bytes, reason: str = "New rooms.") -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(MANY, {"file": SimpleUploadedFile("a.csv", data), "reason": reason})


def agree(client: Client, shown: Any) -> Any:
    return client.post(MANY, {"agreed": shown.context["agreed"]}, follow=True)


def report(shown: Any) -> list[tuple[str, str, str, str]]:
    assert shown.status_code == 200
    assert "report" in shown.context, dict(shown.context["form"].errors)
    return [(row.code, row.before, row.after, row.bump) for row in shown.context["report"].rows]


def seats() -> dict[str, int]:
    return dict(Course.latest.values_list("code", "max_seats"))


# Chosen in the list -------------------------------------------------------------------------


@pytest.mark.requirement("S1-70")
def test_a_field_of_chosen_courses_is_tried_shown_and_written(
    registrar: Client, art: Course, zoo: Course
) -> None:
    chosen = choose(registrar, art, zoo)
    assert "ART1, ZOO2." in chosen.content.decode()

    shown = fill_in(registrar, chosen, field="max_seats", value="40")

    assert report(shown) == [("ART1", "1.0", "2.0", "MINOR"), ("ZOO2", "1.0", "1.0", "NONE")]
    assert "ZOO2" in shown.content.decode()
    assert seats() == {"ART1": 30, "ZOO2": 40}, "nothing is written yet"

    done = agree(registrar, shown)

    assert told(done) == "1 new version written."
    assert seats() == {"ART1": 40, "ZOO2": 40}
    assert history.changes(art.lineage)[-1].comment == "New rooms."


def test_every_version_of_a_course_that_is_chosen_means_its_latest(
    registrar: Client, art: Course
) -> None:
    with as_owner():
        newer = change(art, credit=4)

    shown = fill_in(registrar, choose(registrar, art, newer), field="max_seats", value="50")

    assert report(shown) == [("ART1", str(newer.version), "3.0", "MINOR")]


def test_a_value_that_cannot_be_is_told_in_its_row(registrar: Client, zoo: Course) -> None:
    with as_owner():
        draft = begin(State.DRAFT, code="LAW3", name="Statutes")

    seats_of = fill_in(registrar, choose(registrar, zoo), field="max_seats", value="many")
    unknown = fill_in(registrar, choose(registrar, zoo), field="disciplines", value="Alchemy")
    of_draft = fill_in(registrar, choose(registrar, zoo, draft), field="max_seats", value="1")

    for shown in (seats_of, unknown, of_draft):
        assert shown.context["report"].bad
        assert not shown.context["agreed"], "there is nothing to agree to"
    assert "There is no Alchemy among the disciplines." in unknown.content.decode()
    assert seats() == {"ZOO2": 40, "ART1": 30, "LAW3": 90}


def test_what_is_missing_is_told_beside_its_field(registrar: Client, zoo: Course) -> None:
    chosen = choose(registrar, zoo)

    bare = fill_in(registrar, chosen, field="code", value="", reason=" ")
    tampered = registrar.post(MANY, {"courses": "1,zoo", "field": "name"})

    assert {"field", "value", "reason"} == set(bare.context["form"].errors)
    assert "ZOO2." in bare.content.decode(), "the courses are still chosen"
    assert "Choose courses in the list again." in tampered.content.decode()


def test_too_many_courses_go_by_the_command(registrar: Client, zoo: Course) -> None:
    with as_owner():
        courses = [make_course(f"M{number}") for number in range(MOST_ROWS)]
    chosen = choose(registrar, zoo, *courses)

    shown = fill_in(registrar, chosen, field="max_seats", value="1")

    [said] = shown.context["form"].non_field_errors()
    assert said == f"{MOST_ROWS + 1} courses, {MOST_ROWS} at most. `manage bulk_edit` takes more."


# By a file ----------------------------------------------------------------------------------


@pytest.mark.requirement("S1-70")
def test_a_file_changes_many_courses_each_in_its_way(registrar: Client) -> None:
    assert "many/" in page(registrar, "courses/course/")
    text = 'code,name,max_seats\nART1,,20\nzoo2,"Animals, wild",\n'

    shown = upload(registrar, text)
    assert report(shown) == [("ART1", "1.0", "2.0", "MINOR"), ("ZOO2", "1.0", "2.0", "MINOR")]
    done = agree(registrar, shown)

    assert told(done) == "2 new versions written."
    assert seats() == {"ART1": 20, "ZOO2": 40}
    assert Course.latest.get(code="ZOO2").name == "Animals, wild"


def test_a_text_of_several_lines_arrives_as_it_was(registrar: Client, art: Course) -> None:
    shown = upload(registrar, b'code,syllabus\r\nART1,"Lines\n\nand points"\r\n')
    agree(registrar, shown)

    assert Course.latest.get(code="ART1").syllabus == "Lines\n\nand points"


def test_one_bad_row_and_there_is_nothing_to_agree_to(registrar: Client) -> None:
    shown = upload(registrar, "code,max_seats\nART1,20\nBEE9,20\n")

    assert "1 of 2 rows cannot be" in shown.content.decode()
    assert "There is no course BEE9. Correct the code." in shown.content.decode()
    assert not shown.context["agreed"]


def test_the_same_again_differs_in_nothing(registrar: Client) -> None:
    shown = upload(registrar, "code,max_seats\nART1,30\n")

    assert "Nothing differs" in shown.content.decode()
    assert not shown.context["agreed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The submitted file is empty."),
        ("code,max_seats\n", "There is no row in it."),
        ("name\nDrawing\n", "Line 1 has no column `code`."),
        ("code,colour\nART1,red\n", "Line 1 names what no course has: colour."),
        ("code,max_seats\nART1\n", "Line 2 has not as many cells as line 1."),
        (b"code,name\nART1,Caf\xe9\n", "Line 2 cannot be read: it is not UTF-8."),
        ("code,name\nART1,Drawing\nZOO\0,Apes\n", "Line 3 cannot be read: it has a NUL."),
        ("code,name\nART1," + "n" * 50_000 + "\n", "The file is over 48 KiB."),
        ("code,credit\n" + "ART1,3\n" * (MOST_ROWS + 1), "It has 201 rows, 200 at most."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_beside_its_field(
    registrar: Client, text: str | bytes, said: str
) -> None:
    shown = upload(registrar, text)

    assert " ".join(shown.context["form"].errors["file"]).startswith(said)


def test_a_file_and_its_reason_must_be_given(registrar: Client) -> None:
    shown = registrar.post(MANY, {"reason": ""})

    assert set(shown.context["form"].errors) == {"file", "reason"}


# What was agreed to -------------------------------------------------------------------------


def test_what_was_shown_is_written_or_nothing(registrar: Client, art: Course) -> None:
    """Somebody made a version between the report and the word."""
    shown = upload(registrar, "code,max_seats\nART1,20\nZOO2,20\n")
    with as_owner():
        change(art, credit=4)

    late = agree(registrar, shown)

    assert "ART1 is at version 2.0, not 1.0." in late.content.decode()
    assert seats() == {"ART1": 30, "ZOO2": 40}


def test_only_what_was_signed_is_written(registrar: Client, zoo: Course) -> None:
    shown = upload(registrar, "code,max_seats\nART1,20\n")
    forged = registrar.post(MANY, {"agreed": shown.context["agreed"] + "x"}, follow=True)
    assert told(forged) == "That report is too old to be agreed to. Try it again."

    with as_owner():
        admin = User.objects.create(username="admin", is_staff=True)
        admin.groups.add(*User.objects.get(username=Role.REGISTRAR).groups.all())
    registrar.force_login(admin)
    other = agree(registrar, shown)

    assert told(other) == "Somebody else was shown that report. Try it yourself."
    assert seats() == {"ART1": 30, "ZOO2": 40}


def test_an_agreement_holds_for_an_hour(registrar: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = upload(registrar, "code,max_seats\nART1,20\n")

    monkeypatch.setattr("courses.admin.bulk.AGREE_SECONDS", -1)

    assert "too old" in told(agree(registrar, shown))


@pytest.mark.requirement("S1-99")
def test_teachers_change_the_courses_of_their_department(art: Course, zoo: Course) -> None:
    ours = make_department("ZOO", "Zoology")
    Course.objects.filter(pk=zoo.pk).update(department=ours)
    with signed_in(Role.FACULTY) as client:
        with as_owner():
            teacher = User.objects.get(username=Role.FACULTY)
            DepartmentMember.objects.create(department=ours, user=teacher)

        both = fill_in(client, choose(client, art, zoo), field="max_seats", value="20")
        own = fill_in(client, choose(client, zoo), field="max_seats", value="20")
        agree(client, own)

        assert "ART1 is not yours to change." in both.content.decode()
        assert seats() == {"ART1": 30, "ZOO2": 20}


@pytest.mark.parametrize("role", [Role.CURRICULUM_COMMITTEE, Role.AUDITOR])
def test_who_makes_no_versions_makes_none_of_many(zoo: Course, role: Role) -> None:
    with signed_in(role) as client:
        listed = page(client, "courses/course/")

        assert "change_field" not in listed
        assert "many/" not in listed
        assert client.get(MANY).status_code == 403
        assert "form" not in choose(client, zoo).context
