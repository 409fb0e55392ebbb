"""Lists as PostgreSQL array literals, for `unnest`.

psycopg2 writes a list as `ARRAY[1, 2, ...]`, an expression that the server must parse item by
item; a literal is parsed once by the array's input function and is cheaper on both sides.
"""

from collections.abc import Iterable


def array(values: Iterable[int]) -> str:
    """Numbers, or booleans, as `{1,2,3}`."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    """Texts, quoted and escaped."""
    return "{" + ",".join(map(_quoted, values)) + "}"


def _quoted(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'
