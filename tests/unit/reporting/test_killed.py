"""Killed at any moment, a report folder holds the old report or the complete new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aeverify.core import Report
from aeverify.reporting import read_report, write_report, writing

ROOT = Path(__file__).resolve().parents[3]
FILES = {"report.json", "junit.xml", "report.md", "report.html"}

# Two reports in turn, each with its name in every file; rendered once, so that a kill falls into the writing.
WRITER = """
import sys
from pathlib import Path
from aeverify.reporting.writing import write_folder
folder = Path(sys.argv[1])
texts = [{name: f"{word}\\n" * 20000 for name in sys.argv[2:]} for word in ("first", "second")]
print("ready", flush=True)
while True:
    for files in texts:
        write_folder(folder, files)
"""


def killed_after(folder: Path, seconds: float) -> None:
    """Let the writer write for so long, then SIGKILL it."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), *FILES],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder.parent,
    )
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_writer_leaves_one_report(tmp_path: Path):
    """SIGKILL at 25 moments: all files are there, whole, of one and the same report, beside what was there before."""
    folder, draw = tmp_path / "report", random.Random(0)
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "weights").write_text("kept")
    seen = set()
    for _ in range(25):
        killed_after(folder, draw.uniform(0.0, 0.06))
        if not (folder / "report.json").exists():
            continue  # before the first report was complete there was none
        assert {p.name for p in folder.iterdir()} == FILES | {"models"}
        words = {(folder / name).read_text() for name in FILES}
        assert len(words) == 1
        (text,) = words
        assert text in ("first\n" * 20000, "second\n" * 20000)
        seen.add(text[:5])
        assert (folder / "models" / "weights").read_text() == "kept"
    assert seen


@pytest.mark.slow
def test_a_killed_check_leaves_the_old_report_or_the_new_one(tmp_path: Path):
    """SIGKILL anywhere in `aeverify check`, from its start to its end."""
    words = "check cut:half_width=0.01 --on circle --claim theorem-1 --out out --quiet --seed"
    command = [sys.executable, "-m", "aeverify", *words.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def check(seed: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, str(seed)],
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
            env=environment,
        )

    begun = time.monotonic()
    assert check(0).wait() == 0
    whole = time.monotonic() - begun
    for seed in range(1, 21):
        process = check(seed)
        time.sleep(whole * (0.5 + 0.6 * seed / 20))
        process.kill()
        process.wait()
        report = read_report(tmp_path / "out")
        assert all(f"{report.provenance.root_seed}" in (tmp_path / "out" / name).read_text() for name in FILES)
        assert report.provenance.root_seed in range(seed + 1)


@pytest.fixture
def small(builder: Callable[[int], Any]) -> Report:
    """A report without figures."""
    return next(r for r in (builder(seed).report() for seed in range(999)) if not r.plots and r.verdicts)


def test_what_else_is_in_the_folder_stays(small: Report, tmp_path: Path):
    """Files, folders and links keep their content, their mode and their identity, so that an open one goes on."""
    folder = tmp_path / "out"
    (folder / "models" / "deep").mkdir(parents=True)
    (folder / "models" / "deep" / "weights").write_text("w")
    (folder / "link").symlink_to("models")
    with (folder / "events.jsonl").open("w") as stream:
        stream.write("one\n")
        write_report(small, folder)
        write_report(small, folder)
        stream.write("two\n")
    assert (folder / "events.jsonl").read_text() == "one\ntwo\n"
    assert (folder / "models" / "deep" / "weights").read_text() == "w"
    assert os.readlink(folder / "link") == "models"
    assert {p.name for p in folder.iterdir()} == FILES | {"models", "link", "events.jsonl"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_is_stood_in_is_not_replaced(small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The working folder stays the same folder; its files are replaced one by one."""
    monkeypatch.chdir(tmp_path)
    number = tmp_path.stat().st_ino
    write_report(small, ".")
    assert tmp_path.stat().st_ino == number
    assert read_report(tmp_path) == small


def test_without_an_exchange_of_folders_each_file_is_replaced(
    small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A file system that cannot do it gets the files one by one, and keeps the rest."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    monkeypatch.setattr(writing, "_renamer", lambda: None)
    write_report(small, tmp_path / "out")
    assert read_report(tmp_path / "out") == small
    assert (tmp_path / "out" / "mine").read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_link_to_a_folder_is_followed(small: Report, tmp_path: Path):
    """The link stays a link; the folder behind it gets the report."""
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    write_report(small, tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert read_report(tmp_path / "real") == small


def test_what_a_dead_writer_left_is_swept_away(small: Report, tmp_path: Path):
    """An old staging folder of this report goes; a fresh one, which may be somebody's, and those of others stay."""
    names = (".out.0.aeverify", ".out.1.aeverify", ".other.2.aeverify")
    for name in names:
        (tmp_path / name).mkdir()
    for name in (names[0], names[2]):
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "out").mkdir()
    write_report(small, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"out", names[1], names[2]}
