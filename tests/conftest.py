"""What every test has: one thread for linear algebra, an own working folder, and the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from beartype import BeartypeConf
from beartype.claw import beartype_packages
from click.testing import CliRunner

# Annotations of these rooms are checked at run time in the tests: a float32 array or a None where the signature says
# otherwise is an error here and not in a user's report. (An int may stand for a float, as Python has it.)
beartype_packages(("aeverify.measure", "aeverify.claims"), conf=BeartypeConf(is_pep484_tower=True))

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finished]:
    """The `aeverify` command inside this process, started in an empty folder."""
    from aeverify.cli import command_line

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Finished:
        result = CliRunner().invoke(command_line, list(arguments))
        return Finished(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Finished]:
    """A fresh Python process that sees the project, started in an empty folder."""

    def call(*arguments: str, **environment: str) -> Finished:
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            timeout=120,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return call
