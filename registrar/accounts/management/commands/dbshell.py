"""psql on the site's database, as the role of this process; the owner with the admin claim."""

from collections.abc import Iterable
from subprocess import CalledProcessError
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import dbshell
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.postgresql.client import DatabaseClient
from psycopg2.extensions import make_dsn

from registrar.accounts.claims import ADMIN
from registrar.services.binaries import find_postgres
from registrar.services.errors import ServiceError

_NOT_FOR_PSQL = ("cursor_factory", "client_encoding")


class Shell(DatabaseClient):
    """psql, told the whole connection: Django's own leaves out a socket's folder and options."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str]]:
        wanted = DatabaseWrapper(settings_dict).get_connection_params()
        for name in _NOT_FOR_PSQL:
            wanted.pop(name, None)
        # A command line can be read by everybody on the machine, the environment cannot.
        password = wanted.pop("password", None)
        environ = {"PGPASSWORD": str(password)} if password else {}
        if settings.ROLE == "owner":
            wanted["options"] += f" -c app.role={ADMIN}"
        return [_psql(), f"--dbname={make_dsn(**wanted)}", *parameters], environ


class Command(dbshell.Command):
    help = __doc__

    def handle(self, **options: Any) -> None:
        """Raises CommandError where there is no psql, SystemExit with its code when it failed."""
        try:
            Shell(connections[options["database"]]).runshell(options["parameters"])
        except FileNotFoundError as error:
            raise CommandError(
                "there is no psql here: apt-get install postgresql-client, "
                "or name its folder in REGISTRAR_PG_BIN"
            ) from error
        except CalledProcessError as error:
            # psql has said why itself.
            raise SystemExit(error.returncode) from error


def _psql() -> str:
    """The one beside the server's programs, where we have these; else the system's, by name."""
    try:
        ours = find_postgres() / "psql"
    except ServiceError:
        return "psql"
    return str(ours) if ours.exists() else "psql"
