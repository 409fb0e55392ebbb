"""The command line: python -m registrar.services up|down|status|env|reset|exec|serve|..."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from registrar.services import processes
from registrar.services.errors import ServiceError
from registrar.services.execute import Command, become, run_and_stop, run_in_scratch
from registrar.services.launch import erase, keep, start, status, stop
from registrar.services.layout import Layout, default_state_dir
from registrar.services.serve import serve


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.action(arguments)
    except ServiceError as error:
        print(f"registrar: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m registrar.services", description=__doc__)
    parser.add_argument("--state", type=Path, default=default_state_dir(), help="state directory")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, action: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(action=action)
        return made

    command("up", _up, "start PostgreSQL and Redis, unless they run or are given by URL")
    command("down", _down, "stop the processes, PostgreSQL and Redis")
    command("status", _status, "say what runs")
    command("env", _env, "print the environment as shell exports, with the services started")
    reset = command("reset", _reset, "stop everything and delete all data")
    reset.add_argument("--yes", action="store_true", help="really")
    execute = command("exec", _exec, "run a command with the services at hand")
    kind = execute.add_mutually_exclusive_group()
    kind.add_argument("--scratch", action="store_true", help="on fresh ones, removed afterwards")
    kind.add_argument("--stop", action="store_true", help="stop them afterwards, if not in use")
    execute.add_argument(
        "--durable", action="store_true", help="scratch ones that sync, as in life"
    )
    execute.add_argument("--migrate", action="store_true", help="bring the schema up to date first")
    execute.add_argument("command", nargs="+")
    site = command("serve", _serve, "run the site's processes until Ctrl-C, inside exec")
    site.add_argument("--detach", action="store_true", help="return when the site answers")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    endpoints = start(arguments.state)
    keep(arguments.state)
    print(f"PostgreSQL  {endpoints.database_owner_url}")
    print(f"Redis       {endpoints.redis_url}")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    processes.stop(arguments.state)
    stop(arguments.state)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """0 when both services run, 3 when not: what service managers expect."""
    services = status(arguments.state)
    for name, pid in services.items():
        print(f"{name:10} {f'runs as process {pid}' if pid else 'does not run'}")
    for name in sorted(processes.running(arguments.state)):
        print(f"{name:10} runs")
    return 0 if all(services.values()) else 3


def _env(arguments: argparse.Namespace) -> int:
    environ = start(arguments.state).environ()
    keep(arguments.state)
    for name, value in environ.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    layout = Layout.at(arguments.state)
    if not arguments.yes:
        raise ServiceError(f"this deletes everything in {layout.root}; add --yes if you mean it")
    processes.stop(arguments.state)
    erase(arguments.state)
    return 0


def _exec(arguments: argparse.Namespace) -> int:
    command = Command(arguments.command, migrate=arguments.migrate)
    if arguments.scratch:
        return run_in_scratch(arguments.state, command, durable=arguments.durable)
    if arguments.stop:
        return run_and_stop(arguments.state, command)
    return become(arguments.state, command)


def _serve(arguments: argparse.Namespace) -> int:
    return serve(Layout.at(arguments.state), detach=arguments.detach)


if __name__ == "__main__":
    sys.exit(main())
