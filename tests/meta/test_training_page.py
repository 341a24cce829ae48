"""docs/training.md: its Python runs, its plan is a plan, and it names every setting."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from aeverify.autoencoders.recipes import RECIPES
from aeverify.config import parse_plan

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "training.md").read_text(encoding="utf-8")


def test_its_example_trains_what_it_says(capsys: pytest.CaptureFixture[str]):
    """Three models, each told of once."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(example, "docs/training.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert sorted(int(line.split()[0]) for line in said) == [0, 1, 2]
    assert all("of the variance" in line for line in said)


def test_its_plan_is_read_and_every_setting_is_named():
    """What the table gives reaches the recipe, and no setting is missing on the page."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    table = tomllib.loads(example)
    training = parse_plan(table).training
    assert training is not None
    how = training.how()
    assert (how.stop_epsilon, how.stop_delta, how.patience) == (0.1, 0.01, 2000)
    assert (how.epochs, training.workers, training.checkpoint_interval) == (RECIPES["thorough"].epochs, 2, 10.0)
    missing = [name for name in how.parameters if name not in table["train"] and f"`{name}`" not in PAGE]
    assert missing == []


def test_its_lines_fit():
    """At most 120 columns."""
    assert [line for line in PAGE.splitlines() if len(line) > 120] == []


def test_tables_are_written_between_their_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The script replaces what stands between the marks of a table and nothing else."""
    spec = importlib.util.spec_from_file_location("docs_training", DOCS / "training.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    copy = tmp_path / "training.md"
    copy.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(script, "PAGE", copy)
    script.replace("paper", "a table")
    head, rest = PAGE.split("<!-- paper -->\n")
    assert (
        copy.read_text(encoding="utf-8")
        == head + "<!-- paper -->\na table\n<!-- end paper -->" + rest.partition("<!-- end paper -->")[2]
    )
