"""Run plants one after the other; each must be caught, by what it names, within a minute.

First each scene is run without its bug, but without the guard that would hide the bug too: what
is noticed then was not the bug.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.core.management import call_command

from tests.chaos.plants import PLANTS
from tests.chaos.plants.ground import AS_SET_UP, Ground, Nursery, cloned
from tests.chaos.plants.plant import Plant

Say = Callable[[str], None]
AT_MOST_SECONDS = 60.0
_PLANTED, _SOUND = (1.0, 10.0), (4.0, 0.6)
"""Patience and the seconds that a meeting is waited for: on a machine that does much else what is
sound may be slow, and whoever must not meet does not."""
CAUGHT, SURVIVED, UNKNOWN = 0, 1, 2


class Harvest(NamedTuple):
    """What became of one plant, or of its scene without it."""

    name: str
    noticed: Mapping[str, str]
    """By what, each with its first words."""
    caught: bool
    seconds: float
    logs: str
    """What its processes said, where it was not as it should be."""

    def line(self) -> str:
        by = ", ".join(self.noticed) or "nothing"
        if self.caught:
            told = f"caught by {by}" if self.noticed else "clean"
        else:
            told = f"FAILED: noticed by {by}" if self.is_sound else f"SURVIVED, noticed by {by}"
        return f"{self.name:48} {self.seconds:5.1f} s  {told}"

    @property
    def is_sound(self) -> bool:
        return self.name.startswith("(")


def run(wanted: str, say: Say, *, sound: bool = True) -> int:
    """Run the plant of that name, or `all`. 0: all caught; 1: not; 2: there is no such plant.

    With `sound` every scene must also be clean without its bug.
    """
    if wanted != "all" and wanted not in PLANTS:
        say(f"There is no plant {wanted!r}; there are {', '.join(PLANTS)}.")
        return UNKNOWN
    call_command("migrate", verbosity=0)
    plants = list(PLANTS.values()) if wanted == "all" else [PLANTS[wanted]]
    with Garden() as garden:
        failed = 0
        for harvest in garden.harvests(plants, sound=sound):
            say(harvest.line())
            if not harvest.caught:
                failed += 1
                for name, words in harvest.noticed.items():
                    say(f"    {name}: {words[:200]}")
                say(harvest.logs)
    say(f"{len(plants)} planted, {failed} failed")
    return SURVIVED if failed else CAUGHT


def without_bug(plant: Plant) -> tuple[object, ...]:
    """What is run without the bug: plants of which this is the same share the run."""
    return plant.scene, plant.sure, plant.sure_statements


class Garden:
    """The preloaded processes that plants are forked from, for as long as it is open."""

    def __enter__(self) -> "Garden":
        self._nurseries = {role: Nursery(role) for role in ("worker", "web")}
        self._number = 0
        return self

    def __exit__(self, *_: object) -> None:
        for nursery in self._nurseries.values():
            nursery.close()

    def harvests(self, plants: Sequence[Plant], *, sound: bool) -> Iterator[Harvest]:
        """Every plant, and before it its scene without the bug, unless it was run just so."""
        clean: set[object] = set()
        for plant in plants:
            if sound and without_bug(plant) not in clean:
                clean.add(without_bug(plant))
                yield self.without(plant)
            yield self.plant(plant)

    def plant(self, plant: Plant) -> Harvest:
        """The scene with the bug."""
        grown = self._grow(plant, plant.name, plant.statements, plant.tamper)
        caught = bool(grown.noticed.keys() & plant.caught_by) and grown.seconds <= AT_MOST_SECONDS
        return grown._replace(name=plant.name, caught=caught)

    def without(self, plant: Plant) -> Harvest:
        """The scene without it: it must go by unnoticed."""
        grown = self._grow(plant, f"sure:{plant.name}", plant.sure_statements, None, limits=_SOUND)
        return grown._replace(name=f"(without {plant.name})", caught=not grown.noticed)

    def _grow(
        self,
        plant: Plant,
        name: str,
        statements: Sequence[str],
        tamper: Callable[[], None] | None,
        limits: tuple[float, float] = _PLANTED,
    ) -> Harvest:
        self._number += 1
        with cloned(self._number) as database:
            begun = time.monotonic()
            ground = Ground(self._nurseries, database, [name])
            ground.patience, ground.meeting_seconds = limits
            try:
                ground.owner(*statements)
                plant.scene(ground)
                ground.clear()
                if tamper:
                    tamper()
                noticed = ground.verdict()
                logs = ground.logs()
            finally:
                ground.close()
            seconds = time.monotonic() - begun
        seen = {check: words for check, words in noticed.items() if check not in AS_SET_UP}
        return Harvest(name, seen, False, seconds, logs)
