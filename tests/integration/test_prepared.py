"""Statements with a kept plan: the same answers, and the plan that was wanted."""

import re
import threading
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction

from courses.models import Offering
from enrollment import cart, facts, ledger, poison, queries, requests, settlement
from enrollment.models import Request, Student
from enrollment.requests import Accepted
from enrollment.vocabulary import Kind
from registrar import prepared
from registrar.accounts import roles, tokens
from tests import factories
from tests.callers import Caller

SUM = "SELECT %(one)s::int + %(two)s::int + %(one)s::int"


@pytest.fixture
def course(database: None) -> Offering:
    term = factories.make_term()
    factories.open_window(term)
    return factories.make_offering(term, code="CS101")


@pytest.fixture(autouse=True)
def own_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a process that has not been behind a pooler yet."""
    monkeypatch.setattr(prepared, "_shared", threading.Event())


def forget_all() -> None:
    """What a pooler does when it gives this client another session."""
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def accepts(course: Offering) -> bool:
    asked = factories.ask(Kind.ENROLL, factories.make_student(course.term), course)
    return isinstance(requests.insert([asked])[0], Accepted)


def test_values_find_their_places(database: None) -> None:
    assert prepared.fetch(SUM, values={"two": 20, "one": 1}) == [(22,)]
    assert prepared.fetch("SELECT %s::int - %s::int", values=(5, 3)) == [(2,)]
    assert prepared.fetch("SELECT 1", SUM, values={"two": 20, "one": 1}) == [(22,)]


def test_intake_goes_on_in_a_session_that_knows_none_of_its_statements(course: Offering) -> None:
    assert accepts(course)
    forget_all()

    assert accepts(course)
    assert Request.objects.count() == 2


def test_a_token_is_known_in_a_session_that_did_not_prepare_the_question(course: Offering) -> None:
    ada = Caller(factories.make_student(course.term))
    assert ada.get("cart/").status == 200
    forget_all()

    assert ada.get("cart/").status == 200
    assert ada.post("courses/CS101/enroll/").status == 202


def test_what_became_of_a_request_is_told_in_a_session_that_did_not_prepare_the_question(
    course: Offering,
) -> None:
    ada = Caller(factories.make_student(course.term))
    request = ada.enroll(course)
    before = ada.get(f"requests/{request}/").body
    forget_all()

    assert ada.get(f"requests/{request}/").body == before
    assert ada.get("requests/").body["results"] == [before]


def test_a_settlement_goes_on_in_a_session_that_knows_none_of_its_statements(
    course: Offering,
) -> None:
    assert accepts(course)
    assert settlement.settle([course.pk]).decided == 1
    assert accepts(course)
    forget_all()

    assert settlement.settle([course.pk]).decided == 1
    # From then on nothing is prepared that may be somebody else's next time.
    forget_all()
    assert accepts(course)
    assert settlement.settle([course.pk]).decided == 1


def test_a_settlement_begun_anew_decides_nothing_that_it_no_longer_holds(
    course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session knows what comes before the locks, and not what comes after them."""
    assert accepts(course)
    assert settlement.settle([course.pk]).decided == 1
    assert accepts(course)
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {prepared._named(facts.lines._LINE).name}")
    lock, tries = facts.lock_offerings, [True]

    def the_first_time(*args: Any, **kwargs: Any) -> list[int]:
        return lock(*args, **kwargs) if tries and tries.pop() else []

    monkeypatch.setattr(facts, "lock_offerings", the_first_time)

    assert settlement.settle([course.pk]).decided == 0
    assert Request.objects.count() == 2


def test_in_somebody_elses_transaction_no_setting_is_left_behind(course: Offering) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        assert accepts(course)
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


def plan_of_the_insert() -> str:
    """The plan that this session has kept, whatever the tables have grown to since."""
    return "\n".join(line for (line,) in explained("EXPLAIN"))


def explained(explain: str) -> list[Any]:
    """Of the insert, by the plan kept; nothing is written in the end."""
    statement = prepared._named(requests._INSERT)
    asked = factories.ask(Kind.ENROLL, factories.make_student(), Offering.objects.get())
    row = requests._row(asked)
    values: dict[str, Any] = {**requests._columns([row]), "max_open": 1, "per_minute": 1}
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; {prepared.PIN} {explain} {statement.execute}", values)
        rows: list[Any] = cursor.fetchall()
        cursor.execute("ROLLBACK")
        return rows


SCANS = re.compile(r"Seq Scan on (?:requests|pending|students|student_terms)\b")


def test_a_plan_made_while_the_tables_are_empty_scans_none_of_them(course: Offering) -> None:
    assert accepts(course)

    assert not SCANS.search(plan_of_the_insert())


