"""docs/data.md: its Python runs and prints what it says, and it names every claim and every kind of file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeverify.claims.data import DATA_CLAIMS
from aeverify.data import FORMATS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_its_examples_print_what_it_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The data set, its held-out part, and three verdicts."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(block, "docs/data.md", "exec"), names)
    said = capsys.readouterr().out.splitlines()
    told = re.search(r"It prints `(.*?)` and `(.*?)`", PAGE)
    (printed,) = re.findall(r"```text\n(.*?)```", PAGE, re.S)
    assert told is not None
    assert said == [*told.groups(), *printed.splitlines()]


def test_its_claims_file_ends_as_it_says(cli: Callable[..., Any], tmp_path: Path):
    """Through the real command line, whose witnesses are replayed without the data."""
    (table,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (tmp_path / "claims.toml").write_text(table)
    angle = np.random.Generator(np.random.PCG64(0)).uniform(0, 2 * np.pi, 2000)
    np.save(tmp_path / "ring.npy", np.c_[np.cos(angle), np.sin(angle)])
    done = cli("check", "--claims", "claims.toml", "--format", "json", "--quiet", "--out", "out")
    found = {v["claim"]["id"]: v["outcome"] for v in json.loads(done.stdout)["verdicts"]}
    assert (done.exit_code, found) == (1, {"population-error": "PASS", "data-sup": "FAIL"})
    (tmp_path / "ring.npy").unlink()
    assert "REPRODUCED" in cli("replay", "out/report.json", "data-sup").stdout


def test_every_claim_and_every_kind_of_file_is_named():
    """In the tables, once."""
    assert re.findall(r"^\| `((?:population|data)-[a-z-]+)` \|", PAGE, re.M) == list(DATA_CLAIMS)
    assert [f for f in FORMATS if f"`{f}`" not in PAGE] == []
