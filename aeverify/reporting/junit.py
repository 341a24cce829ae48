"""JUnit XML, for continuous integration.

One test case a verdict, classname the id of the claim. FAIL is a <failure> and ERROR an <error>. INCONCLUSIVE and
VACUOUS are <skipped>, and counted as such: no dashboard paints them green, and none calls them a failure, which they
are not. So is a FAIL or ERROR that the gate excuses (ignored until a date, or in the baseline too), with the outcome in
its message and its properties; a PASS that is worse than in the baseline is a <failure>. Whether an undecided claim
stops a release is the exit code's business, given as a property of the suite.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from aeverify.core import Outcome, Report, Verdict, Witness
from aeverify.reporting import wording
from aeverify.reporting.escaping import plain

ELEMENTS = {
    Outcome.FAIL: "failure",
    Outcome.ERROR: "error",
    Outcome.INCONCLUSIVE: "skipped",
    Outcome.VACUOUS: "skipped",
}
"""The child element that marks a test case of each outcome; PASS has none."""


def render_junit(report: Report) -> str:
    """One XML document with one suite; times are 0 but for the suite's, since verdicts share their measurements.

    Evidence, premises, witness and replay line stand in <system-out> of each case; seed, versions, outcome and exit
    code are properties of the suite.
    """
    found = [element_of(report, v) for v in report.verdicts]
    totals = {
        "tests": str(len(found)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error")),
        "skipped": str(found.count("skipped")),
        "time": f"{report.provenance.duration_seconds:.3f}",
    }
    name = plain(f"aeverify: {report.title}")
    root = ET.Element("testsuites", {"name": name, **totals})
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals, "timestamp": plain(report.provenance.started)})
    properties = ET.SubElement(suite, "properties")
    for key, value in _properties(report):
        ET.SubElement(properties, "property", {"name": plain(key), "value": plain(value)})
    for verdict in report.verdicts:
        _case(suite, report, verdict)
    ET.SubElement(suite, "system-out").text = _lines([*report.notes])
    ET.SubElement(suite, "system-err").text = _lines(wording.warnings(report))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def element_of(report: Report, verdict: Verdict) -> str:
    """The child element that marks the test case of a verdict; "" for a PASS that is no worse than in a baseline."""
    if verdict.outcome is Outcome.PASS:
        return "failure" if wording.standing(report, verdict) == wording.WORSE else ""
    return "skipped" if wording.excused(report, verdict) else ELEMENTS.get(verdict.outcome, "")


def _properties(report: Report) -> Iterable[tuple[str, str]]:
    p = report.provenance
    yield "aeverify.outcome", str(report.outcome)
    yield "aeverify.exit_code", str(int(report.exit_code))
    yield from ((f"aeverify.count.{outcome}", str(n)) for outcome, n in report.counts.items())
    yield "aeverify.seed", str(p.root_seed)
    yield "aeverify.manifold", report.manifold
    yield "aeverify.latent_dim", str(report.latent_dim)
    yield "aeverify.device", p.device
    yield "aeverify.cpu_capability", p.cpu_capability
    yield "aeverify.dtype", p.dtype
    yield "aeverify.command", p.command
    if report.error_budget:
        yield "aeverify.error_budget", wording.budget_text(report.error_budget)
    yield from ((f"version.{name}", version) for name, version in sorted(p.versions.items()))


def _case(suite: ET.Element, report: Report, verdict: Verdict) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": plain(verdict.claim.id), "name": plain(f"{verdict.subject} on {verdict.manifold}"), "time": "0"},
    )
    outcome = ET.SubElement(ET.SubElement(case, "properties"), "property")
    outcome.set("name", "aeverify.outcome")
    outcome.set("value", str(verdict.outcome))
    element, standing = element_of(report, verdict), wording.standing(report, verdict)
    if element:
        head = f"{verdict.outcome}, {standing}" if standing else str(verdict.outcome)
        mark = ET.SubElement(case, element, {"message": plain(f"{head}: {wording.why(verdict)}")})
        if element != "skipped":
            mark.set("type", verdict.reason.name)
            mark.text = plain(f"{wording.evidence_text(verdict)}; claimed: {wording.threshold_text(verdict)}")
    ET.SubElement(case, "system-out").text = _lines(_account(report, verdict))


def _account(report: Report, verdict: Verdict) -> Iterable[str]:
    claim = verdict.claim
    standing = wording.standing(report, verdict)
    yield f"{verdict.outcome}: {claim.title}" + (f" ({standing})" if standing else "")
    yield f"statement: {claim.statement}"
    yield f"citation: {claim.citation}"
    yield f"reason: {verdict.reason.name}: {wording.why(verdict)}"
    if verdict.threshold:
        yield f"claimed: {claim.quantity} {wording.threshold_text(verdict)}"
    for role, e in wording.all_evidence(verdict):
        yield f"{role} evidence: {wording.evidence_sentence(e)}"
    for p in verdict.premises:
        yield f"premise {p.id}: {wording.premise_text(p)}: {p.statement}"
    if verdict.witness:
        yield from _witness(verdict.witness)
    if verdict.replay:
        yield f"replay: {verdict.replay}"


def _witness(witness: Witness) -> Iterable[str]:
    yield f"witness ({witness.kind}): {witness.note}"
    yield from (f"  {wording.point_sentence(p)}" for p in witness.points)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(plain(line) for line in lines)
