"""The page: what is on it, that nothing on it acts, and that everybody can read it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from aeverify.core import (
    Change,
    Compared,
    Comparison,
    GatePolicy,
    Ignore,
    Outcome,
    Reason,
    Report,
    Verdict,
    Witness,
    WitnessPoint,
)
from aeverify.reporting import theme
from aeverify.reporting.html import _TEMPLATES, library_name, render_html
from aeverify.reporting.pages import MOST_ROWS, claim_pages
from tests.golden.test_reports import sample

VOID = {"meta", "br", "input"}
DRAWING = {"svg", "g", "path", "line", "rect", "circle", "text", "title", "defs", "pattern"}
WRITTEN = DRAWING | {"html", "head", "meta", "title", "script", "style", "body", "header", "nav", "main", "section"}
WRITTEN |= {
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "a",
    "b",
    "br",
    "bdi",
    "cite",
    "code",
    "span",
    "div",
    "pre",
    "blockquote",
    "footer",
}
WRITTEN |= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "li", "dl", "dt", "dd", "figure"}
WRITTEN |= {"figcaption", "details", "summary", "button", "input", "label", "fieldset", "legend", "select", "option"}
INLINE = {"a", "b", "bdi", "cite", "code", "span"}
REFERENCES = ("src", "href", "xlink:href", "srcset", "action", "formaction", "data", "poster", "background", "cite")


class Element:
    """A start tag and what is inside it."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element] = []
        self.own: list[str] = []
        self.parts: list[str | Element] = []

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements inside it, in their order."""
        found = []
        for child in self.children:
            if child.tag == tag and all(child.attributes.get(k.strip("_")) == v for k, v in attributes.items()):
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element inside it."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """What is read, white space run together."""
        return " ".join(self._raw().split())

    def _raw(self) -> str:
        inner = "".join(p if isinstance(p, str) else p._raw() for p in self.parts)
        return inner if self.tag in INLINE else f" {inner} "

    def walk(self) -> list[Element]:
        """It and everything inside it, in the order of the page."""
        return [self, *(e for child in self.children for e in child.walk())]


class Tree(HTMLParser):
    """The elements of a page; every one that is opened must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)
        self.feed(html)
        assert self.here is self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {k: v or "" for k, v in attrs}, self.here)
        self.here.children.append(element)
        self.here.parts.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, (self.here.tag, tag)
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.parts.append(data)


def page(report: Report) -> Element:
    """The parsed page of a report."""
    return Tree(render_html(report)).root


@pytest.fixture
def rich() -> Report:
    """A verdict of each outcome and what a gate adds: a claim that was not run, ignores, a baseline."""
    base = sample()
    changes = (Change.SAME, Change.WORSE, Change.BETTER, Change.NEW, Change.SAME)
    compared = tuple(
        Compared(v.claim.id, v.subject, c, "PASS", str(v.outcome), "from 1 to 2")
        for v, c in zip(base.verdicts, changes, strict=True)
    )
    gone = Compared("paradox", "restart 7", Change.GONE, "PASS", "", "")
    ignores = (
        Ignore("small-bad-set", "A known defect.", "2030-01-31", "restart 0"),
        Ignore("small-bad-set", "An old excuse.", "2020-01-31", "restart 1", expired=True),
    )
    return replace(
        base,
        policy=GatePolicy(("theorem-1", "small-bad-set", "thick-set"), ignores=ignores),
        baseline=Comparison("old.json", 0.05, compared, (gone,)),
    )


# What is on it


def test_each_claim_has_its_page_with_all_that_a_reader_needs(rich: Report) -> None:
    """Statement, citation, premises with their verdicts, a chart, a picture of the witness, and the command."""
    root = page(rich)
    first = next(s for s in root.all("section") if s.attributes["aria-labelledby"] == "claim-1")
    assert first.one("h2").text == "Sup error at least the width"
    assert first.one("blockquote").one("p").text == "sup e >= w_1(K)."
    assert "Kvalheim & Sontag 2024, Theorem 1" in first.one("blockquote").one("footer").text
    verdict = first.one("details", id="verdict-1")
    assert [h.text for h in verdict.all("h4")] == [
        "What was found",
        "Premises",
        "Witness point",
        "How to reproduce",
        "Evidence in full",
    ]
    premises = verdict.one("table", class_="premises").one("tbody")
    assert [c.text for c in premises.one("tr").children][:2] == ["closed", "holds"]
    chart = verdict.one("table", class_="chart")
    assert [row.one("th").text.split()[0] for row in chart.one("tbody").all("tr")] == ["sup_error", "width"]
    assert "[1.25, inf)" in chart.text and "claimed >= 1" in chart.text
    drawn = {e.attributes["class"].split()[0] for e in verdict.one("figure").all("path")}
    assert drawn == {"frame", "curve", "rule", "marker", "cross"}
    assert verdict.one("figure").text.count("Witness points on the set") == 1
    assert verdict.one("div", class_="replay").text == rich.verdicts[0].replay
    assert "models/restart-0.safetensors" in verdict.text


