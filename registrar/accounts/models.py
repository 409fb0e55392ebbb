"""Who may sign in. What they may do follows from their groups (`roles`)."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person with a login: student, faculty or staff (D7)."""

    class Meta:
        db_table = "users"

    @property
    def actor(self) -> str:
        """As the logs name them: an id, no name."""
        return f"user:{self.pk}"

    @property
    def called(self) -> str:
        """As people know them."""
        return self.get_full_name() or self.username


class FailedSignIns(models.Model):
    """Wrong passwords for one name, until the time is over that began with the last of them.

    `guesses` writes it, by the database's clock.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        db_table = "failed_sign_ins"

    def __str__(self) -> str:
        return f"{self.failures} until {self.ends_at}"
