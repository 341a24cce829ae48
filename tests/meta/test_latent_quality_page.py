"""docs/latent_quality.md: its tables are what the command writes, and its example prints what the text says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "latent_quality.md").read_text(encoding="utf-8")


def test_the_table_of_scores_is_current():
    """Every score with its range, direction, premise and source."""
    spec = importlib.util.spec_from_file_location("docs_latent_quality", DOCS / "latent_quality.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert f"<!-- scores -->\n{script.described()}\n<!-- /scores -->" in PAGE
    assert re.findall(r"^\| `([a-z]+[^`]*)` \| [01]\.", PAGE, re.M) == list(script.MODELS)


def test_the_example_prints_what_the_text_says(capsys: pytest.CaptureFixture[str]):
    """The tear has a mean of 0.99999 and a worst point of 0.3."""
    example = re.findall(r"```python\n(.*?)```", PAGE, re.S)[0]
    exec(compile(example, "docs/latent_quality.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert f"It prints `{printed[0]}`, `{printed[1]}` and `{printed[2]}`." in PAGE
