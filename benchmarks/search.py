"""The catalogue's search and pages, against the same without indexes and against plain ILIKE.

All in this process, one question after the other, on 20,000 courses in five versions each; what is
timed is from the question to the answer in Python.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import connection
from django.test import Client

from benchmarks import databases, library
from benchmarks.contender import Contender, Run
from benchmarks.figures import Ratio, Target
from benchmarks.stage import Group as Words
from benchmarks.stage import Stage
from benchmarks.truths import Broken
from courses.models import Course
from courses.search import finding, search
from registrar.accounts.models import User
from registrar.accounts.roles import Role
from registrar.accounts.tokens import make_tokens

OURS, BARE, ILIKE = "search, ours", "search, no index", "search, ILIKE"
API = "search over HTTP"
KEPT, READ, KNOWN = "list, kept", "list, read", "list, known (304)"
DETAIL, DETAIL_READ = "detail, kept", "detail, read"
_SEED = 20_261_122
_WARMING = 3
_PAGE = 50
_PATIENCE = 60_000
# What is written where nobody thought of an index: no ranking, no stems, no accents, no typos.
_ILIKE = f"""
SELECT id, code, name FROM courses
WHERE latest_version AND (code ILIKE %s OR name ILIKE %s OR syllabus ILIKE %s
                          OR pre_requisits ILIKE %s)
ORDER BY code LIMIT {_PAGE}
"""
_PLANS = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")


class Asked:
    """One question after the other, each timed."""

    def __init__(
        self,
        name: str,
        template: str,
        questions: Sequence[str],
        ready: Callable[[], Callable[[str], object]],
    ) -> None:
        self.name = name
        self._template = template
        self._questions = questions
        self._ready = ready

    def run(self, round_: int) -> Run:
        with databases.made("round", self._template):
            ask = self._ready()
            for question in self._questions[:_WARMING]:
                ask(question)
            times = sorted(_timed(ask, question) for question in self._questions)
        facts = {
            "p50_ms": round(1000 * times[len(times) // 2], 2),
            "p95_ms": round(1000 * times[min(len(times) - 1, int(len(times) * 0.95))], 2),
        }
        return Run(self.name, round_, len(times), sum(times), facts)


def _timed(ask: Callable[[str], object], question: str) -> float:
    begun = time.perf_counter()
    ask(question)
    return time.perf_counter() - begun


# What is asked ------------------------------------------------------------------------------


def questions(count: int, courses: int) -> list[str]:
    """In turn a code, a code's beginning, words of a name, a name's beginning, words of a text,
    and a name with a letter left out."""
    dice = random.Random(_SEED)
    words = library.vocabulary()
    return [_question(nth % 6, dice.randrange(courses), dice, words) for nth in range(count)]


def _question(kind: int, course: int, dice: random.Random, words: Sequence[str]) -> str:
    code, name = library.code(course), library.name(course, words)
    subject, _, extra = name.partition(" and ")
    match kind:
        case 0:
            return f"{code[:2]} {code[2:]}".lower()
        case 1:
            return code[:4]
        case 2:
            return f"{extra} {subject.split()[-1]}"
        case 3:
            return subject[:-3]
        case 4:
            return " ".join(dice.sample(words[:400], 2))
    left_out = dice.randrange(2, len(subject) - 2)
    return subject[:left_out] + subject[left_out + 1 :]


# Who is asked -------------------------------------------------------------------------------


def _ours() -> Callable[[str], object]:
    def ask(text: str) -> object:
        return search(text, offered=True)

    return ask


def _bare() -> Callable[[str], object]:
    """The same statements with every index out of the planner's sight."""
    with connection.cursor() as cursor:
        for plan in _PLANS:
            cursor.execute(f"SET {plan} = off")

    def ask(text: str) -> object:
        with _patient():
            return search(text, offered=True)

    return ask


@contextmanager
def _patient() -> Iterator[None]:
    """No search is given up for taking too long."""
    usual = finding.MILLISECONDS
    finding.MILLISECONDS = _PATIENCE
    try:
        yield
    finally:
        finding.MILLISECONDS = usual


def _ilike() -> Callable[[str], object]:
    def ask(text: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(_ILIKE, [f"%{text}%"] * 4)
            return cursor.fetchall()

    return ask


def _get(
    path: str, *, forget: bool = False, known: bool = False
) -> Callable[[], Callable[[str], object]]:
    """A student who asks for this address; `forget` what was kept of it before each."""

    def ready() -> Callable[[str], object]:
        client = _student()
        caches["shelf"].clear()
        some = list(Course.latest.order_by("pk").values_list("pk", flat=True)[:100])
        wanted = 304 if known else 200
        etags: dict[str, str] = {}

        def ask(text: str) -> object:
            if forget:
                caches["shelf"].clear()
            where = path.format(q=text, id=some[len(text) % len(some)])
            seen = {"if-none-match": etags[where]} if known and where in etags else {}
            response = client.get(where, headers=seen)
            if response.status_code != (wanted if seen else 200):
                raise Broken(f"{where} answers {response.status_code}")
            etags[where] = response.headers["ETag"]
            return response.content

        return ask

    return ready


def _student() -> Client:
    user = User.objects.create(username="reader")
    user.groups.add(Group.objects.get(name=Role.STUDENT))
    [token] = make_tokens([user])
    return Client(headers={"authorization": f"Token {token}", "host": "localhost"})


def _contenders(stage: Stage) -> Sequence[Contender]:
    courses = stage.sizes.courses
    template = stage.template(
        f"{courses:,} courses, {library.VERSIONS * courses:,} versions",
        lambda: library.build(courses),
    )
    asked = questions(stage.sizes.searches, courses)
    pages = "/api/catalog/courses/"
    return [
        Asked(OURS, template, asked, _ours),
        Asked(BARE, template, asked, _bare),
        Asked(ILIKE, template, asked, _ilike),
        Asked(API, template, asked, _get(pages + "?search={q}")),
        Asked(KEPT, template, asked, _get(pages)),
        Asked(READ, template, asked, _get(pages, forget=True)),
        Asked(KNOWN, template, asked, _get(pages, known=True)),
        Asked(DETAIL, template, asked, _get(pages + "{id}/")),
        Asked(DETAIL_READ, template, asked, _get(pages + "{id}/", forget=True)),
    ]


def _less(name: str, goal: float | None, over: str, under: str, figure: str = "p95_ms") -> Target:
    return Target(name, goal, (Ratio(name, over, under, figure),))


GROUP = Words(
    "search",
    "the catalogue's search against no index and ILIKE, its list and its pages",
    _contenders,
    [
        _less("search p95: ILIKE / ours", 3, ILIKE, OURS),
        _less("search p95: no index / ours", 10, BARE, OURS),
        _less("search p50: ILIKE / ours", 10, ILIKE, OURS, "p50_ms"),
        _less("search p50: no index / ours", 20, BARE, OURS, "p50_ms"),
        _less("list p50: read / kept", None, READ, KEPT, "p50_ms"),
        _less("list p50: read / known", None, READ, KNOWN, "p50_ms"),
        _less("detail p50: read / kept", None, DETAIL_READ, DETAIL, "p50_ms"),
    ],
)
