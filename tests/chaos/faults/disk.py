"""Row 11: no space left, for the tables or for the write-ahead log."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg2

from tests.chaos.faults.fault import Bite, Fault
from tests.chaos.faults.traces import server_log
from tests.chaos.site import Site, wait_until

_NO_SPACE = "No space left on device"
_TABLES = ("requests", "outcomes", "enrollments", "settlements")
_MEGABYTE = 1_000_000


def why_not() -> str:
    """What stands in the way of a small disk on this machine; nothing, usually, for root."""
    return "" if os.geteuid() == 0 else "a small disk can be mounted by root only"


class _Disk:
    """A small file system of its own, which can be filled to the last byte."""

    def __init__(self, place: Path, size: int) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        _do("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "chaos", str(place))

    def fill(self) -> None:
        with suppress(OSError), (self.place / "ballast").open("ab", buffering=0) as ballast:
            while True:
                ballast.write(b"\0" * 4096)

    def free(self) -> None:
        (self.place / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        if self.place.is_mount():
            _do("umount", "--lazy", str(self.place))


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")


def _give(folder: Path, site: Site) -> None:
    """Let it belong to whom PostgreSQL runs as."""
    owner = site.postgres.data.stat()
    for each in (folder, *folder.rglob("*")):
        os.chown(each, owner.st_uid, owner.st_gid)


# Tables ---------------------------------------------------------------------------------------


def fill_tables(site: Site, chance: random.Random) -> Bite:
    """One of the tables that only grow is on a disk of its own, and that is full for seconds."""
    log = server_log(site)
    table = chance.choice(_TABLES)
    disk = _Disk(site.folder / "small", 64 * _MEGABYTE)
    moving = _mover(site, table)

    def undo() -> None:
        disk.free()
        if disk.place.is_mount():
            moving("pg_default")
            with site.owner() as cursor:
                cursor.execute("DROP TABLESPACE IF EXISTS small")
        disk.remove()

    site.undo(undo)
    space = disk.place / "space"
    space.mkdir()
    _give(space, site)
    with site.owner() as cursor:
        cursor.execute("CREATE TABLESPACE small LOCATION %s", [str(space)])
    moving("small")
    disk.fill()
    time.sleep(chance.uniform(2.0, 3.0))
    disk.free()
    refused = log.count(_NO_SPACE)
    undo()
    return Bite(refused, f"{table}: {refused} writes found no space", branches=frozenset({table}))


def _mover(site: Site, table: str) -> Callable[[str], None]:
    """What takes a table elsewhere: it waits for nobody who waits for it, and tries again."""

    def moved(cursor: "psycopg2.extensions.cursor", where: str) -> bool:
        try:
            cursor.execute(f"ALTER TABLE {table} SET TABLESPACE {where}")
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected):
            return False
        return True

    def move(where: str) -> None:
        with site.owner() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
            if not wait_until(lambda: moved(cursor, where), 10.0):
                raise TimeoutError(f"{table} could not be moved to {where}")

    return move


# The log --------------------------------------------------------------------------------------


def fill_log(site: Site, chance: random.Random) -> Bite:
    """The write-ahead log is on a disk of its own and that is full: the server gives up, cannot
    come back, and is started by somebody once there is space."""
    log = server_log(site)
    wal = site.postgres.data / "pg_wal"
    site.postgres.stop()
    disk = _Disk(site.folder / "log-disk", _size(wal) + 64 * _MEGABYTE)

    def undo() -> None:
        disk.free()
        if wal.is_symlink():
            site.postgres.kill()  # stopping politely, it would wait for the space there was not
            wal.unlink()
            shutil.copytree(disk.place / "pg_wal", wal)
            _give(wal, site)
        disk.remove()

    site.undo(undo)
    shutil.copytree(wal, disk.place / "pg_wal")
    _give(disk.place / "pg_wal", site)
    shutil.rmtree(wal)
    wal.symlink_to(disk.place / "pg_wal")
    site.postgres.start()
    time.sleep(chance.uniform(0.5, 1.5))
    disk.fill()
    _use_up(site)
    time.sleep(chance.uniform(1.0, 2.0))
    refused = log.count(_NO_SPACE)
    undo()
    site.postgres.start()
    return Bite(refused, f"{refused} times no space for the log")


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _use_up(site: Site) -> None:
    """Begin new segments of the log until there is no space for one."""
    until = time.monotonic() + 5
    with suppress(psycopg2.Error), site.owner() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT pg_logical_emit_message(true, 'chaos', 'fills the log')")
            cursor.execute("SELECT pg_switch_wal()")


FAULTS = (
    Fault("disk-full", 11, fill_tables, seconds=6.0, needs=why_not),
    Fault("log-disk-full", 11, fill_log, alone=True, seconds=9.0, needs=why_not),
)
