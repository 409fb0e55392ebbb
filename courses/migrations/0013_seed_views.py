"""The tables of the schema that reports were written for, as views that are only read (D1).

Nineteen names and their columns, in their order; docs/reports.md says what is in each. They are
read with their owner's rights and are nobody else's to begin with: whoever makes reports is given
the views, and not the users' and the log's own tables.
"""

from collections.abc import Iterator, Mapping

from django.db import migrations

COURSE_FIELDS = """
    code, name, {0} credit, lecture_hours, tutorial_hours, pratical_hours, discussion_hours,
    project_hours, pre_requisits, syllabus, {1} percent_quiz_1, percent_midsem, percent_quiz_2,
    percent_endsem, percent_project, percent_lab_evaluation, percent_course_attendance, ref_books
"""

# MATERIALIZED, so that no condition of a report is asked of an entry that is none of a course's
# changes: what it fails on, or tells, it would tell of the whole log. Streams are looked up course
# by course, since the log is long and most of it is about something else.
AUDIT = """
WITH change AS MATERIALIZED (
    SELECT entry.id, entry.actor, entry.at, entry.body::jsonb AS body
    FROM (SELECT DISTINCT lineage FROM courses) AS course
    JOIN audit_entries AS entry ON entry.stream = 'course:' || course.lineage
    WHERE starts_with(entry.event, 'course_')
)
SELECT id, (body ->> 'course')::bigint AS course_id,
       substring(actor FROM '^user:([0-9]+)$')::bigint AS user_id,
       (body ->> 'action')::varchar(10) AS action, nullif(body -> 'old', 'null') AS old_data,
       nullif(body -> 'new', 'null') AS new_data, at AS "timestamp",
       (body ->> 'bump')::varchar(10) AS version_bump_type,
       coalesce(body ->> 'comment', '') AS comments
FROM change
"""

VIEWS: Mapping[str, str] = {
    "programme_curriculum_course": f"""
SELECT id, {COURSE_FIELDS.format("version,", "")}, working_course, latest_version, max_seats
FROM courses
""",
    "programme_curriculum_courseauditlog": AUDIT,
    "programme_curriculum_courseinstructor": """
SELECT id, course_id AS course_id_id, instructor_id AS instructor_id_id, year, semester_type
FROM course_instructors
""",
    "programme_curriculum_courseslot": """
SELECT id, semester_id, name, type, course_slot_info, duration, min_registration_limit,
       max_registration_limit
FROM course_slots
""",
    "programme_curriculum_courseslot_courses": """
SELECT id, slot_id AS courseslot_id, course_id FROM course_slot_courses
""",
    "programme_curriculum_course_disciplines": """
SELECT id, course_id, discipline_id FROM courses_disciplines
""",
    "programme_curriculum_course_pre_requisit_courses": """
SELECT id, from_course_id, to_course_id FROM course_prerequisites WHERE kind = 'PREREQUISITE'
""",
    "programme_curriculum_newproposalfile": f"""
SELECT proposal.id, uploader.username::varchar(100) AS uploader, designation,
       {COURSE_FIELDS.format("", "max_seats,")}, subject, description, upload_date, is_read,
       is_update, is_archive
FROM proposals AS proposal JOIN users AS uploader ON uploader.id = proposal.uploader_id
""",
    "programme_curriculum_newproposalfile_pre_requisit_courses": """
SELECT id, proposal_id AS newproposalfile_id, course_id FROM proposal_prerequisites
""",
    "programme_curriculum_proposal_tracking": """
SELECT hop.id, hop.proposal_id::varchar(100) AS file_id,
       sender.username::varchar(100) AS current_id, current_design, receive_id AS receive_id_id,
       receive_design_id, disciplines_id, receive_date, forward_date, remarks, is_added,
       is_submitted, is_rejected, sender_archive, receiver_archive
FROM proposal_tracking AS hop JOIN users AS sender ON sender.id = hop.current_id
""",
    "programme_curriculum_programme": "SELECT id, category, name FROM programmes",
    "programme_curriculum_programme_disciplines": """
SELECT id, programme_id, discipline_id FROM programmes_disciplines
""",
    "programme_curriculum_curriculum": """
SELECT id, name, programme_id, version, no_of_semester, min_credit FROM curricula
""",
    "programme_curriculum_semester": """
SELECT id, curriculum_id, semester_no FROM curriculum_semesters
""",
    "programme_curriculum_batch": """
SELECT id, name, discipline_id, year, curriculum_id, running_batch, total_seats FROM batches
""",
    # Whoever taught stays in it when they are faculty no longer: assignments refer to them.
    "globals_faculty": """
SELECT member.user_id AS id
FROM users_groups AS member JOIN auth_group AS role ON role.id = member.group_id
WHERE role.name = 'faculty'
UNION
SELECT instructor_id FROM course_instructors
""",
    "globals_discipline": "SELECT id, name, acronym FROM disciplines",
    "globals_designation": "SELECT id, name FROM auth_group",
    # What signs a person in, or reaches them, is no report's.
    "auth_user": """
SELECT id, ''::varchar(128) AS password, NULL::timestamptz AS last_login, is_superuser, username,
       first_name, last_name, ''::varchar(254) AS email, is_staff, is_active, date_joined
FROM users
""",
}

# A view has no rows of its own to guard: PostgreSQL would pass a simple one's writes on to the
# table, and its triggers on statements wake only beside one on rows.
GUARD = """
CREATE FUNCTION refuse_to_write_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is for reports, and only read: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'What it shows is changed in the administration or through the API.';
END
$$;
"""
GUARDED = """
CREATE TRIGGER only_read_rows INSTEAD OF INSERT OR UPDATE OR DELETE ON {0}
    FOR EACH ROW EXECUTE FUNCTION refuse_to_write_reports();
CREATE TRIGGER only_read BEFORE INSERT OR UPDATE OR DELETE ON {0}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_write_reports();
REVOKE ALL ON {0} FROM reg_web, reg_worker;
"""


def made() -> Iterator[str]:
    yield GUARD
    for name, select in VIEWS.items():
        yield f"CREATE VIEW {name} AS {select};" + GUARDED.format(name)


def unmade() -> Iterator[str]:
    yield f"DROP VIEW {', '.join(VIEWS)};"
    yield "DROP FUNCTION refuse_to_write_reports();"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("audit", "0005_access"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("courses", "0012_search"),
    ]
    operations = [migrations.RunSQL("".join(made()), "".join(unmade()))]
