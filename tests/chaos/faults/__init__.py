"""The faults by name: every module here gives its own in a tuple called FAULTS."""

from importlib import import_module
from pkgutil import iter_modules

from tests.chaos.faults.fault import Bite, Fault

__all__ = ["FAULTS", "Bite", "Fault"]


def _gather() -> dict[str, Fault]:
    """In the order of the fault matrix, so that a seed means the same on every machine."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    faults: list[Fault] = [fault for module in modules for fault in getattr(module, "FAULTS", ())]
    return {fault.name: fault for fault in sorted(faults, key=lambda f: (f.row, f.name))}


FAULTS = _gather()
