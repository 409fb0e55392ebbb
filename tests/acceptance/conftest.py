"""The site's processes for a whole day: in a state folder of the test's own, gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registrar.services import processes


@pytest.fixture
def state(database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty database, and no process of the site that could belong to anybody else."""
    folder = tmp_path / "state"
    monkeypatch.setenv("REGISTRAR_STATE", str(folder))
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "tester:only here")
    yield folder
    processes.stop(folder)