def test_without_the_pin_the_plan_of_empty_tables_would_scan_them(
    course: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM pending, requests, students, student_terms")
    monkeypatch.setattr(prepared, "PIN", "SET LOCAL plan_cache_mode = force_generic_plan;")
    forget_all()
    prepared._known.clear()
    assert accepts(course)

    assert SCANS.search(plan_of_the_insert())


@pytest.fixture
def no_statistics(course: Offering) -> None:
    """The tables are known to be empty, and nothing is planned yet."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    forget_all()
    prepared._known.clear()


def test_a_plan_made_while_the_tables_are_empty_reads_no_more_when_they_are_full(
    course: Offering, no_statistics: None
) -> None:
    assert accepts(course)
    [[[before]]] = explained("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)")
    crowd = Student.objects.bulk_create(Student(number=f"X{nth}") for nth in range(600))
    requests.insert([factories.ask(Kind.ENROLL, student, course) for student in crowd])

    [[[after]]] = explained("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)")

    assert after["Plan"]["Shared Hit Blocks"] < before["Plan"]["Shared Hit Blocks"] + 100


class Lookup(NamedTuple):
    """An index that a plan reads, and what it asks of the table's own columns."""

    name: str
    by: str
    conditions: str


def lookups(node: dict[str, Any]) -> list[Lookup]:
    """Every index read, all over a plan."""
    here = []
    if "Index Name" in node:
        by = node.get("Index Cond", "")
        conditions = f"{by} {node.get('Filter', '')}"
        here = [Lookup(node["Index Name"], by, conditions)]
    return here + [found for child in node.get("Plans", ()) for found in lookups(child)]


SETTLING = [
    facts.lines._REACH,
    facts.lines._LOCK_FREE,
    facts.lines._LINE,
    facts.lines._WAITERS,
    facts.students._LOCK_STUDENTS,
    facts.students._KNOWN,
    ledger._UPDATE_OFFERINGS,
    ledger._UPDATE_SECTIONS,
    ledger._ADD_CREDITS,
    ledger._DELETE_PENDING,
    poison._END,
    settlement._HEADS,
]


READING = [
    cart._ITEMS,
    queries._REQUESTS,
    queries._PLACES,
    queries._SEATS,
    queries._SENT,
    roles._ROLES,
    tokens._FIND,
]


def looked_up(text: str) -> list[Lookup]:
    """Which index the plan that would be kept now reads by what."""
    statement = prepared._named(text)
    values = re.sub(r"%(\(\w+\))?s", "NULL", statement.execute)
    with connection.cursor() as cursor:
        cursor.execute(statement.prepare)
        cursor.execute(f"{prepared.PIN} EXPLAIN (FORMAT JSON) {values}")
        [[[plan]]] = cursor.fetchall()
    return lookups(plan["Plan"])


INDEXES = """
SELECT i.indexrelid::regclass::text,
       array(SELECT pg_get_indexdef(i.indexrelid, nth, true)
             FROM generate_series(1, i.indnkeyatts) AS nth),
       array(SELECT attname::text FROM pg_attribute WHERE attrelid = i.indrelid AND attnum > 0
             AND pg_get_expr(i.indpred, i.indrelid) ~ ('\\m' || attname || '\\M'))
FROM pg_index i
WHERE i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = %s::regclass)
  AND i.indrelid <> 'courses'::regclass
  AND pg_get_expr(i.indpred, i.indrelid) !~ '~~' IS NOT FALSE
"""
"""With their columns, and those that say what is in them at all. That a text is like another is not
to be known of a value that is not there yet. Courses are there, and counted, long before anybody
asks for one."""


def read_to_the_end(lookup: Lookup) -> list[str]:
    """Indexes that the table may be read by as well, and whose first column is not asked for.

    One of them is taken as readily while the table is empty: sooner, if it is less deep.
    """
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [lookup.name])
        indexes = cursor.fetchall()
    # What an index says of all its rows is not asked of each of them any more.
    [said] = [within for index, _, within in indexes if index == lookup.name] or [[]]
    asked = {*re.findall(r"\w+", lookup.conditions), *said}
    return [
        index
        for index, [first, *others], within in indexes
        if first not in asked
        and (within or not asked.isdisjoint(others))
        and asked.issuperset(within)
    ]


@pytest.mark.parametrize("text", [*READING, *SETTLING])
def test_what_is_prepared_while_the_tables_are_empty_looks_up_and_never_reads_to_the_end(
    course: Offering, no_statistics: None, text: str
) -> None:
    """Whichever index is taken: by its second column alone all of an index is read."""
    found = looked_up(text)

    assert found
    for lookup in found:
        assert lookup.by, lookup
        assert not read_to_the_end(lookup), lookup


def test_an_index_that_only_ends_with_what_is_asked_for_is_found(
    course: Offering, no_statistics: None
) -> None:
    [lookup] = looked_up("SELECT FROM pending WHERE request_id = %s")

    assert read_to_the_end(lookup) == ["pending_pkey"]


def test_an_index_of_all_who_wait_is_found(course: Offering, no_statistics: None) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE INDEX all_who_wait ON waitlist_entries (term_id) WHERE state = 'WAITING'"
            )
        [lookup] = looked_up(
            "SELECT FROM waitlist_entries WHERE offering_id = %s AND state = 'WAITING'"
        )
        assert read_to_the_end(lookup) == ["all_who_wait"]
        transaction.set_rollback(True)
