"""The log only grows: triggers that fire whatever the session says, and no grant to change it."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION make_append_only(named regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON %s
                    FOR EACH ROW EXECUTE FUNCTION refuse_change()', named);
    EXECUTE format('CREATE TRIGGER append_only_table BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', named);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only_rows', named);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only_table', named);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM reg_web, reg_worker', named);
END
$$;
REVOKE EXECUTE ON FUNCTION make_append_only(regclass) FROM PUBLIC;

SELECT make_append_only('audit_entries');
"""

REVERSE = """
DROP TRIGGER append_only_rows ON audit_entries;
DROP TRIGGER append_only_table ON audit_entries;
DROP FUNCTION make_append_only(regclass);
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_entries")]
    operations = [migrations.RunSQL(APPEND_ONLY, REVERSE)]
