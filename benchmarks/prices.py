"""What each guarantee costs: dropped in a copy of the database, one at a time, and settled again.

Of each foreign key, index, constraint and trigger of INSERT on the tables that a settlement, or
intake, inserts into, of all CHECKs together, and of the hash. Figures are the lowest of the rounds,
of one process on its own; a line with nothing dropped says how far two equal ones lie apart.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db import connection
from rich.console import Console
from rich.table import Table

from benchmarks import alone, databases, groups
from benchmarks.alone import Cost
from benchmarks.stage import Stage
from benchmarks.truths import Broken
from registrar.audit import log

WHOLE, AGAIN = "everything in place", "the same again"
NO_HASH = "hash of each entry"
_AT_ONCE = 16
"""Requests in one commit of intake."""

SETTLED = [
    *("enrollments", "waitlist_entries", "outcomes", "audit_entries", "settlements", "sections")
]
ACCEPTED = ["requests", "pending", "student_terms"]
"""The tables that a settlement, and intake, insert into."""

# What a statement finds its rows by is no price to choose; nor is what another key refers to.
FOUND_BY = frozenset(
    {
        "sections (offering_id, section_number)",
        "pending (offering_id, request_id)",
        "pending (student_id)",
        "requests (id)",
        "requests (actor, key)",
        "requests (student_id, id)",
        "student_terms (student_id, term_id)",
        "enrollments (term_id, student_id, offering_id)",
        "waitlist_entries (offering_id, request_id)",
        "audit_entries (stream, seq)",
    }
)
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, contype,
       array(SELECT attname FROM unnest(conkey) WITH ORDINALITY AS key (number, nth)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY nth),
       confrelid::regclass::text
FROM pg_constraint c
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'u', 'p', 'x', 'c')
  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid
                                              AND f.oid <> c.oid AND c.contype <> 'f')
ORDER BY array_position(%s, conrelid::regclass::text), contype = 'f' DESC, conname
"""
_INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, indisunique,
       coalesce(' where ' || pg_get_expr(indpred, indrelid), ''),
       array(SELECT attname FROM unnest(indkey::int2[]) WITH ORDINALITY AS key (number, nth)
             JOIN pg_attribute ON attrelid = indrelid AND attnum = number ORDER BY nth)
