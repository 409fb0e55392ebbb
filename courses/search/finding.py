"""One search: the database's indexes find, `ranking` orders.

The latest version of a course stands for it. Accents and case make no difference, neither does
what separates letters from digits in a code. Where few are found, names that are spelt alike are
added.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from courses.models import Course
from registrar.audit.arrays import array

from .ranking import COMPARED, MOST, Hit, Match, ranked
from .typed import Typed, typed

SHORTEST = 3
"""Letters that a name is looked through for: with fewer there are no trigrams to find it by."""
FEW = 5
"""With fewer courses found than that, spelling is forgiven."""
ALIKE = (0.6, 0.45)
"""How much of what was typed a name must share, in trigrams, from 0 to 1: the second where the
first finds none, as it takes longer."""
WEIGHED = 500
"""Texts that are weighed against each other; of a word that is in more of them, any so many."""
MILLISECONDS = 1000
"""Longer than that no statement of a search takes."""

_HIT = "SELECT c.id, c.lineage, c.code, c.name"
_AMONG = "AND c.lineage IN ({})"

_CODES = f"""
({_HIT}, CASE WHEN catalogue_code(c.code) = catalogue_code(%s) THEN {Match.CODE}
              ELSE {Match.CODE_PREFIX} END, 0::float8
 FROM courses c
 WHERE c.latest_version AND catalogue_code(c.code) LIKE catalogue_code(%s) || '%%'
   AND catalogue_code(%s) <> '' {{among}}
 ORDER BY catalogue_code(c.code) USING ~<~ LIMIT {MOST})
UNION ALL
({_HIT}, {Match.FORMER_CODE}, 0::float8
 FROM courses was JOIN courses c ON c.lineage = was.lineage AND c.latest_version
 WHERE NOT was.latest_version AND upper(btrim(was.code)) = upper(%s) {{among}} LIMIT {MOST})
"""
# All words as they are, or the last one as a beginning: of its stem, or of a word in a name.
QUERY = """(websearch_to_tsquery('public.catalogue', %s) || (
    websearch_to_tsquery('public.catalogue', %s) && (
        to_tsquery('public.catalogue', %s) || to_tsquery('public.catalogue_plain', %s))))"""
_NAMES = f"""
({_HIT}, {Match.NAME}, 1 / (1 + length(c.name)::float8)
 FROM courses c
 WHERE c.latest_version AND length(%s) >= {SHORTEST}
   AND catalogue_folded(c.code || ' ' || c.name) LIKE '%%' || catalogue_folded(%s) || '%%' {{among}}
 ORDER BY length(c.name), c.id LIMIT {MOST})
"""
_WORDS = f"""
SELECT id, lineage, code, name, {Match.WORDS},
       ts_rank('{{{{0.1, 0.2, 0.6, 1.0}}}}', search, query)::float8
FROM ({_HIT}, c.search, asked.query
      FROM courses c, (SELECT {QUERY} AS query) AS asked
      WHERE c.latest_version AND c.search @@ asked.query {{among}}
      LIMIT {WEIGHED}) AS matching
ORDER BY 6 DESC, id LIMIT {MOST}
"""
_ALIKE = f"""
{_HIT}, {Match.ALIKE},
    word_similarity(catalogue_folded(%s), catalogue_folded(c.code || ' ' || c.name))::float8
FROM courses c
WHERE c.latest_version AND catalogue_folded(%s) <%% catalogue_folded(c.code || ' ' || c.name)
    {{among}}
ORDER BY 6 DESC, c.id LIMIT {COMPARED}
"""
_BOUND = "SELECT set_config('statement_timeout', %s, true)"
_THRESHOLD = "SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)"
_SNIPPETS = f"""
SELECT c.id, ts_headline('public.catalogue',
    left(concat_ws(' … ', c.syllabus, nullif(c.pre_requisits, '')), 20000), asked.query,
    'StartSel=«, StopSel=», MaxFragments=2, MaxWords=18, MinWords=6, FragmentDelimiter=" … "')
FROM courses c, (SELECT {QUERY} AS query) AS asked WHERE c.id = ANY(%s::bigint[])
"""


def search(text: str, among: QuerySet[Course] | None = None, *, offered: bool = False) -> list[Hit]:
    """The courses that somebody may mean by this text, the likeliest first, at most `MOST`.

    `among` narrows it to courses of which it has some version, `offered` to those that are.
    Any text will do; an empty one finds nothing. Raises OperationalError where the database does
    not answer in time.
    """
    asked = typed(text)
    try:
        among_sql, among_args = _narrowed(among, offered)
    except EmptyResultSet:
        return []
    if not asked.text:
        return []
    with _bounded():
        codes = [*[asked.text] * 3, *among_args, asked.text, *among_args]
        found = _hits(_CODES, among_sql, codes)
        found += _hits(_NAMES, among_sql, [asked.text, _literal(asked.text), *among_args])
        found += _hits(_WORDS, among_sql, [*_query(asked), *among_args])
        if len(asked.text) >= SHORTEST and _few(found):
            found += _alike(among_sql, [asked.text, asked.text, *among_args])
    return ranked(asked.text, found)


def snippets(text: str, courses: Sequence[int]) -> dict[int, str]:
    """Of these courses, what their texts say about this, with «marks» around what was looked for.

    Plain text: whoever shows it on a page has to escape it.
    """
    asked = typed(text)
    if not asked.text:
        return {}
    with _bounded(), connection.cursor() as cursor:
        cursor.execute(_SNIPPETS, [*_query(asked), array(courses)])
        return {course: said for course, said in cursor.fetchall() if "«" in said}


@contextmanager
def _bounded() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_BOUND, [str(MILLISECONDS)])
        yield


def _narrowed(among: QuerySet[Course] | None, offered: bool) -> tuple[str, tuple[Any, ...]]:
    current = "AND c.working_course " if offered else ""
    if among is None:
        return current, ()
    wanted, arguments = among.order_by().values("lineage").query.sql_with_params()
    return current + _AMONG.format(wanted), arguments


def _alike(among: str, arguments: Sequence[Any]) -> list[Hit]:
    for threshold in ALIKE:
        with connection.cursor() as cursor:
            cursor.execute(_THRESHOLD, [str(threshold)])
        if found := _hits(_ALIKE, among, arguments):
            return found
    return []


def _few(found: Sequence[Hit]) -> bool:
    """Whether it is worth looking for what was meant; a code that is one was meant."""
    return all(hit.match > Match.FORMER_CODE for hit in found) and (
        len({hit.id for hit in found}) < FEW
    )


def _literal(text: str) -> str:
    """For LIKE, with nothing in it that stands for something else."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _query(asked: Typed) -> list[str]:
    beginning = f"'{asked.last}':*" if len(asked.last) >= 2 else ""
    return [asked.text, asked.before, beginning, beginning]


def _hits(statement: str, among: str, arguments: Sequence[Any]) -> list[Hit]:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(among=among), arguments)
        return [
            Hit(id_, lineage, code, name, Match(match), weight)
            for id_, lineage, code, name, match, weight in cursor.fetchall()
        ]
