"""One host: a network stack, a name, an address, and the one service that runs on it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from registrar.services.binaries import find_postgres, find_valkey
from registrar.services.errors import ServiceError

from . import machine
from .compose import ROOT, Service

NETWORK = "10.77.0"
_SWITCH = "wire"
_LOOK_SECONDS = 0.1
_RESTART_SECONDS = 0.5
_GONE_SECONDS = 10.0


def lay_the_wire() -> None:
    """The switch that all hosts hang on, and the operator's own address on it."""
    machine.sh("ip", "link", "set", "lo", "up")
    machine.sh("ip", "link", "add", "name", _SWITCH, "type", "bridge")
    machine.sh("ip", "address", "add", f"{NETWORK}.1/24", "dev", _SWITCH)
    machine.sh("ip", "link", "set", _SWITCH, "up")


class Host:
    """`power_on` and `power_off` are the machine's, `start` and `stop` the service's.

    A service that ends by itself is started again, as compose's `unless-stopped` has it.
    """

    def __init__(self, name: str, number: int, service: Service | None = None) -> None:
        self.name, self.service = name, service
        self.address = f"{NETWORK}.{number}"
        self.started = self.died = self.killed = 0
        self.log = machine.state() / f"{name}.log"
        self._number = number
        self._port = f"p-{name}"
        self._holder: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._turn = threading.RLock()

    # The machine ------------------------------------------------------------------------------

    def power_on(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-ec",
             'hostname "$0"; ip link set lo up; echo up; exec sleep infinity', self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"up\n":
            raise ServiceError(f"{self.name} does not come up")
        inside = str(self._holder.pid)
        machine.sh("ip", "link", "add", "name", self._port, "type", "veth",
                   "peer", "name", "eth0", "address", f"02:00:00:00:00:{self._number:02x}",
                   "netns", inside)  # fmt: skip
        machine.sh("ip", "link", "set", self._port, "master", _SWITCH, "up")
        self.operate("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.operate("ip", "link", "set", "eth0", "up")

    def power_off(self) -> None:
        """The service is asked to end first; its connections are not."""
        self.stop()
        machine.sh("ip", "link", "delete", self._port)
        assert self._holder is not None
        self._holder.kill()
        self._holder.communicate()

    def cut(self) -> None:
        """Pull the cable out of the switch: the host hears nothing more, and is told nothing."""
        machine.sh("ip", "link", "set", self._port, "down")

    def heal(self) -> None:
        machine.sh("ip", "link", "set", self._port, "up")

    def operate(self, *argv: str) -> None:
        """Run a command of the operator's on this host. Raises ServiceError."""
        machine.sh(*self.inside(*argv))

    def inside(self, *argv: str) -> list[str]:
        assert self._holder is not None, f"{self.name} is off"
        return ["nsenter", "--target", str(self._holder.pid), "--net", "--uts", "--", *argv]

    # The service ------------------------------------------------------------------------------

    def start(self) -> None:
        with self._turn:
            self._wanted = True
            self._launch()
        threading.Thread(target=self._restart_unless_stopped, daemon=True).start()

    def stop(self) -> None:
        """As Docker does: its signal, its patience, then the end."""
        with self._turn:
            self._wanted = False
        process = self._process
        if process is None or self.service is None:
            return
        process.send_signal(self.stop_signal)
        try:
            process.wait(self.service.grace)
        except subprocess.TimeoutExpired:
            self.killed += 1
        self._signal(signal.SIGKILL)
        process.wait(_GONE_SECONDS)
        self._process = None

    @property
    def stop_signal(self) -> signal.Signals:
        """The image of PostgreSQL asks for SIGINT: do not wait for the clients to leave."""
        ours = self.service is not None and self.service.name == "postgres"
        return signal.SIGINT if ours else signal.SIGTERM

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def says(self, words: str, seconds: float) -> None:
        """Wait until the service, since it was last started, has said so. Raises ServiceError."""
        deadline = time.monotonic() + seconds
        while words not in self.said()[self._begun :]:
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} does not say {words!r}:\n{self.said()[-2000:]}")
            time.sleep(_LOOK_SECONDS)

    def healthy(self) -> bool:
        """What compose's own health check says, run on this host."""
        assert self.service is not None
        done = subprocess.run(
            self.inside(*self.service.health),
            env=self.environ(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def run(self) -> None:
        """A service that does its work and ends (`migrate`). Raises ServiceError unless with 0."""
        with self._turn:
            self._launch()
        assert self._process is not None
        if self._process.wait():
            raise ServiceError(f"{self.name} failed:\n{self.said()[-2000:]}")
        self._process = None

    def environ(self) -> dict[str, str]:
        """Nothing of ours but where the programs are, and the folders that are the host's."""
        assert self.service is not None
        return {
            "PATH": os.pathsep.join(map(str, (*_programs(), "/usr/bin", "/bin"))),
            "TMPDIR": str(self.folder("/tmp")),
            "LC_ALL": "C.UTF-8",
            **self.service.environ,
        }

    def folder(self, mounted: str) -> Path:
        """What stands for a folder that its container would have mounted there."""
        path = machine.state() / self.name / mounted.strip("/").replace("/", "-")
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def command(self) -> list[str]:
        """Compose's, with this host's folders in the place of a container's."""
        assert self.service is not None
        if not self.service.folders:
            return list(self.service.command)
        mounted = re.compile("|".join(map(re.escape, self.service.folders)))
        return [
            mounted.sub(lambda found: str(self.folder(found[0])), word)
            for word in self.service.command
        ]

    def _launch(self) -> None:
        self._begun = len(self.said())
        self.started += 1
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.inside(*self.command()),
                cwd=ROOT,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # So that its children can be frozen with it; Ctrl-C is the operator's alone.
                start_new_session=True,
            )

    def _restart_unless_stopped(self) -> None:
        while True:
            process = self._process
            if process is not None:
                process.wait()
            time.sleep(_RESTART_SECONDS)
            with self._turn:
                if not self._wanted or self._process is not process:
                    return
                self.died += 1
                self._launch()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def _programs() -> Sequence[Path]:
    """Where the images' programs are here: ours, PostgreSQL's, and Redis under its own name."""
    folder = machine.state() / "programs"
    if not folder.exists():
        folder.mkdir()
        (folder / "redis-server").symlink_to(find_valkey())
    return folder, Path(sys.executable).parent, find_postgres()
