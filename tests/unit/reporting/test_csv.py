"""CSV: what a spreadsheet or a data frame reads, and that it calculates nothing."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeverify.core import GatePolicy, Interval, Report
from aeverify.reporting import render
from aeverify.reporting.csv import HEADER, cell
from tests.golden.test_reports import sample


def lines(report: Report) -> list[dict[str, str]]:
    """The table as a reader of CSV sees it."""
    return list(csv.DictReader(io.StringIO(render(report, "csv"), newline="")))


def test_a_line_holds_what_the_verdict_holds() -> None:
    """Numbers to the last bit, an empty cell where there is no bound, relations in words."""
    first, second, third, _, _, missing = lines(sample())
    assert (first["outcome"], first["claim"], first["quantity"]) == ("PASS", "theorem-1", "sup_error")
    assert (first["lower"], first["upper"], first["relation"]) == ("1.25", "", "at least")
    assert (first["threshold_lower"], first["threshold_upper"]) == ("1.0", "1.0")
    assert (second["confidence"], second["reason"], second["rigor"]) == ("0.99", "VIOLATED", "STATISTICAL")
    assert second["replay"] == "aeverify replay report.json theorem-1 --subject 'restart 0'"
    assert float(third["lower"]) == 0.01
    assert (missing["outcome"], missing["claim"], missing["lower"]) == ("NOT RUN", "thick-set", "")


def test_numbers_are_read_back_as_they_were() -> None:
    """A third, a denormal and a negative number are the same numbers."""
    verdict = sample().verdicts[1]
    assert verdict.evidence is not None
    for low, high in ((-1 / 3, 5e-324), (-1e300, 1 / 3)):
        evidence = replace(verdict.evidence, interval=Interval(low, high))
        (line,) = lines(replace(sample(), verdicts=(replace(verdict, evidence=evidence),), policy=GatePolicy()))
        assert (float(line["lower"]), float(line["upper"])) == (low, high)


def test_every_line_has_every_cell_and_none_is_a_formula(report: Report) -> None:
    """Of any report: as many cells as the header, one line each, and no text that a spreadsheet would calculate."""
    text = render(report, "csv")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == list(HEADER)
    assert {len(row) for row in rows} == {len(HEADER)}
    assert len(rows) == text.count("\n")
    numbers = {HEADER.index(name) for name in ("lower", "upper", "threshold_lower", "threshold_upper", "confidence")}
    for row in rows[1:]:
        for i, value in enumerate(row):
            if i in numbers:
                assert value == "" or float(value) is not None
            else:
                assert not re.match(r"\s*[=+\-@]", value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("\r=1", "\\x0d=1"),
        ("\n=1", "' =1"),
        ('"=1', "'\"=1"),
        ("＝1", "'＝1"),
        ("a;=1;b; @x", "a;'=1;b;' @x"),
        ("a=b", "a=b"),
        ("restart-0", "restart-0"),
        ("\u200b=1", "\\u200b=1"),
    ],
)
def test_formulas_are_text(text: str, expected: str) -> None:
    """An apostrophe before what would be calculated, and nothing else is changed."""
    assert cell(text) == expected


@given(st.text(alphabet=st.sampled_from("=+-@;'\"\t\r\n \x00aé＝,|")))
def test_no_cell_begins_a_formula(text: str) -> None:
    """Nor does one that begins at a semicolon, where that separates cells."""
    for part in cell(text).split(";"):
        assert not re.match(r"""[\s'"]*[=+\-@＝＋－＠]""", part) or part.startswith("'")


def test_a_megabyte_is_cut_off_visibly() -> None:
    """A cell that no spreadsheet holds says how much is missing."""
    assert cell("x" * 10**6).endswith(f"({10**6 - 4000} characters more in report.json)")
