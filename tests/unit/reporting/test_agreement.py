"""One object feeds every format, so they agree; and no string from outside acts in any of them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser

import pytest

from aeverify.core import Outcome, Report
from aeverify.reporting import render
from aeverify.reporting.escaping import columns
from aeverify.reporting.html import render_html
from aeverify.reporting.junit import ELEMENTS

PLOTLY = "window.Plotly = {};"


class Page(HTMLParser):
    """What of a report a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.rows: list[str] = []
        self.counts: dict[str, int] = {}
        self.exit_code = ""
        self.title = ""
        self.data: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] += 1
        self.attributes |= set(found)
        self._inside = f"{tag} {found.get('type') or ''}".strip()
        if tag == "tr" and "data-outcome" in found:
            self.rows.append(str(found["data-outcome"]))
        if "data-count" in found:
            self.counts[str(found["data-outcome"])] = int(str(found["data-count"]))
        if "data-exit-code" in found:
            self.exit_code = str(found["data-exit-code"])
        if self._inside == "script application/json":
            self.data.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        if self._inside == "script application/json":
            self.data[-1] += data


def markdown_rows(text: str) -> list[list[str]]:
    """Cells of the verdict table."""
    lines = text.split("## Verdicts\n", 1)[1].split("\n## ", 1)[0].strip().splitlines()
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_formats_agree_on_every_count_and_outcome(report: Report) -> None:
    """JSON, JUnit, Markdown, HTML and the terminal say the same outcomes in the same order, and the same exit code."""
    expected = [str(v.outcome) for v in report.verdicts]

    as_json = json.loads(render(report, "json"))
    assert [v["outcome"] for v in as_json["verdicts"]] == expected
    assert (as_json["outcome"], as_json["exit_code"]) == (str(report.outcome), int(report.exit_code))
    assert as_json["counts"] == report.counts

    page = Page(render_html(report, plotly_js=PLOTLY))
    assert page.rows == expected
    assert page.counts == report.counts
    assert page.exit_code == str(int(report.exit_code))
    assert page.title.startswith(f"{report.outcome}: ")

    markdown = render(report, "markdown")
    assert [row[0] for row in markdown_rows(markdown)] == expected
    assert f"**{report.outcome}** (exit code {int(report.exit_code)}:" in markdown

    suite = ET.fromstring(render(report, "junit"))[0]
    cases = suite.findall("testcase")
    assert [c.find("properties/property").get("value") for c in cases] == expected  # type: ignore[union-attr]
    marks = Counter(m for c in cases for m in ("failure", "error", "skipped") if c.find(m) is not None)
    assert marks == Counter(ELEMENTS[v.outcome] for v in report.verdicts if v.outcome is not Outcome.PASS)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        str(len(expected)),
        str(report.counts["FAIL"]),
        str(report.counts["ERROR"]),
        str(report.counts["INCONCLUSIVE"] + report.counts["VACUOUS"]),
    )
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert properties["aeverify.exit_code"] == str(int(report.exit_code))
    assert properties["aeverify.seed"] == str(report.provenance.root_seed)

    terminal = render(report, "terminal")
    shown = re.split(r"(?m)^-{4,}  -[- ]+$\n", terminal)[1:]
    rows = shown[0].split("\n\n", 1)[0].splitlines() if shown else []
    assert [row.split()[0] for row in rows] == expected


def test_nothing_from_outside_becomes_markup_or_code(report: Report) -> None:
    """However hostile the strings, the page has our scripts, no event handler and no element that we do not write."""
    page = Page(render_html(report, plotly_js=PLOTLY))
    ours = 3 if report.plots else 1
    assert page.tags["script"] == ours + len(report.plots)
    assert page.tags["style"] == 1
    assert not {name for name in page.attributes if name.startswith("on")}
    assert not {"img", "iframe", "object", "embed", "link", "form", "input", "base"} & set(page.tags)
    for data in page.data:
        assert not re.search(r"[<>&]", data)
        figure = json.loads(data, parse_constant=lambda name: pytest.fail(name))
        labels = [t.get("name", "") for t in figure["data"]]
        labels += [a["text"] for a in figure["layout"].get("annotations", ())]
        assert not [label for label in labels if "<" in label]


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
    """Markdown, JUnit and HTML can be encoded, and hold neither NUL nor ESC nor text that reorders a line."""
    for text in (render(report, "markdown"), render(report, "junit"), render_html(report, plotly_js=PLOTLY)):
        text.encode("utf-8")
        assert not re.search("[\x00\x1b\x9b\u202e\ufffe\uffff]", text)


def test_markdown_has_no_raw_markup(report: Report) -> None:
    """No HTML, and no link or image, comes out of a string from outside."""
    outside_code = re.sub(r"(?ms)^(`{3,})sh\n.*?\n\1$", "", render(report, "markdown"))
    assert "<" not in outside_code
    assert not re.search(r"(?<!\\)\]\(", outside_code)


def test_same_report_gives_the_same_bytes(report: Report) -> None:
    """Rendering is a function of the report."""
    for form in ("json", "junit", "markdown", "terminal"):
        assert render(report, form) == render(report, form)
    assert render_html(report, plotly_js=PLOTLY) == render_html(report, plotly_js=PLOTLY)
