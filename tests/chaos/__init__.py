"""Chaos: the real processes under a storm of requests and faults, and what must hold regardless.

`bin/chaos` runs it; docs/chaos.md says what it does and how to read it. Nothing here is part of
the product, and the product knows nothing of it: failpoints, plants and links are put in from
outside, by the settings that the processes under test are started with.
"""
