"""One small report in every format, byte for byte.

After a change that is meant: `AEVERIFY_REGENERATE_GOLDEN=1 python -m pytest tests/golden`, then read the difference.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from aeverify.core import (
    Citation,
    Claim,
    ClaimKind,
    Evidence,
    GatePolicy,
    Interval,
    ModelRecord,
    Outcome,
    Plot,
    Premise,
    Provenance,
    Reason,
    Relation,
    Report,
    Rigor,
    Series,
    Verdict,
    Witness,
    WitnessPoint,
)
from aeverify.reporting import read_report, render
from aeverify.reporting.html import render_html

HERE = Path(__file__).parent
FILES = {
    "json": "report.json",
    "junit": "junit.xml",
    "markdown": "report.md",
    "html": "report.html",
    "terminal": "terminal.txt",
    "csv": "verdicts.csv",
}


def sample() -> Report:
    """A circle with a one-dimensional code: a verdict of each outcome, an infinite end, names that must be escaped."""
    paper = Citation("Kvalheim & Sontag 2024", "Theorem 1", "The worst error is at least the reach.")
    closed = Premise("closed", "K is a closed manifold of dimension 1.", True)
    width = Evidence("width", Interval.exactly(1.0), Rigor.EXACT, "Reach below, a constant decoder above.")
    error = Evidence(
        "sup_error",
        Interval.at_least(1.25),
        Rigor.CERTIFIED,
        "Bisection; ball arithmetic.",
        details={"evaluations": 52},
    )
    share = Evidence("bad_set_measure", Interval(0.01, 0.1), Rigor.STATISTICAL, "Clopper-Pearson, 500 draws.", 0.99)
    point = WitnessPoint(0, (0.25,), (0.0, 1.0), (0.5,), (0.0, -0.25), 1.25)
    witness = Witness("point", "circle", "0" * 64, (point,), "The tear.")
    theorem = Claim(
        "theorem-1",
        "Sup error at least the width",
        ClaimKind.THEOREM,
        "sup e >= w_1(K).",
        paper,
        "sup_error",
        Relation.AT_LEAST,
    )
    small = Claim(
        "small-bad-set",
        "Small bad set",
        ClaimKind.REQUIREMENT,
        "mu(e > 0.1) <= delta.",
        paper,
        "bad_set_measure",
        Relation.AT_MOST,
    )
    replay = "aeverify replay report.json theorem-1 --subject 'restart 0'"
    at = Interval.exactly
    verdicts = (
        Verdict(
            theorem,
            "restart 0",
            "circle",
            Outcome.PASS,
            Reason.SATISFIED,
            Rigor.CERTIFIED,
            error,
            at(1.0),
            (width,),
            (closed,),
            witness,
            replay,
        ),
        Verdict(
            small,
            "restart 0",
            "circle",
            Outcome.FAIL,
            Reason.VIOLATED,
            Rigor.STATISTICAL,
            share,
            at(0.001),
            witness=witness,
            replay=replay,
        ),
        Verdict(
            small, "restart 1", "circle", Outcome.INCONCLUSIVE, Reason.STRADDLES, Rigor.STATISTICAL, share, at(0.05)
        ),
        Verdict(
            theorem,
            "<atan2>",
            "circle",
            Outcome.VACUOUS,
            Reason.NOT_CONTINUOUS,
            premises=(Premise("continuous", "E, D jump.", False),),
        ),
        Verdict(small, "NaN | mutant", "circle", Outcome.ERROR, Reason.NON_FINITE_OUTPUT, message="At parameter 0.5."),
    )
    plots = (
        Plot(
            "data", "The set K", "A circle.", ("x", "y"), (Series("K", ((1.0, 0.0, -1.0), (0.0, 1.0, 0.0)), "line", 0),)
        ),
        Plot(
            "error-0",
            "Error along K",
            "The tear is shaded.",
            ("parameter (turns)", "error"),
            (Series("K", ((0.0, 0.25, 0.5, 1.0), (0.01, 1.25, math.nan, 0.01)), "line", 0),),
            (1,),
            ((0.2, 0.3, "tear"),),
            ((0.1, "epsilon"), (1.0, "width")),
        ),
        Plot(
            "persistence-0",
            "Persistence",
            "In radius units.",
            ("birth", "death"),
            (Series("H_0", ((0.0, 0.0), (0.5, math.inf))),),
        ),
    )
    return Report(
        title="A circle with a one-dimensional code",
        manifold="circle",
        manifold_facts={"reach": "1 (exact)", "Betti numbers over Z/2": "1, 1"},
        latent_dim=1,
        verdicts=verdicts,
        models=(
            ModelRecord(
                "restart 0", "2-10-1-10-2, ReLU", "models/restart-0.safetensors", "0" * 64, True, {"loss": 0.01}
            ),
            ModelRecord(
                "restart 1", "2-10-1-10-2, ReLU", "models/restart-1.safetensors", "1" * 64, False, {"loss": 0.3}, "slow"
            ),
        ),
        plots=plots,
        provenance=Provenance(
            {"aeverify": "0.1", "python": "3.11"},
            "cpu",
            "AVX2",
            "float64",
            0,
            "aeverify run",
            "2026-01-05T10:22:31Z",
            12.5,
        ),
        policy=GatePolicy(("theorem-1", "small-bad-set", "thick-set")),
        notes=("1 of 2 restarts converged.",),
    )


@pytest.mark.parametrize("form", FILES)
def test_the_sample_is_rendered_as_before(form: str) -> None:
    """The forms of the sample are those in this folder; the page names plotly.js without its version."""
    text = render_html(sample(), library="plotly.min.js") if form == "html" else render(sample(), form)
    path = HERE / FILES[form]
    if os.environ.get("AEVERIFY_REGENERATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text("utf-8")


def test_reports_written_by_earlier_versions_are_still_read() -> None:
    """The committed JSON is read, and holds what the sample holds (NaN, a gap in a curve, has no equal)."""
    assert read_report(HERE).to_dict() == sample().to_dict()
