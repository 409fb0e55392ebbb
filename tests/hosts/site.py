"""The hosts of a site: one database, one Redis, two for the web, one for beat, and the workers.

A web host that is restarted serves nobody meanwhile, so there are two, as behind any proxy; the
crowd plays the proxy (`crowd`). Beat, like in compose, is a service of its own.
"""

import secrets
from collections.abc import Callable, Sequence

import redis

from registrar.services.errors import ServiceError
from registrar.services.proc import wait_until

from . import compose, host, machine
from .database import DatabaseHost
from .host import Host

SITE = "registrar.example.edu"
WEBS, WORKERS = 2, 3
_START_SECONDS = 90.0


class Site:
    """Every host, by its name; none is on yet. All of it ends with the machine it is in."""

    def __init__(self) -> None:
        given = {name: secrets.token_hex(24) for name in _SECRETS}
        given["REGISTRAR_ALLOWED_HOSTS"] = f"localhost,{SITE}"
        self.password = given["REDIS_PASSWORD"]
        services = compose.services(given)
        # One works at a time while there is little to do, and each is waited for to be seen at it.
        services["worker"].environ["REGISTRAR_SETTLE_SECONDS"] = "0.5"
        self.postgres = DatabaseHost("postgres", 10, services["postgres"])
        self.redis = Host("redis", 11, services["redis"])
        self.beat = Host("beat", 12, services["beat"])
        self.migrate = Host("migrate", 13, services["migrate"])
        self.students = Host("students", 14)
        self.webs = [Host(f"web-{n}", 20 + n, services["web"]) for n in range(1, WEBS + 1)]
        self.workers = [
            Host(f"worker-{n}", 30 + n, services["worker"]) for n in range(1, WORKERS + 1)
        ]

    @property
    def serving(self) -> Sequence[Host]:
        """The hosts with a service, in the order in which they are rolled."""
        return [*self.webs, *self.workers, self.beat, self.redis, self.postgres]

    def owner(self) -> dict[str, str]:
        """The environment of who migrates and verifies."""
        assert self.migrate.service is not None
        return self.migrate.service.environ

    def start(self, say: Callable[[str], None]) -> None:
        """Everything but the second and third worker host. Raises ServiceError."""
        host.lay_the_wire()
        machine.know({each.name: each.address for each in (*self.serving, self.students)})
        for each in (self.postgres, self.redis, self.migrate, self.students):
            each.power_on()
        say("A database of its own")
        self.postgres.prepare()
        for each in (self.postgres, self.redis):
            each.start()
        for each in (self.postgres, self.redis):
            self.wait_for(each)
        say("Its tables")
        self.migrate.run()
        self.migrate.power_off()
        say("The site")
        first = [*self.webs, self.beat, self.workers[0]]
        for each in first:
            self.add(each)
        for each in first:
            self.wait_for(each)

    def add(self, new: Host) -> None:
        """A host joins: it is switched on and its service started. Nothing else is told."""
        new.power_on()
        new.start()

    def complete(self) -> None:
        """Every worker host is on. Raises ServiceError."""
        missing = [each for each in self.workers if not each.started]
        for each in missing:
            self.add(each)
        for each in missing:
            self.wait_for(each)

    def wait_for(self, each: Host) -> None:
        """Until it serves. Raises ServiceError."""
        if each in self.workers:
            # Its health check is asked once, by `healthy`: it costs seconds of a processor.
            each.says(" ready.", _START_SECONDS)
        elif each is self.beat:
            each.says("beat: Starting", _START_SECONDS)
        elif not wait_until(self._answering(each), _START_SECONDS):
            raise ServiceError(f"{each.name} does not come up:\n{each.said()[-2000:]}")

    def _answering(self, each: Host) -> Callable[[], bool]:
        return self._redis_answers if each is self.redis else each.healthy

    def _redis_answers(self) -> bool:
        """Compose asks `redis-cli`, which the embedded server comes without."""
        try:
            with redis.Redis(host="redis", password=self.password, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def ill(self) -> list[str]:
        """The hosts whose health check, as compose has it, does not say they are well."""
        checked = [self.postgres, *self.webs, self.workers[0]]
        return [each.name for each in checked if not each.healthy()]


_SECRETS = (
    "REGISTRAR_SECRET_KEY",
    "POSTGRES_PASSWORD",
    "REG_WEB_PASSWORD",
    "REG_WORKER_PASSWORD",
    "REDIS_PASSWORD",
    "FLOWER_BASIC_AUTH",
)
