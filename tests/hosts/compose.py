"""docker-compose.yml and the Dockerfile, read for what each service runs: tested as deployed.

Only what is used there is understood; anything else raises, rather than being passed over.
"""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"(\d+)(ms|s|m)")


class Service(NamedTuple):
    """What a container of it would be started with."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    health: tuple[str, ...]
    """Ends with 0 when it is healthy; empty where compose does not look."""
    grace: float
    """Seconds from being asked to end to being killed."""
    folders: tuple[str, ...]
    """Where its volumes and memory disks are mounted."""


class Unreadable(Exception):
    """Something in the files that this reader does not know; the text names it."""


def services(given: Mapping[str, str]) -> dict[str, Service]:
    """Every service by its name, with these variables in the place of `.env`."""
    site = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return {name: _service(name, _filled(told, given)) for name, told in site["services"].items()}


def _filled(told: Any, given: Mapping[str, str]) -> Any:
    """With every ${VARIABLE} replaced, as compose does. Raises Unreadable where one is required."""
    if isinstance(told, Mapping):
        return {name: _filled(each, given) for name, each in told.items()}
    if isinstance(told, list):
        return [_filled(each, given) for each in told]
    if not isinstance(told, str):
        return told

    def value(found: re.Match[str]) -> str:
        dollar, name, how, other = found.groups()
        if dollar:
            return "$"
        if given.get(name):
            return given[name]
        if how == "-":
            return str(other)
        raise Unreadable(f"docker-compose.yml needs {name}: {other or 'it has no default'}")

    return _VARIABLE.sub(value, told)


def _service(name: str, told: Mapping[str, Any]) -> Service:
    ours = "build" in told
    command = told.get("command") or (_image_command() if ours else ())
    if isinstance(command, str):
        command = shlex.split(command)
    environ = {key: str(value) for key, value in (told.get("environment") or {}).items()}
    return Service(
        name,
        tuple(map(str, command)),
        {**(_image_environ() if ours else {}), **environ},
        _health(told.get("healthcheck")),
        _seconds(told.get("stop_grace_period", "10s")),
        tuple(_folders(told)),
    )


def _folders(told: Mapping[str, Any]) -> list[str]:
    volumes = [volume.split(":")[1] for volume in told.get("volumes", ())]
    return [*volumes, *told.get("tmpfs", ())]


def _health(told: Mapping[str, Any] | None) -> tuple[str, ...]:
    if told is None:
        return ()
    kind, *words = told["test"]
    if kind == "CMD":
        return tuple(words)
    if kind == "CMD-SHELL":
        return ("sh", "-c", *words)
    raise Unreadable(f"a health check of the kind {kind}")


def _seconds(text: str) -> float:
    """`1m30s` and its like."""
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        raise Unreadable(f"a duration of {text!r}")
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


# The image of our own ------------------------------------------------------------------------


def _instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile's last stage."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.partition(" ") for line in text.splitlines() if line and line[0] != "#"]
    steps = [(word, rest.strip()) for word, _, rest in lines]
    last = max(at for at, (word, _) in enumerate(steps) if word == "FROM")
    return steps[last:]


def _image_command() -> tuple[str, ...]:
    [text] = [rest for word, rest in _instructions() if word == "CMD"]
    return tuple(json.loads(text))


def _image_environ() -> dict[str, str]:
    """What the image sets, but for the folders that are the image's own."""
    texts = [rest for word, rest in _instructions() if word == "ENV"]
    pairs = (pair.partition("=") for text in texts for pair in shlex.split(text))
    return {name: value for name, _, value in pairs if not value.startswith("/")}
