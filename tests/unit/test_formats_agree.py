"""All formats agree on every count and outcome: random reports with gates of all kinds, read back from each format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aeverify.comparing import compare
from aeverify.core import (
    ClaimKind,
    Evidence,
    GatePolicy,
    Ignore,
    Interval,
    Outcome,
    Provenance,
    Reason,
    Report,
    Rigor,
    Verdict,
)
from aeverify.reporting import render

from .core.test_policy import CLAIM

PROVENANCE = Provenance({"aeverify": "1"}, "cpu", "AVX2", "float64", 0, "x", "2026-01-01T00:00:00+00:00", 1.0)
CLAIMS = ("theorem-1", "error-bound", "paradox")
SUBJECTS = ("a", "b | c", "<b>d</b>")
NAMES = st.sampled_from(CLAIMS)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """A verdict whose outcome its reason and evidence suit."""
    outcome = draw(st.sampled_from(list(Outcome)))
    other = [r for r in Reason if r is not Reason.SATISFIED]
    low, width = draw(st.floats(0, 1)), draw(st.floats(0, 0.1))
    kind = draw(st.sampled_from(list(ClaimKind)))
    return Verdict(
        replace(CLAIM, id=draw(NAMES), kind=kind),
        draw(st.sampled_from(SUBJECTS)),
        "circle",
        outcome,
        Reason.SATISFIED if outcome is Outcome.PASS else draw(st.sampled_from(other)),
        Rigor.CERTIFIED,
        Evidence("sup_error", Interval(low, low + width), Rigor.CERTIFIED, "m"),
        Interval.exactly(0.1),
    )


def distinct(found: list[Verdict]) -> tuple[Verdict, ...]:
    """At most one verdict on each claim and subject, as in a run."""
    return tuple({(v.claim.id, v.subject): v for v in found}.values())


@st.composite
def policies(draw: st.DrawFn) -> GatePolicy:
    """Any gate that does not contradict itself."""
    allowed = draw(st.booleans())
    choices = [Outcome.ERROR] if allowed else [Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.VACUOUS]
    ignores = st.builds(
        Ignore,
        NAMES,
        st.just("why"),
        st.just("2027-01-31"),
        st.none() | st.sampled_from(SUBJECTS),
        st.booleans(),
    )
    return GatePolicy(
        draw(st.none() | st.lists(NAMES, min_size=1, unique=True).map(tuple)),
        allowed,
        tuple(draw(st.lists(st.sampled_from(choices), unique=True))),
        tuple(draw(st.lists(ignores, max_size=2))),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """A report, often beside a baseline."""
    after, before = (distinct(draw(st.lists(verdicts(), max_size=6))) for _ in range(2))
    policy, interrupted = draw(policies()), draw(st.sampled_from(["", "", "", "draw figures"]))
    report = Report("t", "circle", {}, 1, after, (), (), PROVENANCE, policy, interrupted)
    common = {(v.claim.id, v.subject) for v in after} & {(v.claim.id, v.subject) for v in before}
    if not common or draw(st.booleans()):
        return report
    return replace(report, baseline=compare(replace(report, verdicts=before), report, source="before"))


class Page(HTMLParser):
    """Rows, counts and exit code of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.counts: dict[str, int] = {}
        self.exit_codes: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "tr" and "data-outcome" in found:
            self.rows.append(str(found["data-outcome"]))
        if "data-count" in found:
            self.counts[str(found["data-outcome"])] = int(str(found["data-count"]))
        if "data-exit-code" in found:
            self.exit_codes.append(str(found["data-exit-code"]))


def table(markdown: str) -> list[list[str]]:
    """Cells of the first table after a heading row of verdicts."""
    lines = markdown.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| Outcome | Claim |"))
    body = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        body.append([c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]])
    return body


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reports())
def test_every_format_says_the_same(report: Report):
    """Outcome of each verdict in order, counts, exit code: read back from each format, all are those of the report."""
    outcomes = [str(v.outcome) for v in report.verdicts]
    code = int(report.exit_code)
    counts = {str(o): outcomes.count(str(o)) for o in Outcome}

    document = json.loads(render(report, "json"))
    assert [v["outcome"] for v in document["verdicts"]] == outcomes
    assert (document["counts"], document["exit_code"], document["outcome"]) == (counts, code, str(report.outcome))
    assert Report.from_dict(document) == report

    suite = ET.fromstring(render(report, "junit"))[0]
    properties = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert {o: int(properties[f"aeverify.count.{o}"] or -1) for o in counts} == counts
    assert (properties["aeverify.exit_code"], properties["aeverify.outcome"]) == (str(code), str(report.outcome))
    cases = suite.findall("testcase")
    assert [c.find("properties/property").get("value") for c in cases] == outcomes  # type: ignore[union-attr]
    marks = Counter(next((e.tag for e in c if e.tag in ("failure", "error", "skipped")), "passed") for c in cases)
    written = {kind: int(suite.get(name) or -1) for kind, name in (("failure", "failures"), ("error", "errors"))}
    assert written == {"failure": marks["failure"], "error": marks["error"]}
    assert (suite.get("skipped"), suite.get("tests")) == (str(marks["skipped"]), str(len(outcomes)))
    assert marks["passed"] <= counts["PASS"]

    for form in ("markdown", "github", "model-card"):
        text = render(report, form)
        assert [row[0] for row in table(text)] == outcomes
        assert f"**{report.outcome}** (exit code {code}:" in text
        assert ", ".join(f"{n} {o}" for o, n in counts.items()) in text

    page = Page(render(report, "html"))
    assert (page.rows, page.counts) == (outcomes, counts)
    assert set(page.exit_codes) == {str(code)}

    terminal = " ".join(render(report, "terminal").split())
    assert ", ".join(f"{n} {o}" for o, n in counts.items()) in terminal
    assert f"(exit code {code}:" in terminal


@settings(max_examples=200, deadline=None)
@given(reports())
def test_the_gate_never_fails_open(report: Report):
    """Exit code 0 means that no gated verdict is bad but for what was excused in words, and that something passed the
    look of the gate."""
    from aeverify.reporting import wording

    if report.exit_code != 0:
        return
    gating = report.policy.select(report.verdicts)
    assert not report.interrupted
    assert any(report.policy.ignore_of(v) is None and v.reason is not Reason.NOT_RUN for v in gating)
    for v in gating:
        assert v.outcome is not Outcome.PASS or wording.standing(report, v) != wording.WORSE
        undecided = v.outcome in (Outcome.INCONCLUSIVE, Outcome.VACUOUS)
        if v.outcome is Outcome.PASS or (undecided and report.policy.allow_inconclusive):
            continue
        standing = wording.standing(report, v)
        assert standing.startswith("ignored until") or standing == "in the baseline too", (v.outcome, standing)
        assert v.outcome is not Outcome.ERROR or standing.startswith("ignored until")
