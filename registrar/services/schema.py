"""Bring the schema up to date before the site starts, without paying for it when it is."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from registrar.services.layout import PROJECT, Layout

# Both sides are compared, so a database restored, emptied or migrated by hand is noticed.
_APPLIED = (
    "SELECT coalesce(string_agg(app || '.' || name, ' ' ORDER BY id), '') FROM django_migrations"
)


def migrate(layout: Layout, environ: Mapping[str, str]) -> int:
    """Run `manage.py migrate`, unless the migrations and the database are as it left them."""
    stamp = layout.root / "migrated"
    if stamp.exists() and stamp.read_text() == _state_of_the_schema(environ):
        return 0
    print("Preparing the database.", flush=True)
    code = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT,
        env={**environ, "REGISTRAR_ROLE": "owner"},
        check=False,
    ).returncode
    if code == 0:
        stamp.write_text(_state_of_the_schema(environ))
    return code


def _state_of_the_schema(environ: Mapping[str, str]) -> str:
    """A mark for the migrations as written and as applied, in this very database."""
    mark = hashlib.sha256()
    for file in [PROJECT / "requirements.txt", *_migration_files()]:
        mark.update(str(file).encode() + file.read_bytes())
    url = environ["DATABASE_OWNER_URL"]
    mark.update(url.encode() + _applied(url).encode())
    return mark.hexdigest()


def _migration_files() -> list[Path]:
    packages = (path for path in PROJECT.iterdir() if (path / "__init__.py").exists())
    return sorted(file for package in packages for file in package.glob("**/migrations/*.py"))


def _applied(url: str) -> str:
    try:
        connection = psycopg2.connect(url)
    except psycopg2.Error:
        return "?"
    with connection, connection.cursor() as cursor:
        try:
            cursor.execute(_APPLIED)
            row = cursor.fetchone()
        except psycopg2.Error:
            row = None
    connection.close()
    return str(row[0]) if row else ""
