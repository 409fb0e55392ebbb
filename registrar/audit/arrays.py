"""Lists as PostgreSQL array literals, for `unnest`.

psycopg2 writes a list as `ARRAY[1, 2, ...]`, an expression that the server must parse item by
item; a literal is parsed once by the array's input function and is cheaper on both sides.
"""

from collections.abc import Iterable


def array(values: Iterable[int]) -> str:
    """Numbers, or booleans, as `{1,2,3}`."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    """Texts, quoted and, where one of them needs it, escaped."""
    texts = list(values)
    quoted = '","'.join(texts)
    if "\\" in quoted or quoted.count('"') > 2 * len(texts) - 2:
        quoted = '","'.join(map(_escaped, texts))
    return f'{{"{quoted}"}}' if texts else "{}"


def lines(texts: Iterable[str]) -> str:
    """Texts one below the other, for `string_to_array(…, E'\\n')`: none empty, all on one line.

    That is JSON and hexadecimal; quoted within an array literal each would be longer by half and
    slower to read.
    """
    return "\n".join(texts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