def test_every_verdict_is_on_the_page_of_its_claim(report: Report) -> None:
    """One page a claim, each verdict once, and a link in the table to each."""
    root = page(report)
    shown = [s for s in root.all("section") if s.attributes["class"] == "view claim"]
    assert len(shown) == len({v.claim for v in report.verdicts})
    anchors = [d.attributes["id"] for s in shown for d in s.all("details")]
    assert sorted(anchors) == sorted(f"verdict-{i}" for i in range(1, len(report.verdicts) + 1))
    rows = root.one("table", id="table").all("tr") if report.verdicts else []
    links = [a.attributes["href"] for row in rows for a in row.all("a")]
    assert links == [f"#verdict-{i}" for i in range(1, len(report.verdicts) + 1)]
    for section in shown:
        for details in section.all("details"):
            verdict = report.verdicts[int(details.attributes["id"].removeprefix("verdict-")) - 1]
            assert verdict.outcome in details.attributes["class"].split()
            assert len(section.all("details")) == 1 or ("open" in details.attributes) == (
                verdict.outcome is not Outcome.PASS
            )


def test_ignored_expired_and_not_run_are_shown_as_such(rich: Report) -> None:
    """An ignored FAIL stays a FAIL and says why and until when; a gated claim without a verdict has a row."""
    late = replace(rich.verdicts[2], reason=Reason.NOT_RUN)
    rich = replace(rich, verdicts=(*rich.verdicts[:2], late, *rich.verdicts[3:]))
    rows = page(rich).one("table", id="table").one("tbody").all("tr")
    first = [row.children[0].text for row in rows]
    assert first[0] == "PASS"
    assert first[1] == "FAIL ignored until 2030-01-31: A known defect."
    assert first[2] == "INCONCLUSIVE not run ignore expired on 2020-01-31: An old excuse."
    assert first[3].startswith("VACUOUS")
    assert (first[5], rows[5].attributes.get("data-outcome")) == ("NOT RUN", None)
    assert "thick-set" in rows[5].text


def test_the_baseline_is_beside_every_verdict(rich: Report) -> None:
    """The table has a column for it, and what only the baseline has is named."""
    root = page(rich)
    rows = root.one("table", id="table").one("tbody").all("tr", class_="FAIL")
    assert rows[0].children[-1].text == "worse from 1 to 2"
    overview = root.all("section")[0]
    assert "1 worse" in overview.text and "paradox, restart 7: PASS" in overview.text
    assert "Since the baseline" not in page(sample()).text


def test_many_subjects_are_drawn_side_by_side(rich: Report) -> None:
    """Up to MOST_ROWS of them, the worst first to be kept; the page says how many are left out."""
    passed, failed = rich.verdicts[0], replace(rich.verdicts[0], outcome=Outcome.FAIL, reason=Reason.VIOLATED)
    many = tuple(replace(failed if i == 77 else passed, subject=f"restart {i}") for i in range(100))
    report = replace(rich, verdicts=many, baseline=None)
    (shown,) = claim_pages(report)
    (chart,) = shown.charts
    assert [r.verdict for r in chart.rows if r.verdict] == [*range(1, MOST_ROWS), 78]
    assert chart.rows[-1].name == "width"
    assert f"{100 - MOST_ROWS} subjects more are not drawn" in page(report).text


def test_claims_of_one_id_and_two_parameters_have_two_pages(rich: Report) -> None:
    """A claim is its statement, not its name."""
    v = rich.verdicts[0]
    other = replace(v, claim=replace(v.claim, statement="sup e >= 2."))
    assert [p.claim.statement for p in claim_pages(replace(rich, verdicts=(v, other, v), baseline=None))] == [
        "sup e >= w_1(K).",
        "sup e >= 2.",
    ]


# Nothing on it acts


