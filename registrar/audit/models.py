"""The append-only log. Nothing in it refers to another table: it keeps plain ids and copies."""

from django.db import models


class Entry(models.Model):
    """One thing that happened, chained to the entry before it in its stream.

    Rows are only ever inserted: grants and triggers (ENABLE ALWAYS) refuse the rest (S1-101).
    """

    stream = models.CharField(max_length=60)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    event = models.CharField(max_length=40)
    settlement = models.BigIntegerField(null=True)
    request = models.BigIntegerField(null=True)
    body = models.TextField()
    hash = models.BinaryField()

    class Meta:
        db_table = "audit_entries"
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="audit_entry_seq_in_stream"),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="audit_entry_seq_from_1"),
        ]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.stream} #{self.seq} {self.event}"


class Access(models.Model):
    """That somebody read what is another person's, or confidential (S1-104).

    As append-only as the log. No row is chained to another: a chain would have readers wait.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    what = models.CharField(max_length=60)
    whose = models.CharField(max_length=60, blank=True, default="")
    route = models.CharField(max_length=300)

    class Meta:
        db_table = "access_entries"
        indexes = [
            models.Index(fields=["whose", "at"], name="access_by_whose"),
            models.Index(fields=["actor", "at"], name="access_by_actor"),
        ]
        verbose_name = "access"
        verbose_name_plural = "access log"

    def __str__(self) -> str:
        return f"{self.actor} read {self.what} of {self.whose or 'nobody'}"
