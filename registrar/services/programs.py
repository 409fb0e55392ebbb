"""What runs when the site is up, and how supervisor is told so."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from registrar.services.errors import ServiceError
from registrar.services.layout import PROJECT, Layout

NAMES = ("web", "worker-1", "worker-2", "beat", "flower")

# In the environment of supervisor and all it starts; finds them again after a crash of supervisor.
MARK = "REGISTRAR_SUPERVISED"
# In the environment of one program and of its children.
NAME = "REGISTRAR_PROCESS"

_SUCCESSOR = "registrar.services.successor"
_PORTS_TRIED = 100

_SUPERVISOR = """\
; Written by Registrar at every start; what you change here is lost.
[supervisord]
logfile = {log}/supervisord.log
pidfile = {root}/supervisord.pid
{user}
[unix_http_server]
file = {run}/supervisor.sock
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# A database that is away for an hour must not leave the site down for good: hence the many tries.
_PROGRAM = """
[program:{name}]
command = {command}
directory = {project}
environment = REGISTRAR_ROLE="{role}",REGISTRAR_PROCESS="{name}"
autostart = false
autorestart = true
startsecs = 2
startretries = 10000
stopwaitsecs = 40
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


@dataclass(frozen=True)
class Ports:
    """Where the web server and Flower listen, on this machine only."""

    web: int
    flower: int

    @classmethod
    def free(cls) -> Ports:
        """The wanted ports, or the next free ones: a taken port is no reason not to start."""
        web = _next_free("PORT", 8000)
        return cls(web, _next_free("FLOWER_PORT", 5555, besides=web))

    @classmethod
    def of(cls, layout: Layout) -> Ports:
        try:
            return cls(**json.loads(_ports_file(layout).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise ServiceError("the site was not started yet; bin/up starts it") from error


def write_configuration(layout: Layout, ports: Ports) -> Path:
    """Render supervisor's configuration, and remember where the site will answer."""
    folders = {"root": layout.root, "log": layout.log, "run": layout.run, "project": PROJECT}
    places = {name: _escaped(str(path)) for name, path in folders.items()}
    # Being root here is known and wanted; unless told so, supervisor calls it critical.
    parts = [_SUPERVISOR.format(**places, user="user = root\n" if os.geteuid() == 0 else "")]
    for name, role, command in _programs(ports):
        line = _escaped(shlex.join([sys.executable, "-m", _SUCCESSOR, name, *command]))
        parts.append(_PROGRAM.format(**places, name=name, role=role, command=line))
    configuration = layout.root / "supervisord.conf"
    configuration.write_text("".join(parts))
    _ports_file(layout).write_text(json.dumps(asdict(ports)))
    return configuration


def _programs(ports: Ports) -> Iterator[tuple[str, str, list[str]]]:
    celery = ["celery", "-A", "registrar"]
    yield "web", "web", web_command("127.0.0.1", ports.web)
    for number in ("1", "2"):
        yield f"worker-{number}", "worker", [
            *celery, "worker", "-n", f"w{number}@%h", "-Q", "settle,default", "-c", "1", "-E",
            # Nobody asks workers of each other, and asking takes a second of every start.
            "--without-gossip", "--without-mingle", "--loglevel", "INFO",
        ]  # fmt: skip
    yield "beat", "worker", [*celery, "beat", "-S", "workers.beat:StandbyScheduler"]
    # Its password comes from the environment: a command line can be read by everybody.
    yield "flower", "worker", [
        *celery, "flower", "--address=127.0.0.1", f"--port={ports.flower}", "--read_only=True",
        "--max_tasks=5000",
    ]  # fmt: skip


def web_command(host: str, port: int, processes: int = 2) -> list[str]:
    """The web server, as in the Dockerfile.

    A process holds up to 8,000 connections, however slow, and remembers little of each: they cost
    no thread (`registrar.gate`). The next ones are not even refused: they wait until others go.
    """
    return [
        "granian", "--interface", "rsgi", "--host", host, "--port", str(port),
        "--workers", str(processes), "--respawn-failed-workers", "--no-ws", "--http", "1",
        "--backlog", "4096", "--backpressure", "8192", "--http1-buffer-size", "65536",
        "registrar.gate:application",
    ]  # fmt: skip


def _escaped(value: str) -> str:
    """Supervisor expands %(names)s in every value."""
    return value.replace("%", "%%")


def _ports_file(layout: Layout) -> Path:
    return layout.root / "ports.json"


def _next_free(variable: str, default: int, besides: int = 0) -> int:
    wanted = int(os.environ.get(variable) or default)
    for port in range(wanted, wanted + _PORTS_TRIED):
        if port != besides and _is_free(port):
            if port != wanted:
                print(f"Port {wanted} is taken, using {port}.")
            return port
    raise ServiceError(f"no free port from {wanted} on; name one in {variable}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections that ended a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
