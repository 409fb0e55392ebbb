"""Three database roles (D7), before any table: what each may do is granted as tables are made."""

from django.db import migrations

ROLES = """
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['reg_web', 'reg_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS',
                           role_name);
        END IF;
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
           AND NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
        -- Made before this, so no default covers it: a site tells whether its schema is today's.
        EXECUTE format('GRANT SELECT ON django_migrations TO %I', role_name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public
                        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', role_name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public
                        GRANT USAGE, SELECT ON SEQUENCES TO %I', role_name);
    END LOOP;
    -- A client that freezes while it holds a course's lock is cut off by the server (rule 5).
    ALTER ROLE reg_worker SET idle_in_transaction_session_timeout = '2s';
    ALTER ROLE reg_worker SET lock_timeout = '3s';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the roles reg_web and reg_worker are missing and % may not create them',
        current_user
        USING HINT = 'As a superuser: CREATE ROLE reg_web LOGIN; CREATE ROLE reg_worker LOGIN; '
                     'GRANT reg_web, reg_worker TO the owner; then migrate again.';
END
$$
"""


class Migration(migrations.Migration):
    initial = True
    run_before = [("contenttypes", "0001_initial")]
    operations = [migrations.RunSQL(ROLES, migrations.RunSQL.noop)]
