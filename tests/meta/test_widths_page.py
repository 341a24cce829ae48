"""docs/widths.md is what `python docs/widths.py` writes, but for seconds and last digits, which machines differ in."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from aeverify.manifolds import manifold
from aeverify.widths import bounds

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_table_of_widths_has_the_rows_of_its_script():
    """The same sets and dimensions in the same order, and the same words above the table."""
    spec = importlib.util.spec_from_file_location("docs_widths", DOCS / "widths.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "widths.md").read_text(encoding="utf-8")
    assert page.startswith(script.HEAD)
    rows = [[cell.strip() for cell in line.split(" | ")[:4]] for line in page[len(script.HEAD) :].splitlines()]
    expected = [
        [f"| {name}", f"`{manifold(spec)}`", str(m), exact]
        for name, spec, entries in script.ROWS
        for m, exact in entries
    ]
    assert rows == expected


def test_rows_of_closed_forms_are_current():
    """Where the page gives one number, the library finds it again."""
    page = (DOCS / "widths.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| [^|]+ \| `([^`]+)` \| (\d) \| [^|]* \| ([0-9.]+) \| 0 \|", page, re.M)
    assert len(found) > 30
    for spec, m, value in found:
        assert f"{bounds(spec, int(m)).lower:.9g}" == value
