"""One object feeds every format, so they agree; and no string from outside acts in text formats."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser

from aeverify.core import Outcome, Report, Verdict
from aeverify.reporting import FORMATS, render, wording
from aeverify.reporting.escaping import columns
from aeverify.reporting.junit import ELEMENTS


class Page(HTMLParser):
    """What of a report a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[str] = []
        self.counts: dict[str, int] = {}
        self.exit_code = ""
        self.title = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._inside = tag
        if tag == "tr" and "data-outcome" in found:
            self.rows.append(str(found["data-outcome"]))
        if "data-count" in found:
            self.counts[str(found["data-outcome"])] = int(str(found["data-count"]))
        if "data-exit-code" in found:
            self.exit_code = str(found["data-exit-code"])

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data


def markdown_rows(text: str) -> list[list[str]]:
    """Cells of the verdict table."""
    lines = text.split("## Verdicts\n", 1)[1].split("\n## ", 1)[0].strip().splitlines()
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def _mark(report: Report, verdict: Verdict) -> str:
    """What the gate says of a verdict in JUnit's words: what is excused is skipped, a PASS that got worse a failure."""
    if verdict.outcome is Outcome.PASS:
        return "failure" if wording.standing(report, verdict) == wording.WORSE else ""
    return "skipped" if wording.excused(report, verdict) else ELEMENTS[verdict.outcome]


def test_formats_agree_on_every_count_and_outcome(report: Report) -> None:
    """JSON, JUnit, Markdown, HTML and the terminal say the same outcomes in the same order, and the same exit code."""
    expected = [str(v.outcome) for v in report.verdicts]

    as_json = json.loads(render(report, "json"))
    assert [v["outcome"] for v in as_json["verdicts"]] == expected
    assert (as_json["outcome"], as_json["exit_code"]) == (str(report.outcome), int(report.exit_code))
    assert as_json["counts"] == report.counts

    page = Page(render(report, "html"))
    assert page.rows == expected
    assert page.counts == report.counts
    assert page.exit_code == str(int(report.exit_code))
    assert page.title.startswith(f"{report.outcome}: ")

    markdown = render(report, "markdown")
    assert [row[0] for row in markdown_rows(markdown)] == expected
    assert f"**{report.outcome}** (exit code {int(report.exit_code)}:" in markdown

    lines = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert [line["outcome"] for line in lines if line["outcome"] != "NOT RUN"] == expected

    suite = ET.fromstring(render(report, "junit"))[0]
    cases = suite.findall("testcase")
    assert [c.find("properties/property").get("value") for c in cases] == expected  # type: ignore[union-attr]
    marks = Counter(m for c in cases for m in ("failure", "error", "skipped") if c.find(m) is not None)
    told = Counter(_mark(report, v) for v in report.verdicts)
    assert marks == told - Counter({"": told[""]})
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        str(len(expected)),
        str(told["failure"]),
        str(told["error"]),
        str(told["skipped"]),
    )
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert properties["aeverify.exit_code"] == str(int(report.exit_code))
    assert properties["aeverify.seed"] == str(report.provenance.root_seed)

    terminal = render(report, "terminal")
    shown = re.split(r"(?m)^-{4,}  -[- ]+$\n", terminal)[1:]
    rows = shown[0].split("\n\n", 1)[0].splitlines() if shown else []
    assert [row.split()[0] for row in rows] == expected


def test_terminal_fits_100_columns_and_controls_nothing(report: Report) -> None:
    """No line is wider than 100 columns, and no control character or escape sequence is in the plain form."""
    text = render(report, "terminal")
    assert max(columns(line) for line in text.splitlines()) <= 100
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066]", text)


def test_color_adds_escape_sequences_and_nothing_else(report: Report) -> None:
    """The coloured terminal form is the plain one, once the colours are taken out."""
    colored = render(report, "terminal", color=True)
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == render(report, "terminal")
    assert "\x1b[" in colored


def test_text_formats_are_utf8_and_free_of_controls(report: Report) -> None:
    """Markdown, JUnit, CSV and HTML can be encoded, and hold neither NUL nor ESC nor text that reorders a line."""
    for text in (render(report, form) for form in ("markdown", "junit", "csv", "html")):
        text.encode("utf-8")
        assert not re.search("[\x00\x1b\x9b\u202e\ufffe\uffff]", text)


def test_markdown_has_no_raw_markup(report: Report) -> None:
    """No HTML, and no link or image, comes out of a string from outside."""
    outside_code = re.sub(r"(?ms)^(`{3,})sh\n.*?\n\1$", "", render(report, "markdown"))
    assert "<" not in outside_code
    assert not re.search(r"(?<!\\)\]\(", outside_code)


def test_same_report_gives_the_same_bytes(report: Report) -> None:
    """Rendering is a function of the report."""
    for form in FORMATS:
        assert render(report, form) == render(report, form)
