"""Writing: four files, each whole or untouched; and importing the room costs nothing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aeverify.core import Report
from aeverify.errors import UnknownNameError, UsageError
from aeverify.reporting import FORMATS, read_report, render, write_report

NAMES = {"report.json", "junit.xml", "report.md", "report.html"}


@pytest.fixture
def small(builder: Callable[[int], Any]) -> Report:
    """A report without figures, so that plotly.js is left out."""
    return next(r for r in (builder(seed).report() for seed in range(999)) if not r.plots and r.verdicts)


def test_four_files_are_written_and_read_back(small: Report, tmp_path: Path) -> None:
    """The folder is made, it holds the four files and nothing else, and the report in it is the one given."""
    folder = tmp_path / "reports" / "run 1"
    paths = write_report(small, folder)
    assert {p.name for p in paths} == NAMES == {p.name for p in folder.iterdir()}
    assert read_report(folder) == small
    assert read_report(folder / "report.json") == small


def test_files_have_the_mode_that_the_umask_allows(small: Report, tmp_path: Path) -> None:
    """A report can be read by whom any new file can be read by."""
    (tmp_path / "new").write_text("")
    for path in write_report(small, tmp_path / "out"):
        assert path.stat().st_mode == (tmp_path / "new").stat().st_mode


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_whole_files(
    small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException], inside: bool
) -> None:
    """Stopped wherever something is made to last, the folder is the old one or the new one and nothing is left beside
    it; where somebody stands in the folder, so that it cannot be exchanged, that holds for every single file."""
    folder = tmp_path / "out"
    later = replace(small, title="another title")
    write_report(later, folder)
    new = {p.name: p.read_bytes() for p in folder.iterdir()}
    write_report(small, folder)
    old = {p.name: p.read_bytes() for p in folder.iterdir()}
    if inside:
        monkeypatch.chdir(folder)
    real = os.fsync
    for stop in range(1, 50):
        calls = []

        def failing(handle: int, calls: list[int] = calls, stop: int = stop) -> None:
            calls.append(handle)
            if len(calls) == stop:
                raise kind("stopped")
            real(handle)

        monkeypatch.setattr(os, "fsync", failing)
        with contextlib.suppress(UsageError, KeyboardInterrupt):
            write_report(later, folder)
        monkeypatch.undo()
        if inside:
            monkeypatch.chdir(folder)
        found = {p.name: p.read_bytes() for p in folder.iterdir()}
        assert all(found[name] in (old[name], new[name]) for name in old) and found.keys() == old.keys()
        assert inside or found in (old, new)
        assert [p.name for p in tmp_path.iterdir()] == ["out"]
        if len(calls) < stop:
            break
        write_report(small, folder)
    assert stop > 4
    assert found == new


def test_unwritable_folder_is_a_usage_error_of_one_paragraph(small: Report, tmp_path: Path) -> None:
    """A file in the place of the folder, a folder in the place of a file, and a path that cannot be."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "taken" / "report.json").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "taken", f"{tmp_path}/nul\0"):
        with pytest.raises(UsageError, match="Cannot write the report") as caught:
            write_report(small, folder)
        assert "\n" not in str(caught.value)


def test_unknown_format_names_the_known_ones(small: Report) -> None:
    """A mistyped format is told the nearest."""
    with pytest.raises(UnknownNameError, match="did you mean 'junit'"):
        render(small, "junti")
    assert all(render(small, form) for form in FORMATS)


def test_importing_the_room_loads_no_renderer() -> None:
    """plotly, jinja2 and pydantic are loaded by the formats that need them."""
    code = "import sys, aeverify.reporting; print({'plotly', 'jinja2', 'pydantic', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
