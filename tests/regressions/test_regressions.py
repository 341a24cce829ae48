"""Planted regressions are caught by the gates of examples/, harmless changes pass them, and the page says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.meta.test_docs import script
from tests.regressions.cases import FAST, HARMLESS, REGRESSIONS
from tests.regressions.running import ROOT, Case, Judged, require_caught, require_passed, run_case

Ask = Callable[[str], tuple[Judged, Path]]


def _rows(cases: tuple[Case, ...]) -> list[object]:
    return [pytest.param(c, id=c.name, marks=() if c.name in FAST else pytest.mark.slow) for c in cases]


@pytest.mark.parametrize("case", _rows(REGRESSIONS))
def test_a_regression_is_caught_for_the_right_reason(case: Case, tmp_path: Path):
    """The exit code, the claim, its outcome and its reason are those of the table."""
    require_caught(case, run_case(case, tmp_path))


@pytest.mark.parametrize("case", _rows(HARMLESS))
def test_a_harmless_change_passes(gate: Ask, case: Case, tmp_path: Path):
    """Every claim passes again, and none is worse than in the report of the unchanged model."""
    require_passed(case, run_case(case, tmp_path, gate(case.gate)[1] / "report.json"))


def test_the_table_has_twenty_of_each_and_no_name_twice():
    """Twenty regressions that are caught, twenty harmless changes, three of each in the default tests."""
    assert (len(REGRESSIONS), len(HARMLESS)) == (20, 20)
    names = [c.name for c in (*REGRESSIONS, *HARMLESS)]
    assert len(names) == len(set(names))
    assert (sum(c.name in FAST for c in REGRESSIONS), sum(c.name in FAST for c in HARMLESS)) == (3, 3)
    assert all(c.exit_code and c.reason for c in REGRESSIONS) and not any(c.exit_code for c in HARMLESS)


def test_the_page_is_of_these_cases():
    """docs/regressions.md has one row for each case, in this order, with what is done and what must come of it."""
    page = (ROOT / "docs" / "regressions.md").read_text(encoding="utf-8").partition("## Twenty regressions")[2]
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| change"))]
    heads = [script("regressions").head(c) for c in (*REGRESSIONS, *HARMLESS)]
    assert heads == [line[: len(head)] for line, head in zip(lines, heads, strict=True)]
    for case, line in zip(REGRESSIONS, lines, strict=False):
        assert (f"`{case.claim}` {case.outcome}" if case.claim else case.reason) in line
