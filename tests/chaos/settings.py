"""The product's settings and one app more, whose `ready` puts the failpoints in."""

from tests.chaos import skew  # isort: skip - before anything that looks at a clock

skew.put_in()
from registrar.settings import *  # noqa: E402, F403 - all of them, and nothing changed
from registrar.settings import INSTALLED_APPS as _PRODUCT  # noqa: E402

INSTALLED_APPS = [*_PRODUCT, "tests.chaos.startup.Chaos"]
