"""Whether a transaction that may still accept requests began before a moment."""

from django.db import migrations

# A role sees of the others' sessions only that they exist, so this runs as the owner, who is a
# member of reg_web. A session that may act as reg_web under another login stays hidden from an
# owner who is no superuser; it counts as older while it holds the lock of an INSERT of requests.
INTAKE_OLDER_THAN = """
CREATE FUNCTION intake_older_than(moment timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM pg_stat_activity AS session
        WHERE session.datname = current_database()
          AND session.pid <> pg_backend_pid()
          AND pg_has_role(session.usesysid, 'reg_web', 'MEMBER')
          AND (session.xact_start < moment
               OR session.query = '<insufficient privilege>' AND EXISTS (
                   SELECT FROM pg_locks
                   WHERE pid = session.pid AND relation = 'public.requests'::regclass
                     AND mode = 'RowExclusiveLock'))
    )
$$;
REVOKE EXECUTE ON FUNCTION intake_older_than(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION intake_older_than(timestamptz) TO reg_web, reg_worker;
"""


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0003_guards")]
    operations = [
        migrations.RunSQL(INTAKE_OLDER_THAN, "DROP FUNCTION intake_older_than(timestamptz)")
    ]
