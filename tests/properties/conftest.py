"""Hypothesis as `bin/test` runs it: the same examples on every machine and every day.

`HYPOTHESIS_PROFILE=search` looks for new ones, many more of them.
"""

import os

from hypothesis import settings

settings.register_profile("fixed", max_examples=400, deadline=None, derandomize=True, database=None)
settings.register_profile("search", max_examples=20_000, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
