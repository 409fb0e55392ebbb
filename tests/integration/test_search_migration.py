"""The search's migration where the extensions are missing, and the way back."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import InternalError, connection

EXTENSIONS: str = import_module("courses.migrations.0012_search").EXTENSIONS
OTHER = "search_without_extensions"


@pytest.fixture
def without_extensions(database: None) -> Iterator[None]:
    """Connected to another database, in which nothing is installed."""
    usual = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {OTHER}")
        cursor.execute(f"CREATE DATABASE {OTHER} TEMPLATE template0")
    connection.close()
    connection.settings_dict["NAME"] = OTHER
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {OTHER} WITH (FORCE)")


def refused() -> str:
    with pytest.raises(InternalError) as caught, connection.cursor() as cursor:
        cursor.execute(EXTENSIONS)
    return str(caught.value)


def test_who_may_not_make_extensions_is_told_what_a_superuser_has_to_run(
    without_extensions: None,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE reg_web")

    said = refused()

    assert "pg_trgm is missing and reg_web may not create it" in said
    assert "As a superuser, in this database: CREATE EXTENSION pg_trgm SCHEMA public" in said


def test_an_extension_somewhere_else_is_to_be_moved(without_extensions: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere; CREATE EXTENSION unaccent SCHEMA elsewhere")

    said = refused()

    assert "unaccent is in the schema elsewhere" in said
    assert "ALTER EXTENSION unaccent SET SCHEMA public" in said


def test_extensions_that_are_there_are_left_as_they_are(without_extensions: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EXTENSIONS)
        cursor.execute("SET ROLE reg_web")
        cursor.execute(EXTENSIONS)
