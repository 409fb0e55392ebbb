"""Real demand: read whole, by the counts its publishers give, and the shape that we imitate."""

from collections import Counter
from pathlib import Path

import pytest

from enrollment.rehearsal.demand import open_demand
from enrollment.rehearsal.university import invent, spread

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the ITC-2007 exam files in ../shared/data"
)

# set: exams, of them empty, students, enrolments, sizes (median, 90%, 99%, largest), largest load
SETS = {
    1: (607, 0, 7_883, 32_380, (39, 125, 251, 259), 10),
    2: (870, 0, 12_484, 37_379, (24, 105, 281, 424), 9),
    5: (1_018, 1, 8_719, 34_196, (10, 101, 195, 320), 7),
    6: (242, 0, 7_909, 18_466, (36, 190, 485, 650), 7),
    8: (598, 11, 7_718, 31_374, (39, 115, 251, 260), 10),
}


def sizes(number: int) -> list[int]:
    """The size of every exam of a set, the empty ones too."""
    demand = open_demand(DATA / f"itc2007-exam-set{number}.exam.gz")
    survey = demand.survey()
    counts = Counter(ask.course for ask in demand.asks(survey))
    return [*counts.values(), *(0 for _ in range(SETS[number][1]))]


@pytest.mark.parametrize("number", SETS)
def test_every_set_is_read_whole(number: int) -> None:
    exams, empty, students, enrolments, spread_, most = SETS[number]

    survey = open_demand(DATA / f"itc2007-exam-set{number}.exam.gz").survey()

    assert (len(survey.students), survey.requests, survey.most) == (students, enrolments, most)
    assert len(survey.courses) == exams - empty
    assert spread(sizes(number)) == spread_


def test_the_invented_university_lies_among_the_real_ones() -> None:
    """Each figure of its spread, as a share of the mean, within a third of some real set's."""
    real = [shares(sizes(number)) for number in SETS]
    university = invent(1, 4000)
    wanted = Counter(course for student in university.students for course in student.wishes)
    ours = shares([wanted[course] for course in range(len(university.courses))])

    for place, figure in enumerate(ours):
        assert any(abs(figure / other[place] - 1) < 1 / 3 for other in real), (place, figure, real)


def shares(sizes: list[int]) -> list[float]:
    mean = sum(sizes) / len(sizes)
    return [size / mean for size in spread(sizes)]
