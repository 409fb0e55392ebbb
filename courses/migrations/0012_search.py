"""Courses are found by what is typed, and what was read of them is known to be current."""

from django.db import migrations, models

EXTENSIONS = """
DO $$
DECLARE
    extension_name text;
    home text;
BEGIN
    FOREACH extension_name IN ARRAY ARRAY['pg_trgm', 'unaccent'] LOOP
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA public', extension_name);
        SELECT extnamespace::regnamespace INTO home FROM pg_extension
        WHERE extname = extension_name;
        IF home <> 'public' THEN
            RAISE EXCEPTION 'the extension % is in the schema %, not in public',
                extension_name, home
                USING HINT = format('ALTER EXTENSION %I SET SCHEMA public; then migrate again.',
                                    extension_name);
        END IF;
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the extension % is missing and % may not create it',
            extension_name, current_user
            USING HINT = 'As a superuser, in this database: CREATE EXTENSION pg_trgm SCHEMA public; '
                         'CREATE EXTENSION unaccent SCHEMA public; then migrate again.';
    WHEN feature_not_supported OR undefined_file THEN
        RAISE EXCEPTION 'this PostgreSQL comes without the extension %', extension_name
            USING HINT = 'Install its contrib package (Debian''s postgresql has it, elsewhere '
                         'postgresql-contrib), then migrate again.';
END
$$;
"""

# `unaccent` may be given other rules, so PostgreSQL will not index what it makes: ours never change
# without a REINDEX. Everything is named with its schema, as a restore has no search path.
WORDS = """
CREATE FUNCTION catalogue_folded(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$;

CREATE FUNCTION catalogue_code(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT regexp_replace(upper($1), '[^[:alnum:]]+', '', 'g') $$;

CREATE TEXT SEARCH CONFIGURATION public.catalogue (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION public.catalogue
    ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, pg_catalog.english_stem;
CREATE TEXT SEARCH CONFIGURATION public.catalogue_plain (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION public.catalogue_plain
    ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, pg_catalog.simple;

-- No field of the model: every query for a course would fetch it. Only what is current is searched.
-- A text of any length can be stored, and a tsvector cannot.
ALTER TABLE courses ADD COLUMN search tsvector GENERATED ALWAYS AS (
    CASE WHEN latest_version THEN
        setweight(to_tsvector('public.catalogue_plain', code), 'A')
        || setweight(to_tsvector('public.catalogue_plain', name), 'B')
        || setweight(to_tsvector('public.catalogue', name), 'B')
        || setweight(to_tsvector('public.catalogue', left(syllabus, 100000)), 'C')
        || setweight(to_tsvector('public.catalogue', left(coalesce(pre_requisits, ''), 20000)), 'D')
    END
) STORED;

CREATE INDEX course_search ON courses USING gin (search) WHERE latest_version;
CREATE INDEX course_search_code ON courses (catalogue_code(code) text_pattern_ops)
    WHERE latest_version;
CREATE INDEX course_search_alike ON courses
    USING gin (catalogue_folded(code || ' ' || name) gin_trgm_ops) WHERE latest_version;
"""

UNWORDS = """
DROP INDEX course_search_alike, course_search_code, course_search;
ALTER TABLE courses DROP COLUMN search;
DROP TEXT SEARCH CONFIGURATION public.catalogue_plain;
DROP TEXT SEARCH CONFIGURATION public.catalogue;
DROP FUNCTION catalogue_code(text);
DROP FUNCTION catalogue_folded(text);
"""

# The seed's audit table has indexes by course, person, time and action. Ours is one log for all:
# entries of registration, by far the most, are in none of these.
AUDIT = """
CREATE INDEX audit_course_by_actor ON audit_entries (actor, at) WHERE stream LIKE 'course:%';
CREATE INDEX audit_course_by_time ON audit_entries (at) WHERE stream LIKE 'course:%';
CREATE INDEX audit_course_by_event ON audit_entries (event, at) WHERE stream LIKE 'course:%';
"""

UNAUDIT = "DROP INDEX audit_course_by_event, audit_course_by_time, audit_course_by_actor;"

# Each transaction that writes the catalogue leaves another mark, which is seen when it commits and
# not before. It takes a row that no other transaction holds, and makes one where there is none:
# writers never wait for each other here.
EPOCHS = """
CREATE TABLE catalogue_epochs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mark uuid NOT NULL DEFAULT gen_random_uuid(),
    xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
    begun timestamptz NOT NULL DEFAULT transaction_timestamp()
);
REVOKE INSERT, UPDATE, DELETE ON catalogue_epochs FROM reg_web, reg_worker;

CREATE FUNCTION catalogue_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
BEGIN
    -- With the time, since a database that was restored counts its transactions anew.
    IF EXISTS (SELECT FROM catalogue_epochs
               WHERE xact = pg_current_xact_id() AND begun = transaction_timestamp())
    THEN
        RETURN NULL;
    END IF;
    UPDATE catalogue_epochs
    SET mark = DEFAULT, xact = DEFAULT, begun = DEFAULT
    WHERE id = (SELECT id FROM catalogue_epochs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1);
    IF NOT FOUND THEN
        INSERT INTO catalogue_epochs DEFAULT VALUES;
    END IF;
    RETURN NULL;
END
$$;
"""

CATALOGUE = (
    *("courses", "courses_disciplines", "course_prerequisites", "disciplines", "departments"),
    *("programmes", "curricula", "curriculum_semesters", "course_slots", "course_slot_courses"),
)
"""What a list of courses, or the page of one, is made of."""

WATCHED = "".join(
    f"""
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION catalogue_changed();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER catalogue_changed;
"""
    for table in CATALOGUE
)

UNWATCHED = (
    "".join(f"DROP TRIGGER catalogue_changed ON {table};" for table in CATALOGUE)
    + "DROP FUNCTION catalogue_changed(); DROP TABLE catalogue_epochs;"
)


class Migration(migrations.Migration):
    dependencies = [("courses", "0011_imports"), ("audit", "0005_access")]
    operations = [
        migrations.RunSQL(EXTENSIONS, migrations.RunSQL.noop),
        migrations.RunSQL(WORDS, UNWORDS),
        migrations.RunSQL(AUDIT, UNAUDIT),
        migrations.RunSQL(EPOCHS + WATCHED, UNWATCHED),
        migrations.AddIndex(
            model_name="course",
            index=models.Index(
                fields=["code", "id"],
                condition=models.Q(latest_version=True),
                name="course_code_latest",
            ),
        ),
    ]
