"""The gates of examples/, each run once a session when a test first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.regressions.running import GATES, Judged, run_gate


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Judged, Path]]:
    """What `aeverify check` says of an example as it is committed, and the folder of its report."""
    known: dict[str, tuple[Judged, Path]] = {}

    def ask(name: str) -> tuple[Judged, Path]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = run_gate(GATES[name], folder), folder
        return known[name]

    return ask
