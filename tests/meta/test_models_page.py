"""docs/models.md: its Python runs, block after block, in a folder of its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one program, as the page says; the files of the Keras example lie where it names them."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 8
    shutil.copytree(ROOT / "examples" / "keras", tmp_path / "examples" / "keras")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/models.md", "exec"), names)
    assert (tmp_path / "lightning.ckpt").exists()


def test_the_page_names_what_is_rebuilt() -> None:
    """Every operator of the whitelist in one list."""
    from aeverify.autoencoders.onnx import rebuilding

    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    operators = {*rebuilding._ACTIVATIONS, *rebuilding._SAME, *rebuilding._RESHAPING}
    assert {name for name in operators if not re.search(rf"\b{name}\b", page)} == set()
