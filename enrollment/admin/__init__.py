"""The pipeline in the admin: read-mostly; what changes a seat is asked for in line."""

from . import offerings, records, students, windows

__all__ = ("offerings", "records", "students", "windows")
