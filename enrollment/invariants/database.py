"""The database itself: set up as claimed, so that it refuses what the code promises never to do."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.utils import CursorWrapper

from registrar.audit.arrays import text_array

from .finding import Check

IDLE_SECONDS = 10
"""How long a transaction may sit open and do nothing."""

CHECKS = (
    Check(
        "history-only-grows",
        "Triggers that fire whatever the session says refuse to change requests, outcomes, "
        "settlements, the audit and the access log.",
        """
        SELECT concat(named.tbl, ': ', named.trigger, ' is ',
                      CASE WHEN t.oid IS NULL THEN 'missing'
                           WHEN t.tgenabled <> 'A' THEN 'not enabled always'
                           ELSE 'not what it was' END)
        FROM (VALUES ('audit_entries'), ('access_entries'), ('requests'), ('outcomes'),
                     ('settlements')) AS kept (tbl)
        CROSS JOIN LATERAL (VALUES (kept.tbl, 'append_only_rows', 27),
                                   (kept.tbl, 'append_only_table', 34))
                   AS named (tbl, trigger, fires)
        LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(named.tbl)
                              AND t.tgname = named.trigger AND NOT t.tgisinternal
        LEFT JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE (t.tgenabled = 'A' AND t.tgtype = named.fires AND t.tgqual IS NULL
               AND p.proname = 'refuse_change' AND position('RAISE EXCEPTION' IN p.prosrc) > 0
              ) IS NOT TRUE
        """,
    ),
    Check(
        "seats-refer-to-what-exists",
        "Triggers that fire whatever the session says refuse a seat whose student has no load in "
        "its term or whose section is of another offering, and keep what seats refer to.",
        """
        SELECT concat(named.tbl, ': ', named.trigger, ' is ',
                      CASE WHEN t.oid IS NULL THEN 'missing'
                           WHEN t.tgenabled <> 'A' THEN 'not enabled always'
                           ELSE 'not what it was' END)
        FROM (VALUES ('enrollments', 'seats_have_their_rows', 4),
                     ('enrollments', 'seats_never_move', 19),
                     ('student_terms', 'seats_keep_their_rows', 27),
                     ('sections', 'seats_keep_their_rows', 27),
                     ('offerings', 'seats_keep_their_rows', 27))
             AS named (tbl, trigger, fires)
        LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(named.tbl)
                              AND t.tgname = named.trigger AND NOT t.tgisinternal
        LEFT JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE (t.tgenabled = 'A' AND t.tgtype = named.fires AND t.tgqual IS NULL
               AND p.proname = named.trigger
               AND position('RAISE foreign_key_violation' IN p.prosrc) > 0
              ) IS NOT TRUE
        """,
    ),
    Check(
        "no-trigger-is-off",
        "No trigger of a table of ours is disabled: foreign keys are triggers too.",
        """
        SELECT concat(c.relname, ': ', t.tgname)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'public'::regnamespace AND t.tgenabled = 'D'
        """,
    ),
    Check(
        "roles-own-nothing",
        "The roles of web and workers exist, own nothing, and may neither create roles nor act "
        "for each other or for the owner.",
        """
        WITH named AS (
            SELECT ours.name, r.* FROM (VALUES ('reg_web'), ('reg_worker')) AS ours (name)
            LEFT JOIN pg_roles r ON r.rolname = ours.name
        )
        SELECT concat(name, CASE WHEN oid IS NULL THEN ' is missing' ELSE ' is privileged' END)
        FROM named
        WHERE oid IS NULL OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
           OR rolreplication
        UNION ALL
        SELECT DISTINCT concat(named.name, ' may act for ', owner.rolname)
        FROM named JOIN pg_roles owner
          ON owner.oid <> named.oid AND pg_has_role(named.oid, owner.oid, 'MEMBER')
         AND (owner.rolname IN ('reg_web', 'reg_worker') OR owner.rolsuper
              OR owner.oid IN (SELECT relowner FROM pg_class
                               WHERE relnamespace = 'public'::regnamespace))
        UNION ALL
        SELECT concat(named.name, ' owns ', c.relname)
        FROM named JOIN pg_class c ON c.relowner = named.oid
        """,
    ),
    Check(
        "departments-are-walled",
        "Row-level security holds for departments and their plans, and for the owner of these too: "
        "only the admin claim writes.",
        """
        SELECT concat(named.tbl, ' has no row-level security in force')
        FROM (VALUES ('departments'), ('years'), ('semesters'), ('department_course_map'))
             AS named (tbl)
        LEFT JOIN pg_class c ON c.oid = to_regclass(named.tbl)
        WHERE (c.relrowsecurity AND c.relforcerowsecurity) IS NOT TRUE
        UNION ALL
        SELECT concat(tablename, ' is opened by the policy ', policyname) FROM pg_policies
        WHERE schemaname = 'public' AND cmd <> 'SELECT'
          AND tablename IN ('departments', 'years', 'semesters', 'department_course_map')
          AND NOT (qual IS NOT DISTINCT FROM with_check
                   AND qual IS NOT DISTINCT FROM
                       '(current_setting(''app.role''::text, true) = ''admin''::text)')
        """,
    ),
    Check(
        "only-settlements-seat",
        "The web may not seat, decide or forget anything, nobody may change what happened.",
        """
        WITH denied (role, tbl, privileges) AS (VALUES
            ('reg_web', 'enrollments', 'INSERT,UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'waitlist_entries', 'INSERT,UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'attempts', 'INSERT,UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'outcomes', 'INSERT,UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'settlements', 'INSERT,UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'pending', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'offerings', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'sections', 'INSERT,DELETE,TRUNCATE'),
            ('reg_web', 'student_terms', 'DELETE,TRUNCATE'),
            ('reg_web', 'requests', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'audit_entries', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_web', 'access_entries', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'requests', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'outcomes', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'settlements', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'audit_entries', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'access_entries', 'UPDATE,DELETE,TRUNCATE'),
            ('reg_worker', 'pending', 'UPDATE,TRUNCATE'),
            ('reg_worker', 'enrollments', 'DELETE,TRUNCATE'),
            ('reg_worker', 'waitlist_entries', 'DELETE,TRUNCATE')
        ), asked AS (
            SELECT r.oid, d.role, d.tbl, to_regclass(d.tbl) AS rel, privilege
            FROM denied d JOIN pg_roles r ON r.rolname = d.role
            CROSS JOIN LATERAL unnest(string_to_array(d.privileges, ',')) AS privilege
        )
        SELECT concat(role, ' may ', privilege, ' ', tbl) FROM asked
        WHERE has_table_privilege(oid, rel, privilege)
           OR CASE WHEN privilege IN ('INSERT', 'UPDATE')
                   THEN has_any_column_privilege(oid, rel, privilege) ELSE false END
        UNION ALL
        SELECT concat('reg_web may UPDATE ', c.tbl, '.', c.name)
        FROM (VALUES ('sections', 'taken'), ('sections', 'permits'),
                     ('sections', 'enrollment_limit'), ('sections', 'meets'),
                     ('student_terms', 'credits')) AS c (tbl, name)
        JOIN pg_roles r ON r.rolname = 'reg_web'
        WHERE has_column_privilege(r.oid, to_regclass(c.tbl), c.name, 'UPDATE')
        """,
    ),
    Check(
        "a-frozen-worker-is-cut-off",
        "The server ends a worker's transaction that idles, so that a frozen one loses its locks.",
        """
        SELECT 'reg_worker has no idle_in_transaction_session_timeout'
        WHERE NOT EXISTS (
            SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
            CROSS JOIN LATERAL unnest(s.setconfig) AS config
            WHERE r.rolname = 'reg_worker'
              AND config LIKE 'idle\\_in\\_transaction\\_session\\_timeout=_%%'
              AND split_part(config, '=', 2) NOT IN ('0', '0s', '0ms')
        )
        """,
    ),
    Check(
        "numbers-are-drawn-one-by-one",
        "Requests, settlements and audit entries are numbered without a cache: their numbers are "
        "their order.",
        """
        SELECT concat(sequencename, ' hands out ', cache_size, ' at a time')
        FROM pg_sequences
        WHERE sequencename IN ('requests_id_seq', 'settlements_id_seq', 'audit_entries_id_seq')
          AND (cache_size <> 1 OR increment_by <> 1)
        """,
    ),
    Check(
        "no-transaction-idles",
        "No transaction has been left open and idle for more than 10 seconds.",
        """
        SELECT concat('backend ', pid, ' (', application_name, ') since ', state_change)
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND state LIKE 'idle in transaction%%'
          AND state_change < clock_timestamp() - make_interval(secs => %(idle)s)
        """,
    ),
    Check(
        "no-attempt-is-left-behind",
        "No settlement began and never ended.",
        """
        SELECT concat('attempt ', id, ' on requests ', first_request, ' to ', last_request,
                      ' since ', begun_at)
        FROM attempts
        WHERE begun_at <= clock_timestamp() - make_interval(secs => %(patience)s)
        """,
    ),
)

CONSTRAINTS = "constraints-are-in-force"
CONSTRAINTS_SENTENCE = (
    "Every constraint that the models declare and every foreign key exists in the database, is "
    "valid and is enforced."
)
_MADE_BY_MIGRATIONS = (
    ("enrollments", "enrollment_no_two_at_the_same_time"),
    ("sections", "section_of_its_offering"),
    ("pending", "pending_pkey"),
)
_CONSTRAINTS = """
SELECT asked.tbl, asked.name
FROM unnest(%s::text[], %s::text[]) AS asked (tbl, name)
WHERE NOT EXISTS (SELECT FROM pg_constraint c
                  WHERE c.conrelid = to_regclass(asked.tbl) AND c.conname = asked.name
                    AND c.convalidated)
  AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                  WHERE i.indrelid = to_regclass(asked.tbl) AND c.relname = asked.name
                    AND i.indisunique AND i.indisvalid AND i.indisready)
"""
_UNIQUE = """
SELECT asked.tbl, asked.col
FROM unnest(%s::text[], %s::text[]) AS asked (tbl, col)
WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a
                      ON a.attrelid = i.indrelid AND i.indkey[0] = a.attnum
                  WHERE i.indrelid = to_regclass(asked.tbl) AND a.attname = asked.col
                    AND i.indnkeyatts = 1 AND i.indpred IS NULL
                    AND i.indisunique AND i.indisvalid AND i.indisready)
