"""No line of garbage stops a reader, and no history breaks what the catalogue promises."""

import gzip
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from courses.importing import stolaf, ucsd
from courses.importing.deciding import decide
from courses.importing.lines import Bad, Line, Shape, Unusable, open_lines, read_line
from courses.importing.plan import Known
from courses.importing.said import Heard
from courses.versioning import normal_code
from tests.records import lines, section

NOTHING = Known({}, {}, {}, {}, {})
SHAPES = (stolaf.SHAPE, ucsd.COURSES, ucsd.SCHEDULE)
GARBAGE = st.lists(
    st.one_of(
        st.binary(max_size=80).filter(lambda raw: b"\n" not in raw),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=80).map(str.encode),
    )
)


def usable(shape: Shape, raws: list[bytes]) -> list[Line]:
    found = []
    for number, raw in enumerate(raws, 2):
        with suppress(Bad):
            found.append(read_line(number, raw, shape))
    return found


def hear(shape: Shape, given_lines: list[Line]) -> Heard:
    if shape is stolaf.SHAPE:
        return stolaf.hear(given_lines)
    if shape is ucsd.COURSES:
        return ucsd.hear_courses(given_lines)
    return ucsd.hear_schedule(given_lines, ucsd.term_of("SP22"))


@given(GARBAGE, st.sampled_from(SHAPES))
def test_garbage_is_told_line_by_line(raws: list[bytes], shape: Shape) -> None:
    hear(shape, usable(shape, raws))


@given(st.data(), st.sampled_from(SHAPES))
def test_lines_of_the_right_shape_with_any_cells(data: st.DataObject, shape: Shape) -> None:
    cell = st.text(st.characters(exclude_characters="\t\n\r"), max_size=12) | st.sampled_from(
        ["20231", "0000000001", "MAG 10", "4", "1–4", "Var", "1.00", "LE,MWF,9:00 - 9:50,HALL", "²"]
    )
    row = st.fixed_dictionaries(dict.fromkeys(shape.columns, cell))
    rows = data.draw(st.lists(row, max_size=6))
    given_lines = [Line(number, cells, str(number)) for number, cells in enumerate(rows, 2)]

    heard = hear(shape, given_lines)
    plan = decide("anywhere", heard, NOTHING)

    skipped = {each.line for each in (*heard.remarks, *plan.remarks) if each.skipped}
    went_in = {line for each in heard.said for line in each.lines} - skipped
    assert skipped | went_in == {line.number for line in given_lines}


@given(st.binary(max_size=300), st.booleans(), st.integers(0, 40))
def test_a_file_of_garbage_is_read_or_refused(data: bytes, zipped: bool, cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("x.gz" if zipped else "x")
        path.write_bytes(gzip.compress(data)[: -cut or None] if zipped else data)
        with suppress(Unusable):
            read = b"".join(open_lines(path))
            assert read == data or data.startswith(b"\x1f\x8b")


ROWS = st.tuples(
    st.sampled_from(["20101", "20103", "20111", "20121", "20201"]),
    st.integers(1, 4),
    st.sampled_from(["101", "102", "1011"]),
    st.sampled_from(["Wands", "Wands!", "Potions", "Herbs I", "Herbs II"]),
    st.sampled_from(["1.00", "0.25", "Var"]),
)


@given(st.lists(ROWS, max_size=25))
def test_any_history_is_one_the_catalogue_could_have_written(
    rows: list[tuple[str, int, str, str, str]],
) -> None:
    texts = [
        section(
            number,
            term,
            course,
            deptname="MAGIC",
            coursenumber=code,
            coursename=name,
            credits=credit,
        )
        for number, (term, course, code, name, credit) in enumerate(rows, 1)
    ]
    plan = decide("stolaf", stolaf.hear(lines(stolaf.SHAPE, *texts)), NOTHING)

    last, used = {}, set()
    numbers = defaultdict(list)
    for each in plan.versions:
        code = normal_code(each.content["code"])
        assert len(code) <= 10
        assert Decimal("1.0") <= each.version <= Decimal("9999.9")
        assert (code, each.version) not in used
        used.add((code, each.version))
        numbers[each.place.lineage].append(each.place.revision)
        last[each.place.lineage] = code
    assert len(set(last.values())) == len(last), "one latest version of a code"
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    in_terms = [(each.place.lineage, each.term.key) for each in plan.offerings]
    assert len(set(in_terms)) == len(in_terms), "one offering of a course in a term"
    codes = [(each.code, each.term.key) for each in plan.offerings]
    assert len(set(codes)) == len(codes), "section codes are unique in a term"
    skipped = sum(each.skipped for each in plan.remarks)
    assert sum(len(each.sections) for each in plan.offerings) + skipped == len(rows)
