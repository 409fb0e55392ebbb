"""A line that is broken costs itself; a file that is broken says so."""

import gzip
from pathlib import Path

import pytest

from courses.importing.lines import Bad, Shape, Unusable, columns, open_lines, read_line

COMMAS, TABS = Shape(("a", "b"), tabs=False), Shape(("a", "b"), tabs=True)


def test_a_line_is_cells_by_their_columns() -> None:
    line = read_line(7, b' x ,"y, ""z"""\r\n', COMMAS)

    assert (line.number, line.cells) == (7, {"a": "x", "b": 'y, "z"'})
    assert read_line(7, b'"x"\ty"\n', TABS).cells == {"a": '"x"', "b": 'y"'}


def test_a_digest_is_of_what_the_line_says_and_not_of_how_it_ends() -> None:
    one, same, other = (read_line(1, raw, COMMAS).digest for raw in (b"x,y\r\n", b"x,y", b"x,z"))

    assert one == same != other


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"x", "CELLS"),
        (b"x,y,z", "CELLS"),
        (b"", "CELLS"),
        (b'"x,y', "QUOTES"),
        (b'x,"y"z', "QUOTES"),
        (b"x,\xff", "ENCODING"),
        (b"x,\x00", "CONTROL"),
        (b"x,\x1b[31m", "CONTROL"),
        (b"x," + b"y" * 200_000, "LONG"),
    ],
)
def test_what_is_wrong_with_a_line(raw: bytes, reason: str) -> None:
    with pytest.raises(Bad) as bad:
        read_line(3, raw, COMMAS)

    assert bad.value.reason == reason
    assert bad.value.on(3)[0] == 3
    assert bad.value.remedy


def test_files_plain_and_zipped(tmp_path: Path) -> None:
    plain, zipped = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_bytes(b"a\nb\n")
    zipped.write_bytes(gzip.compress(b"a\nb\n"))

    assert list(open_lines(plain)) == list(open_lines(zipped)) == [b"a\n", b"b\n"]


def test_files_of_no_use(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n" * 10_000)
    files = {
        "missing.csv": None,
        "not.gz": b"a,b\n",
        "short.gz": whole[:-20],
        "flipped.gz": whole[:30] + bytes([whole[30] ^ 255]) + whole[31:],
    }
    for name, data in files.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(Unusable) as unusable:
            list(open_lines(path))
        assert str(path) in str(unusable.value)
        assert "\n" not in str(unusable.value)
    with pytest.raises(Unusable):
        list(open_lines(tmp_path))


def test_a_header_names_its_columns_either_way() -> None:
    assert columns(b"\xef\xbb\xbfa,b\r\n") == columns(b"a\tb\n") == ("a", "b")
