"""Where the services answer: given by the environment, or our own on private sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from registrar.services.layout import STATE, Layout


@dataclass(frozen=True)
class Endpoints:
    """Everything Registrar needs to know about the services it runs on."""

    database_url: str
    database_owner_url: str
    database_worker_url: str
    redis_url: str
    secret_key: str = field(repr=False)
    flower_basic_auth: str = field(repr=False)
    state_dir: Path

    def environ(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "DATABASE_WORKER_URL": self.database_worker_url,
            "REDIS_URL": self.redis_url,
            "REGISTRAR_SECRET_KEY": self.secret_key,
            "FLOWER_BASIC_AUTH": self.flower_basic_auth,
            STATE: str(self.state_dir),
        }


@dataclass(frozen=True)
class Given:
    """What the user's environment already names; nothing of that kind is started."""

    environ: Mapping[str, str]

    @classmethod
    def by(cls, environ: Mapping[str, str], ours: Path) -> Given:
        """Leave out URLs that lead to our own sockets, below `ours`.

        A shell that took over `env`, or a command started inside `exec`, has them; they are no
        wish of the user's, and the servers behind them may not run at the moment.
        """
        return cls({name: value for name, value in environ.items() if str(ours) not in value})

    @property
    def database(self) -> str | None:
        return self.environ.get("DATABASE_URL") or None

    @property
    def redis(self) -> str | None:
        return self.environ.get("REDIS_URL") or None

    def endpoints(self, layout: Layout, keys: Mapping[str, str]) -> Endpoints:
        """The given URLs where there are any, ours where there are none."""
        run = layout.run
        ours = {
            role: _socket_database(role, run) for role in ("registrar", "reg_web", "reg_worker")
        }
        given = self.database
        redis = self.redis or f"unix://{run}/redis.sock?db=0"
        return Endpoints(
            database_url=given or ours["reg_web"],
            database_owner_url=self._or("DATABASE_OWNER_URL", given)
            if given
            else ours["registrar"],
            database_worker_url=self._or("DATABASE_WORKER_URL", given)
            if given
            else ours["reg_worker"],
            redis_url=redis,
            secret_key=self._or("REGISTRAR_SECRET_KEY", keys["REGISTRAR_SECRET_KEY"]),
            flower_basic_auth=self._or("FLOWER_BASIC_AUTH", keys["FLOWER_BASIC_AUTH"]),
            state_dir=layout.root,
        )

    def _or(self, name: str, default: str) -> str:
        return self.environ.get(name) or default


def _socket_database(role: str, run: Path) -> str:
    return f"postgres://{role}@/registrar?host={run}"
