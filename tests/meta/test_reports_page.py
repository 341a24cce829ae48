"""docs/reports.md names every format and file, and the limits that it states are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

from aeverify.reporting import FILES, FORMATS, html, intervals

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")


def test_the_table_has_every_format_and_its_file():
    """Each format once; a file for those that a folder holds, under the name that it has there."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`([^`]+)` )?\|", PAGE, re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(FORMATS)
    assert {name: file for name, file in rows if file} == FILES


def test_the_limits_of_the_page_are_those_of_the_program():
    """Where texts are cut off, and where a scale becomes logarithmic."""
    assert f"more than {html._LONG_TEXT} characters" in PAGE
    assert f"over {intervals._LOG_FROM:g} times" in PAGE
