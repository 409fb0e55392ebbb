"""A machine inside this one: users, processes, mounts and networks of its own.

Everything that runs in it ends with its first process, and its networks with them: the kernel
cleans up after Ctrl-C, after a failure and after `kill -9` alike. No rights are needed where the
kernel lets an ordinary user make namespaces.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from registrar.services.errors import ServiceError
from registrar.services.identity import find_identity
from registrar.services.proc import wait_until

ROOT = Path(__file__).resolve().parents[2]
STATE = "HOSTS_STATE"
"""Names the folder of the machine's files, inside it."""
_OWN = ("--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc")
_AS_ROOT = ("--user", "--map-root-user")
_NEEDED = ("unshare", "nsenter", "ip", "mount")
_LAST_WORDS_SECONDS = 10.0

# What the hosts take, tried on nothing: a switch, a cable, a host, a name, a user.
_TRIAL = """
ip link add name wire type bridge
ip link add name port type veth peer name eth0
ip link set port master wire
unshare --net --uts sh -c 'hostname trial && ip link set lo up'
mount --bind /etc/hosts /etc/hosts
"""


class NotHere(Exception):
    """This kernel, or what surrounds it, does not allow such a machine; the text is the reason."""


def command() -> list[str]:
    """The command that makes a machine and runs what follows in it. Raises NotHere."""
    missing = [program for program in _NEEDED if not shutil.which(program)]
    if missing:
        raise NotHere(f"{', '.join(missing)} is not installed (util-linux, iproute2)")
    ways = [[*_AS_ROOT, *_OWN], list(_OWN)] if os.geteuid() == 0 else [[*_AS_ROOT, *_OWN]]
    reason = ""
    for options in ways:
        tried = _try(["unshare", *options, "sh", "-e", "-c", _TRIAL])
        if not tried:
            return ["unshare", *options]
        reason = reason or tried
    raise NotHere(f"no network namespaces here: {reason}")


def _try(argv: Sequence[str]) -> str:
    """Why it cannot be run, in one line; empty when it can."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return said[-1] if done.returncode else ""


def run_inside(module: str, arguments: Sequence[str], keep: Path | None = None) -> int:
    """Run a module in a machine of its own; its exit code. Raises NotHere.

    Its files are in `keep` afterwards, or gone.
    """
    made = command()
    # Its first process is a shell, which waits for whoever loses its parent.
    first = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", module, *arguments]
    with _folder(keep) as folder:
        process = subprocess.Popen(
            [*made, *first],
            cwd=ROOT,
            # The far end of this pipe closes with us, however we end.
            stdin=subprocess.PIPE,
            env={**os.environ, STATE: str(folder), "PYTHONPATH": str(ROOT)},
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 130
        finally:
            process.kill()
            process.wait()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep
    else:
        folder = Path(tempfile.mkdtemp(prefix="registrar-hosts-"))
        try:
            yield folder
        finally:
            # What was killed with the machine may still be writing.
            if not wait_until(lambda: _removed(folder), _LAST_WORDS_SECONDS):
                sys.stderr.write(f"{folder} could not be removed\n")


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def end_with_the_outside() -> None:
    """Inside: end everything at once when whoever made the machine is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="outside", daemon=True).start()


def state() -> Path:
    return Path(os.environ[STATE])


def know(names: dict[str, str]) -> None:
    """Inside: what DNS would do for a site, for all hosts at once (names and their addresses)."""
    hosts = state() / "etc-hosts"
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
    hosts.write_text("\n".join(lines) + "\n")
    sh("mount", "--bind", str(hosts), "/etc/hosts")


def sh(*argv: str) -> None:
    """Run a command of the operator's. Raises ServiceError with what it said."""
    reason = _try(argv)
    if reason:
        raise ServiceError(f"{' '.join(argv)}: {reason}")


def unprivileged() -> tuple[str, ...]:
    """What goes before a server's command so that it is not root, inside a machine."""
    identity = find_identity()
    if identity.uid is None:
        return identity.prefix
    return ("setpriv", f"--reuid={identity.uid}", f"--regid={identity.gid}", "--clear-groups")