"""
_FOREIGN_KEYS = """
SELECT asked.tbl, asked.col
FROM unnest(%s::text[], %s::text[]) AS asked (tbl, col)
WHERE NOT EXISTS (SELECT FROM pg_constraint c JOIN pg_attribute a
                      ON a.attrelid = c.conrelid AND c.conkey[1] = a.attnum
                  WHERE c.conrelid = to_regclass(asked.tbl) AND c.contype = 'f'
                    AND c.convalidated AND a.attname = asked.col)
"""


def missing_constraints(cursor: CursorWrapper) -> Iterator[str]:
    """Constraints and foreign keys that should be there and are not, or are not in force."""
    declared = [*_declared(), *_MADE_BY_MIGRATIONS]
    for sql, claims, what in (
        (_CONSTRAINTS, declared, "constraint"),
        (_UNIQUE, [*_unique()], "unique"),
        (_FOREIGN_KEYS, [*_foreign_keys()], "foreign key"),
    ):
        tables, names = (text_array(column) for column in zip(*claims, strict=True))
        cursor.execute(sql, [tables, names])
        for table, name in cursor.fetchall():
            yield f"{table}: {what} {name} is missing or not in force"


def _ours() -> Iterator[type[models.Model]]:
    for label in ("accounts", "audit", "courses", "enrollment"):
        yield from apps.get_app_config(label).get_models(include_auto_created=True)


def _declared() -> Iterator[tuple[str, str]]:
    for model in _ours():
        for constraint in model._meta.constraints:
            yield model._meta.db_table, constraint.name


def _unique() -> Iterator[tuple[str, str]]:
    for model in _ours():
        for field in model._meta.local_concrete_fields:
            if field.unique and field.column:
                yield model._meta.db_table, field.column


def _foreign_keys() -> Iterator[tuple[str, str]]:
    for model in _ours():
        for field in model._meta.local_fields:
            if isinstance(field, models.ForeignKey) and _enforced(field):
                yield model._meta.db_table, field.column


def _enforced(field: "models.ForeignKey[Any, Any]") -> bool:
    """Whether the database keeps this key itself, or another key implies it."""
    return bool(field.deconstruct()[3].get("db_constraint", True))
