"""What a failed round leaves for whoever looks into it: logs, history, and a dump."""

import shutil
import subprocess
from pathlib import Path

from registrar.services.binaries import find_postgres
from registrar.services.identity import server_environment
from tests.chaos.runner import Round
from tests.chaos.site import DATABASE, Site


def keep(site: Site, played: Round, folder: Path) -> Path:
    """Copy it to a folder of the round's own; where that is."""
    kept = folder / f"seed-{played.plan.seed}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(site.folder, kept, ignore=shutil.ignore_patterns("armed", "history-*"))
    history = site.folder / f"history-{played.plan.seed}.jsonl"
    for source in (history, *(site.folder.parent / log for log in ("pg.log", "log/redis.log"))):
        if source.exists():
            shutil.copy(source, kept / source.name)
    (kept / "violations.txt").write_text("\n".join(played.violations) + "\n")
    dump = [str(find_postgres() / "pg_dump"), "--host", str(site.postgres.socket.parent)]
    with (kept / "dump.sql").open("w") as out:
        subprocess.run(
            [*dump, "--username", "registrar", DATABASE],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=server_environment(),
            check=False,
        )
    return kept
