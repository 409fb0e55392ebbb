"""Courses found by what somebody typed, the likeliest first."""

from .finding import search, snippets
from .ranking import MOST, Hit, Match

__all__ = ["MOST", "Hit", "Match", "search", "snippets"]
