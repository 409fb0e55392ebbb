"""One violation, or more, for each check of `verify`."""

from .database import DATABASE
from .plant import Plant
from .record import RECORD
from .requests import REQUESTS
from .seats import SEATS

__all__ = ["PLANTS", "REQUESTS", "Plant"]

PLANTS = (*REQUESTS, *SEATS, *DATABASE, *RECORD)
