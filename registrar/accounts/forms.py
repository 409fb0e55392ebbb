"""Signing in to the administration."""

from typing import Any

from unfold.forms import AuthenticationForm

from .guesses import TooManyGuesses


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """The administration's own, which says so where too many passwords were wrong."""

    def clean(self) -> dict[str, Any]:
        try:
            super().clean()
        except TooManyGuesses as refused:
            minutes = f"{refused.minutes} minute{'s' * (refused.minutes > 1)}"
            self.add_error(
                "password",
                f"Too many wrong passwords for this user name. Try again in {minutes}.",
            )
        return dict(self.cleaned_data)
