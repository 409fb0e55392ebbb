"""The nineteen tables of seed 001, column by column, as its section “Database Schema Design” has
them."""

ASSESSED = {
    f"percent_{part}": "INTEGER"
    for part in (
        *("quiz_1", "midsem", "quiz_2", "endsem", "project", "lab_evaluation"),
        "course_attendance",
    )
}
WEEKLY = {
    f"{kind}_hours": "INTEGER"
    for kind in ("lecture", "tutorial", "pratical", "discussion", "project")
}

SEED: dict[str, dict[str, str]] = {
    "programme_curriculum_course": {
        "id": "SERIAL",
        "code": "VARCHAR(10)",
        "name": "VARCHAR(100)",
        "version": "DECIMAL(5,1)",
        "credit": "INTEGER",
        **WEEKLY,
        "pre_requisits": "TEXT",
        "syllabus": "TEXT",
        **ASSESSED,
        "ref_books": "TEXT",
        "working_course": "BOOLEAN",
        "latest_version": "BOOLEAN",
        "max_seats": "INTEGER",
    },
    "programme_curriculum_courseauditlog": {
        "id": "SERIAL",
        "course_id": "REFERENCE",
        "user_id": "REFERENCE",
        "action": "VARCHAR(10)",
        "old_data": "JSONB",
        "new_data": "JSONB",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "version_bump_type": "VARCHAR(10)",
        "comments": "TEXT",
    },
    "programme_curriculum_courseinstructor": {
        "id": "SERIAL",
        "course_id_id": "REFERENCE",
        "instructor_id_id": "REFERENCE",
        "year": "INTEGER",
        "semester_type": "VARCHAR(20)",
    },
    "programme_curriculum_courseslot": {
        "id": "SERIAL",
        "semester_id": "REFERENCE",
        "name": "VARCHAR(100)",
        "type": "VARCHAR(70)",
        "course_slot_info": "TEXT",
        "duration": "INTEGER",
        "min_registration_limit": "INTEGER",
        "max_registration_limit": "INTEGER",
    },
    "programme_curriculum_courseslot_courses": {
        "id": "SERIAL",
        "courseslot_id": "REFERENCE",
        "course_id": "REFERENCE",
    },
    "programme_curriculum_course_disciplines": {
        "id": "SERIAL",
        "course_id": "REFERENCE",
        "discipline_id": "REFERENCE",
    },
    "programme_curriculum_course_pre_requisit_courses": {
        "id": "SERIAL",
        "from_course_id": "REFERENCE",
        "to_course_id": "REFERENCE",
    },
    "programme_curriculum_newproposalfile": {
        "id": "SERIAL",
        "uploader": "VARCHAR(100)",
        "designation": "VARCHAR(100)",
        "code": "VARCHAR(10)",
        "name": "VARCHAR(100)",
        "credit": "INTEGER",
        **WEEKLY,
        "pre_requisits": "TEXT",
        "syllabus": "TEXT",
        "max_seats": "INTEGER",
        **ASSESSED,
        "ref_books": "TEXT",
        "subject": "VARCHAR(100)",
        "description": "VARCHAR(400)",
        "upload_date": "TIMESTAMP WITH TIME ZONE",
        "is_read": "BOOLEAN",
        "is_update": "BOOLEAN",
        "is_archive": "BOOLEAN",
    },
    "programme_curriculum_newproposalfile_pre_requisit_courses": {
        "id": "SERIAL",
        "newproposalfile_id": "REFERENCE",
        "course_id": "REFERENCE",
    },
    "programme_curriculum_proposal_tracking": {
        "id": "SERIAL",
        "file_id": "VARCHAR(100)",
        "current_id": "VARCHAR(100)",
        "current_design": "VARCHAR(100)",
        "receive_id_id": "REFERENCE",
        "receive_design_id": "REFERENCE",
        "disciplines_id": "REFERENCE",
        "receive_date": "TIMESTAMP WITH TIME ZONE",
        "forward_date": "TIMESTAMP WITH TIME ZONE",
        "remarks": "VARCHAR(250)",
        "is_added": "BOOLEAN",
        "is_submitted": "BOOLEAN",
        "is_rejected": "BOOLEAN",
        "sender_archive": "BOOLEAN",
        "receiver_archive": "BOOLEAN",
    },
    "programme_curriculum_programme": {
        "id": "SERIAL",
        "category": "VARCHAR(10)",
        "name": "VARCHAR(100)",
    },
    "programme_curriculum_programme_disciplines": {
        "id": "SERIAL",
        "programme_id": "REFERENCE",
        "discipline_id": "REFERENCE",
    },
    "programme_curriculum_curriculum": {
        "id": "SERIAL",
        "name": "VARCHAR(100)",
        "programme_id": "REFERENCE",
        "version": "DECIMAL(5,1)",
        "no_of_semester": "INTEGER",
        "min_credit": "INTEGER",
    },
    "programme_curriculum_semester": {
        "id": "SERIAL",
        "curriculum_id": "REFERENCE",
        "semester_no": "INTEGER",
    },
    "programme_curriculum_batch": {
        "id": "SERIAL",
        "name": "VARCHAR(100)",
        "discipline_id": "REFERENCE",
        "year": "INTEGER",
        "curriculum_id": "REFERENCE",
        "running_batch": "BOOLEAN",
        "total_seats": "INTEGER",
    },
    # Of these the seed says only that they are referred to by `id`; the last is Django's own.
    "globals_faculty": {"id": "SERIAL"},
    "globals_discipline": {"id": "SERIAL", "name": "VARCHAR(100)", "acronym": "VARCHAR(10)"},
    "globals_designation": {"id": "SERIAL", "name": "VARCHAR(150)"},
    "auth_user": {
        "id": "SERIAL",
        "password": "VARCHAR(128)",
        "last_login": "TIMESTAMP WITH TIME ZONE",
        "is_superuser": "BOOLEAN",
        "username": "VARCHAR(150)",
        "first_name": "VARCHAR(150)",
        "last_name": "VARCHAR(150)",
        "email": "VARCHAR(254)",
        "is_staff": "BOOLEAN",
        "is_active": "BOOLEAN",
        "date_joined": "TIMESTAMP WITH TIME ZONE",
    },
}
"""What the seed declares; a reference is an INTEGER there."""

_NUMBERED = ("bigint", "integer")
"""What ids are here: as wide as the seed's, or wider."""
_SPELT = {
    "SERIAL": _NUMBERED,
    "REFERENCE": _NUMBERED,
    "INTEGER": ("integer",),
    "TEXT": ("text",),
    "BOOLEAN": ("boolean",),
    "JSONB": ("jsonb",),
    "DECIMAL(5,1)": ("numeric(5,1)",),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone",),
}


def spelt(declared: str) -> tuple[str, ...]:
    """What PostgreSQL may call a column that the seed declares so."""
    plainly = declared.lower().replace("varchar", "character varying")
    return _SPELT.get(declared, (plainly,))
