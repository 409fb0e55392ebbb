"""The one exception the launcher shows to people."""


class ServiceError(Exception):
    """Something is missing or in the way; the message is one line that says what to do about it."""
