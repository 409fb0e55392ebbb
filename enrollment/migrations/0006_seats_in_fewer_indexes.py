"""A seat in fewer indexes, and its keys asked once a statement (decision 0029)."""

import django.db.models.deletion
from django.db import migrations, models

# The same truth as foreign keys, and the same locks on what is referred to, for all the seats of
# a statement together: three checks a seat, one by one, were a fifth of settling.
KEYS = """
CREATE FUNCTION seats_have_their_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM added LEFT JOIN LATERAL (
        SELECT st.id FROM student_terms st
        WHERE st.student_id = added.student_id AND st.term_id = added.term_id FOR KEY SHARE
    ) AS load ON true
    WHERE load.id IS NULL;
    IF FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'seat_of_a_student_in_term',
            MESSAGE = 'a seat of a student who has no row in student_terms';
    END IF;
    PERFORM FROM (
        SELECT DISTINCT section_id, offering_id, term_id FROM added WHERE section_id IS NOT NULL
    ) AS seat LEFT JOIN LATERAL (
        SELECT s.id FROM sections s
        WHERE s.id = seat.section_id AND s.offering_id = seat.offering_id
          AND s.term_id = seat.term_id FOR KEY SHARE
    ) AS place ON true
    WHERE place.id IS NULL;
    IF FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'seat_in_a_section_of_its_offering',
            MESSAGE = 'a seat in a section that is not of its offering and term';
    END IF;
    PERFORM FROM (
        SELECT DISTINCT offering_id, term_id FROM added WHERE section_id IS NULL
    ) AS seat LEFT JOIN LATERAL (
        SELECT o.id FROM offerings o
        WHERE o.id = seat.offering_id AND o.term_id = seat.term_id FOR KEY SHARE
    ) AS place ON true
    WHERE place.id IS NULL;
    IF FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'seat_on_an_offering_of_its_term',
            MESSAGE = 'a seat on an offering that is not there, or not in its term';
    END IF;
    RETURN NULL;
END
$$;

-- The other end: what a seat refers to neither goes nor changes its keys. The row is locked when
-- this runs, so whoever inserts a seat has it before, or waits and does not find it.
CREATE FUNCTION seats_keep_their_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'student_terms' THEN
        PERFORM FROM enrollments WHERE student_id = OLD.student_id AND term_id = OLD.term_id;
    ELSIF TG_TABLE_NAME = 'sections' THEN
        PERFORM FROM enrollments WHERE offering_id = OLD.offering_id AND section_id = OLD.id;
    ELSE
        PERFORM FROM enrollments WHERE offering_id = OLD.id;
    END IF;
    IF FOUND THEN
        RAISE foreign_key_violation USING CONSTRAINT = 'seats_keep_their_rows',
            MESSAGE = format('%s %s has seats', TG_TABLE_NAME, OLD.id);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;

CREATE FUNCTION seats_never_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING CONSTRAINT = 'seats_never_move',
        MESSAGE = format('seat %s is given back and another taken, it never moves', OLD.id);
END
$$;

ALTER TABLE enrollments DROP CONSTRAINT enrollment_section_of_its_offering;
CREATE TRIGGER seats_have_their_rows AFTER INSERT ON enrollments
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION seats_have_their_rows();
CREATE TRIGGER seats_never_move BEFORE UPDATE OF student_id, term_id, offering_id, section_id
    ON enrollments FOR EACH ROW EXECUTE FUNCTION seats_never_move();
CREATE TRIGGER seats_keep_their_rows BEFORE DELETE OR UPDATE OF student_id, term_id
    ON student_terms FOR EACH ROW EXECUTE FUNCTION seats_keep_their_rows();
CREATE TRIGGER seats_keep_their_rows BEFORE DELETE OR UPDATE OF id, offering_id, term_id
    ON sections FOR EACH ROW EXECUTE FUNCTION seats_keep_their_rows();
CREATE TRIGGER seats_keep_their_rows BEFORE DELETE OR UPDATE OF id, term_id
    ON offerings FOR EACH ROW EXECUTE FUNCTION seats_keep_their_rows();
ALTER TABLE enrollments ENABLE ALWAYS TRIGGER seats_have_their_rows;
ALTER TABLE enrollments ENABLE ALWAYS TRIGGER seats_never_move;
ALTER TABLE student_terms ENABLE ALWAYS TRIGGER seats_keep_their_rows;
ALTER TABLE sections ENABLE ALWAYS TRIGGER seats_keep_their_rows;
ALTER TABLE offerings ENABLE ALWAYS TRIGGER seats_keep_their_rows;

-- Every row is rewritten once a term's seats are handed out: with room for all of them on the
-- page no index is touched.
ALTER TABLE student_terms SET (fillfactor = 45);
"""
KEYS_BEFORE = """
DROP TRIGGER seats_have_their_rows ON enrollments;
DROP TRIGGER seats_never_move ON enrollments;
DROP TRIGGER seats_keep_their_rows ON student_terms;
DROP TRIGGER seats_keep_their_rows ON sections;
DROP TRIGGER seats_keep_their_rows ON offerings;
DROP FUNCTION seats_have_their_rows();
DROP FUNCTION seats_keep_their_rows();
DROP FUNCTION seats_never_move();
ALTER TABLE enrollments ADD CONSTRAINT enrollment_section_of_its_offering
    FOREIGN KEY (section_id, offering_id) REFERENCES sections (id, offering_id);
ALTER TABLE student_terms SET (fillfactor = 70);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("courses", "0003_grants"),
        ("enrollment", "0005_adopt_earlier_seats"),
    ]

    operations = [
        migrations.RunSQL(KEYS, KEYS_BEFORE),
        migrations.RemoveConstraint(
            model_name="enrollment", name="enrollment_one_live_per_offering"
        ),
        migrations.RemoveIndex(model_name="enrollment", name="enrollment_by_student"),
        migrations.AlterField(
            model_name="enrollment",
            name="offering",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                related_name="enrollments",
                on_delete=django.db.models.deletion.PROTECT,
                to="courses.offering",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="section",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                blank=True,
                null=True,
                related_name="enrollments",
                on_delete=django.db.models.deletion.PROTECT,
                to="courses.section",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="student",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="enrollment.student",
            ),
        ),
        migrations.AlterField(
            model_name="outcome", name="settlement_id", field=models.BigIntegerField()
        ),
        migrations.AlterField(
            model_name="studentterm",
            name="student",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="enrollment.student",
            ),
        ),
        migrations.AlterField(
            model_name="studentterm",
            name="term",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="courses.term"
            ),
        ),
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(fields=["offering", "section"], name="enrollment_by_section"),
        ),
        migrations.AddConstraint(
            model_name="enrollment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("active", True)),
                fields=("student", "term_id", "offering"),
                name="enrollment_one_live_per_offering",
            ),
        ),
    ]