def test_nothing_from_outside_becomes_markup_or_code(report: Report) -> None:
    """However hostile the strings, the page has our elements and scripts, no event handler and no address but its own
    anchors."""
    elements = page(report).walk()
    ids = [e.attributes["id"] for e in elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {e.tag for e in elements} - {""} <= WRITTEN
    scripts = [e for e in elements if e.tag == "script"]
    assert len(scripts) == (3 if report.plots else 2) + len(report.plots)
    for element in elements:
        assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        assert set(element.attributes) & set(REFERENCES) <= {"href"}
        if "href" in element.attributes:
            assert element.tag == "a"
            assert element.attributes["href"].removeprefix("#") in ids
    for script in scripts:
        data = "".join(p for p in script.parts if isinstance(p, str))
        if script.attributes.get("type") != "application/json":
            assert data in {(_TEMPLATES / name).read_text("utf-8") for name in ("head.js", "page.js", "figures.js")}
            continue
        assert not re.search(r"[<>&\u2028\u2029]", data)
        figure = json.loads(data, parse_constant=lambda name: pytest.fail(name))
        labels = [t.get("name", "") for t in figure["data"]]
        labels += [a["text"] for a in figure["layout"].get("annotations", ())]
        assert not [label for label in labels if "<" in label]


def test_the_policy_admits_our_scripts_and_nothing_else(rich: Report) -> None:
    """Scripts by their hashes and what these insert; no address, no inline code, no connection, no form."""
    root = page(rich)
    policy = next(m for m in root.all("meta") if "http-equiv" in m.attributes).attributes["content"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    code = ["".join(map(str, s.parts)) for s in root.all("script") if "type" not in s.attributes]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(c.encode()).digest()).decode()}'" for c in code]
    assert rules["script-src"] == ["'strict-dynamic'", *hashes]
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert "connect-src" not in rules
    assert not [t for t in root.walk() if t.tag in ("iframe", "object", "embed", "base", "form", "link", "img")]


def test_nothing_is_fetched(rich: Report) -> None:
    """No style, attribute or script of ours names an address; the one file is plotly.js, beside the page."""
    html = render_html(rich)
    assert not re.search(r"https?:|//[a-z0-9.-]+\.[a-z]{2,}/", html)
    assert re.findall(r"url\([^)]*\)", html) == ["url(#hatch)"]
    assert "@import" not in html
    assert page(rich).one("body").attributes["data-library"] == library_name()
    assert re.fullmatch(r"plotly-[0-9.]+\.min\.js", library_name())
    assert "data-library" not in page(replace(rich, plots=())).one("body").attributes


def _megabyte(verdict: Verdict, long: str) -> Verdict:
    point = WitnessPoint(0, (0.5,), (1.0,) * 2, (0.5,), (0.0,) * 2, 1.0)
    assert verdict.evidence is not None
    return replace(
        verdict,
        subject=long,
        manifold=long,
        message=long,
        replay=long,
        claim=replace(verdict.claim, title=long, statement=long),
        evidence=replace(verdict.evidence, quantity=long, method=long, details={long: long}, assumptions=(long,)),
        witness=Witness(long, long, "", (point,) * 3000, long),
    )


def test_a_megabyte_is_cut_off_visibly(rich: Report) -> None:
    """Every string of a verdict a million characters long: the page stays small and says that something is missing;
    half a command is not offered to be copied."""
    long = "x" * 10**6
    plot = replace(rich.plots[0], title=long, caption=long, axes=(long, long))
    report = replace(
        rich, title=long, manifold=long, notes=(long,), verdicts=(_megabyte(rich.verdicts[0], long),), baseline=None
    )
    html = render_html(replace(report, plots=(plot,)))
    assert len(html) < 400_000
    details = Tree(html).root.one("details", id="verdict-1")
    assert not details.all("div", class_="replay")
    assert "too long to be shown whole" in details.text
    assert f"({10**6 - 4000} characters more in report.json)" in details.text
    assert "2900 points more in report.json" in details.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u200bb\u200f", "a\\u200bb\\u200f"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("nul\x00", "nul\\x00"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("{{ 7*7 }}{% raw %}", "{{ 7*7 }}{% raw %}"),
    ],
)
def test_hostile_names_are_read_as_they_are_written(rich: Report, text: str, shown: str) -> None:
    """Markup is text, and what is invisible or reorders a line is visible."""
    verdict = replace(rich.verdicts[0], subject=text)
    root = page(replace(rich, verdicts=(verdict,), baseline=None))
    assert root.one("details").one("h3").one("bdi").text == shown
    assert root.one("table", id="table").one("bdi").text == shown


# Everybody can read it