FROM pg_index i
WHERE indrelid = ANY(%s::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY array_position(%s, indrelid::regclass::text), 2
"""
_TRIGGERS = """
SELECT tgrelid::regclass::text, tgname FROM pg_trigger
WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal
  AND tgtype & 4 <> 0  -- of INSERT
ORDER BY array_position(%s, tgrelid::regclass::text), tgname
"""
_KINDS = {"u": "unique", "p": "primary key", "x": "exclusion"}


class Variant(NamedTuple):
    """One thing left out."""

    name: str
    kind: str
    change: tuple[str, ...] = ()
    """SQL for the copy."""


class Subject(NamedTuple):
    """Something that writes: what it is called, the tables it inserts into, and a run of it."""

    title: str
    tables: list[str]
    template: str
    run: Callable[[str, Variant], Any]


def _subjects(stage: Stage) -> list[Subject]:
    """Z has what there is to guard: clashes, credits, waitlists, full sections."""
    sizes = stage.sizes
    flushes = f"{sizes.requests} {2 * sizes.small} {_AT_ONCE}"

    def settle(template: str, variant: Variant) -> Any:
        return alone.settle(template, "price", change=variant.change, args=variant.name)

    def accept(template: str, variant: Variant) -> Any:
        return alone.accept(template, "intake", change=variant.change, args=flushes)

    return [
        Subject("settling Z", SETTLED, groups.whole(stage, "Z"), settle),
        Subject(
            f"intake, {_AT_ONCE} at a time",
            ACCEPTED,
            groups.nobody_yet(stage),
            accept,
        ),
    ]


def main(args: str) -> None:
    """Settle all that is ready in this process, without what `args` names; print its cost."""
    alone.be_a_settler()
    if args == NO_HASH:
        nothing = b"\0" * 32
        log.digest = lambda *_: nothing
    print(json.dumps({"cost": alone.Meter().of(alone.settle_everything)}))


def measure(stage: Stage, rounds: int, console: Console) -> dict[str, Any]:
    """Print the tables; the same as values."""
    return {
        subject.title: _measure(subject, stage, rounds, console) for subject in _subjects(stage)
    }


def _measure(subject: Subject, stage: Stage, rounds: int, console: Console) -> dict[str, Any]:
    with databases.made("alone", subject.template):
        variants = _variants(subject.tables)
    if "audit_entries" in subject.tables:
        variants.append(Variant(NO_HASH, "hash"))
    costs: dict[str, list[Cost]] = {variant.name: [] for variant in variants}
    for nth in range(rounds):
        stage.say(f"{subject.title}, round {nth + 1}: {len(variants)} things to leave out.")
        for variant in variants:
            answer = subject.run(subject.template, variant)
            if answer:
                costs[variant.name].append(Cost(*answer["cost"]))
    if not all(costs.values()):
        raise Broken("a settler on its own does not settle everything")
    cheapest = {name: _cheapest(each) for name, each in costs.items()}
    console.print(_table(subject, variants, cheapest))
    return {name: cost._asdict() for name, cost in cheapest.items()}


def _cheapest(costs: Sequence[Cost]) -> Cost:
    """Each figure for itself: what disturbs one of them only ever adds to it."""
    servers = [cost.server for cost in costs if cost.server is not None]
    return Cost(
        costs[0].done,
        min(cost.elapsed for cost in costs),
        min(cost.here for cost in costs),
        min(servers, default=None),
        min(cost.wal for cost in costs),
    )


class Guards(NamedTuple):
    """What the database holds for us, on some of its tables."""

    keys: list[Variant]
    """Foreign keys."""
    triggers: list[Variant]
    """What is asked of every row inserted: a seat's keys, all those of a statement together."""
    indexes: list[Variant]
    """Those of constraints among them; not what a foreign key refers to."""
    checks: Variant


def guards(tables: list[str]) -> Guards:
    """All of them, each as something to leave out."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [tables, tables])
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, [tables, tables])
        plain = cursor.fetchall()
        cursor.execute(_TRIGGERS, [tables, tables])
        triggers = [
            Variant(f"{table}: {name}", "trigger", (f'DROP TRIGGER "{name}" ON {table}',))
            for table, name in cursor.fetchall()
        ]
    keys, indexes, checks = [], [], []
    for table, name, kind, columns, target in constraints:
        drop = f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'
        if kind == "c":
            checks.append(drop)
        elif kind == "f":
            keys.append(Variant(f"{_label(table, columns)} to {target}", "foreign key", (drop,)))
        else:
            indexes.append(Variant(_label(table, columns), _KINDS[kind], (drop,)))
    for table, name, unique, where, columns in plain:
        kind = "unique" if unique else "index"
        indexes.append(Variant(_label(table, columns) + where, kind, (f"DROP INDEX {name}",)))
    all_checks = Variant(f"{len(checks)} of them", "CHECKs", tuple(checks))
    return Guards(keys, triggers, indexes, all_checks)


def found_by(index: Variant) -> bool:
    """Whether our statements find their rows by it."""
    return index.name.partition(" where ")[0] in FOUND_BY


def _variants(tables: list[str]) -> list[Variant]:
    keys, triggers, indexes, checks = guards(tables)
    every_key = tuple(key.change[0] for key in keys)
    return [
        Variant(WHOLE, ""),
        Variant(AGAIN, ""),
        *keys,
        Variant("all of these", "foreign keys", every_key),
        *triggers,
        *(index for index in indexes if not found_by(index)),
        checks,
    ]


def _label(table: str, columns: Sequence[str]) -> str:
    return f"{table} ({', '.join(columns)})"


def _table(subject: Subject, variants: Sequence[Variant], costs: dict[str, Cost]) -> Table:
    whole = costs[WHOLE]
    title = f"What each costs a request, {subject.title}: the whole minus without it"
    table = Table("what", "", title=title)
    for heading in ("PostgreSQL's us", "our us", "us elapsed", "WAL bytes"):
        table.add_column(heading, justify="right")
    server = "?" if whole.server is None else f"{whole.server:.1f}"
    table.add_row(
        *(WHOLE, "in all", server, f"{whole.here:.1f}", f"{whole.elapsed:.1f}"), f"{whole.wal:,.0f}"
    )
    table.add_section()
    for variant in variants[1:]:
        cost = costs[variant.name]
        table.add_row(
            variant.name,
            variant.kind,
            _less(whole.server, cost.server),
            _less(whole.here, cost.here),
            _less(whole.elapsed, cost.elapsed),
            f"{whole.wal - cost.wal:+,.0f}",
        )
    return table


def _less(whole: float | None, without: float | None) -> str:
    return "?" if whole is None or without is None else f"{whole - without:+.1f}"
