"""Planted bugs: guards taken away one by one, each of which the ordinary checks must notice.

A file an area. `PLANTS` is all of them; `put_in` patches the process it is called in.
"""

import django
from django.apps import apps

if not apps.models_ready:
    django.setup()  # plants take hold of the product by its modules, which need it

from tests.chaos.plants import (
    doors,
    keys,
    lines,
    locks,
    records,
    repair,
    routes,
    seats,
    students,
)
from tests.chaos.plants.plant import Plant

_AREAS = (locks, students, seats, lines, keys, doors, routes, repair, records)
PLANTS: dict[str, Plant] = {plant.name: plant for area in _AREAS for plant in area.PLANTS}
_SURE = "sure:"


def put_in(name: str) -> None:
    """Plant a bug, or with `sure:` before its name only take away the guard that would hide it."""
    if name.startswith(_SURE):
        PLANTS[name.removeprefix(_SURE)].sure()
    else:
        PLANTS[name].patch()