def test_headings_go_down_one_step_at_a_time(report: Report) -> None:
    """One h1; no level is left out on the way down; the address of every view is its heading."""
    root = page(report)
    levels = [int(e.tag[1]) for e in root.walk() if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for section in root.one("main").children:
        assert section.attributes["aria-labelledby"] == section.all("h2")[0].attributes["id"]


def test_landmarks_and_the_way_past_the_header(rich: Report) -> None:
    """One main, one header, every navigation named, names not used twice, and the first link leads to main."""
    root = page(rich)
    assert root.one("main").attributes["id"] == root.all("a")[0].attributes["href"].removeprefix("#")
    assert len(root.one("body").all("header")) == 1
    names = [n.attributes["aria-label"] for n in root.all("nav")]
    assert len(names) == len(set(names)) > 1
    assert root.one("html").attributes["lang"] == "en"


def test_tables_say_what_heads_what(report: Report) -> None:
    """Every th has a scope, every body row a heading of its own, every row of a table with a head as many cells."""
    for table in page(report).all("table"):
        heads = table.all("th")
        assert all(th.attributes["scope"] in ("col", "row") for th in heads)
        for row in table.one("tbody").all("tr"):
            cells = [c for c in row.children if c.tag in ("th", "td")]
            assert sum(c.tag == "th" for c in cells) == 1
            assert len(cells) == len(table.one("thead").all("th"))


def test_drawings_and_controls_have_names(report: Report) -> None:
    """A drawing is named or hidden from who cannot see it; every field has a label; every scrolling box takes the
    focus and has a name."""
    elements = page(report).walk()
    for e in elements:
        inside = e.parent is not None and e.parent.tag in DRAWING
        if e.tag == "svg" and not inside:
            assert e.attributes.get("aria-hidden") == "true" or (
                e.attributes["role"] == "img" and e.attributes["aria-label"].strip()
            )
        if e.tag in ("input", "select") and e.attributes.get("type") != "checkbox":
            assert [x for x in elements if x.tag == "label" and x.attributes.get("for") == e.attributes["id"]]
        if e.tag == "input" and e.attributes.get("type") == "checkbox":
            assert e.parent is not None and e.parent.tag == "label" and e.parent.text
        if e.attributes.get("class") == "scroll":
            assert e.attributes["tabindex"] == "0" and e.attributes["role"] == "region"
            assert e.attributes.get("aria-label") or e.attributes["aria-labelledby"]


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2)."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    """Contrast of two colours, from 1 to 21 (WCAG 2)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [theme.LIGHT, theme.DARK, theme.PAPER], ids=["light", "dark", "paper"])
def test_contrast_is_enough_in_every_theme(colors: dict[str, str]) -> None:
    """Text at least 4.5 on what it stands on, what is drawn at least 3, badges that are filled at least 4.5."""
    assert round(contrast("#000000", "#ffffff"), 9) == 21
    for surface in theme.SURFACES:
        low = {name: contrast(colors[name], colors[surface]) for name in theme.TEXTS}
        assert {n: c for n, c in low.items() if c < 4.5} == {}
        low = {name: contrast(colors[name], colors[surface]) for name in theme.DRAWN}
        assert {n: c for n, c in low.items() if c < 3} == {}
    for name in theme.FILLED:
        assert contrast(colors["page"], colors[name]) >= 4.5
    # Bars and thresholds are drawn on the tinted side too, and on its hatch.
    for name in ("bar", "threshold", "minor"):
        assert min(contrast(colors[name], colors["claimed"]), 2 * contrast(colors[name], colors["hatch"])) >= 3


def test_the_stylesheet_uses_colours_of_the_theme_alone() -> None:
    """Every property that is used is defined, in both themes; the sheet has no colour of its own but one grey."""
    sheet = (_TEMPLATES / "report.css").read_text("utf-8")
    own = set(re.findall(r"(--[a-z]+):", sheet))
    used = set(re.findall(r"var\((--[a-z]+)", sheet))
    assert used - own - {"--series"} <= {f"--{name}" for name in theme.LIGHT}
    assert theme.LIGHT.keys() == theme.DARK.keys() == theme.PAPER.keys()
    assert set(re.findall(r"#[0-9a-f]{3,8}\b|rgba?\([^)]*\)", sheet)) == {"rgba(128, 128, 128, 0.25)"}


def test_no_meaning_is_in_colour_alone() -> None:
    """Every outcome, and every finding on a premise, has a mark of its own beside its word."""
    sheet = (_TEMPLATES / "report.css").read_text("utf-8")
    marks = {o: re.search(rf"\.{o} {{[^}}]*--mark: (\"[^\"]+\")", sheet) for o in (*Outcome, "MISSING")}
    assert len({m[1] for m in marks.values() if m}) == len(marks)
    holds = re.findall(r"\.holds\.[a-z]+ {[^}]*--mark: (\"[^\"]+\")", sheet)
    assert len(set(holds)) == 3


def test_a_page_grows_with_its_report(rich: Report) -> None:
    """Twice the verdicts make twice the page and not four times: nothing is repeated on every verdict's."""
    verdicts = tuple(replace(rich.verdicts[i % 2], subject=f"restart {i}") for i in range(300))
    report = replace(rich, verdicts=verdicts, baseline=None)
    size, half = len(render_html(report)), len(render_html(replace(report, verdicts=verdicts[:150])))
    assert half < size < 2.1 * half
    assert size < 3e6
