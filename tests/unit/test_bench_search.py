"""The catalogue that the benchmark searches, and what it asks: the same every time."""

from itertools import islice

from benchmarks import library
from benchmarks.search import questions


def test_the_catalogue_is_the_same_every_time() -> None:
    first = list(islice(library.rows(30), 150))

    assert first == list(library.rows(30))
    assert len(first) == 30 * library.VERSIONS


def test_only_the_last_of_five_versions_is_offered() -> None:
    *before, last = library.rows(1)

    assert {row.lineage for row in before} == {last.lineage}
    assert [row.revision for row in before] == [1, 2, 3, 4]
    assert {(row.state, row.working_course, row.latest_version) for row in before} == {
        ("DEPRECATED", False, False)
    }
    assert (last.state, last.working_course, last.latest_version) == ("ACTIVE", True, True)
    assert last.version == "5.0"


def test_codes_and_names_are_of_the_length_that_a_course_takes() -> None:
    words = library.vocabulary()
    codes = [library.code(nth) for nth in range(20_000)]

    assert len(set(codes)) == len(codes)
    assert max(map(len, codes)) <= 10
    assert max(len(library.name(nth, words)) for nth in range(20_000)) <= 100


def test_words_are_few_and_their_use_uneven() -> None:
    words = library.vocabulary()
    said = " ".join(row.syllabus for row in library.rows(40)).split()

    assert len(set(words)) == len(words)
    assert said.count(words[0]) > 5 * said.count(words[3000])


def test_what_is_asked_is_of_every_kind_and_the_same_every_time() -> None:
    asked = questions(60, 20_000)

    assert asked == questions(60, 20_000)
    code, beginning, name, unfinished, text, misspelt = asked[:6]
    assert code == code.lower()
    assert code[2] == " "
    assert len(beginning) == 4
    assert len(name.split()) == 2
    assert len(text.split()) == 2
    words = library.vocabulary()
    names = {library.name(nth, words) for nth in range(20_000)}
    assert any(unfinished in each for each in names)
    assert not any(misspelt in each for each in names)
