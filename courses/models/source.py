"""What other systems call the courses and sections that were imported from them (D6)."""

from django.db import models

from .offering import Section


class SourceCourse(models.Model):
    """A course of another system, by the id that it keeps there whatever it is called.

    `code` is its code there, which may be another course's here. `digest` is of what was imported
    last: the same again changes nothing.
    """

    source = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    lineage = models.UUIDField(db_index=True)
    code = models.CharField(max_length=10)
    digest = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        db_table = "source_courses"
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="source_course_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class SourceSection(models.Model):
    """A section of another system; `key` begins with its term there."""

    source = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    section = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="sources")
    digest = models.CharField(max_length=32)

    class Meta:
        db_table = "source_sections"
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="source_section_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"
