"""The catalogue in the admin, a module for each room of it."""

from . import (
    batches,
    catalogue,
    departments,
    offerings,
    plans,
    prerequisites,
    proposals,
    teaching,
)

__all__ = (
    "batches",
    "catalogue",
    "departments",
    "offerings",
    "plans",
    "prerequisites",
    "proposals",
    "teaching",
)
