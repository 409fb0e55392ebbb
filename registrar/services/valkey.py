"""The embedded Valkey (or Redis): the wake-up calls, the counters and Celery's queue."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from registrar.services import proc
from registrar.services.binaries import find_valkey
from registrar.services.errors import ServiceError
from registrar.services.identity import server_environment
from registrar.services.layout import Layout

_START_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Valkey:
    """One server below one state directory. Callers hold the layout's lock."""

    layout: Layout
    durable: bool = True

    @property
    def socket(self) -> Path:
        return self.layout.run / "redis.sock"

    def start(self) -> bool:
        """Make it answer. Returns whether it had to be started; ServiceError when it cannot."""
        if self._lives() and self._settled():
            return False
        program = find_valkey()
        self.layout.valkey.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        log = self.layout.log / "redis.log"
        subprocess.run(
            self._command(program, log),
            # The daemon inherits these: a pipe would keep whoever reads our output waiting.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.layout.valkey,
            env=server_environment(),
            check=False,
        )
        if not self._settled():
            raise ServiceError(f"{program.name} does not start, see {log}")
        return True

    def _settled(self) -> bool:
        """Wait until it answers (True) or is gone (False): it may be starting, busy or stopping."""
        proc.wait_until(lambda: self.is_running() or not self._lives(), _START_SECONDS)
        if self._lives() and not self.is_running():
            raise ServiceError(f"{self.socket} does not answer; bin/down ends what serves it")
        return self._lives()

    def stop(self) -> None:
        # On SIGTERM it writes out what it holds.
        proc.end(self._pids(), patience=_STOP_SECONDS)
        self.socket.unlink(missing_ok=True)

    def is_running(self) -> bool:
        """Whether it answers; while it still reads its file after a start, it does not."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def pid(self) -> int | None:
        return next(iter(self._pids()), None)

    def _pids(self) -> frozenset[int]:
        if proc.CAN_LOOK:
            return proc.working_in(self.layout.valkey)
        try:
            return frozenset({int(self._pid_file.read_text())})
        except (OSError, ValueError):
            return frozenset()

    def _lives(self) -> bool:
        return any(map(proc.is_alive, self._pids()))

    @property
    def _pid_file(self) -> Path:
        return self.layout.root / "redis.pid"

    def _command(self, program: Path, log: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "dir": self.layout.valkey,
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "yes",
            "pidfile": self._pid_file,
            "logfile": log,
        }
        return [str(program), *(str(part) for k, v in options.items() for part in (f"--{k}", v))]
