"""Who may sign in. What they may do follows from their groups (`roles`)."""

from django.contrib.auth.models import AbstractUser


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
