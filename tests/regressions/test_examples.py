"""The gates in examples/ open, by the real command line, for the reasons that their pages state."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aeverify.core.evidence import Rigor
from aeverify.core.verdict import Outcome
from tests.regressions.running import EXAMPLES, GATES, ROOT, Judged

Ask = Callable[[str], tuple[Judged, Path]]

RIGOR = {
    "pytorch": {
        "error-bound": Rigor.CERTIFIED,
        "injectivity-gap": Rigor.CERTIFIED,
        "code-continuity": Rigor.EMPIRICAL,
        "noise-robustness": Rigor.STATISTICAL,
    },
    "keras": {
        "theorem-1": Rigor.CERTIFIED,
        "theorem-2": Rigor.CERTIFIED,
        "paradox": Rigor.STATISTICAL,
        "latent-separation": Rigor.CERTIFIED,
    },
    "scikit_learn": {
        "population-error": Rigor.STATISTICAL,
        "population-quantile": Rigor.STATISTICAL,
        "data-collisions": Rigor.EMPIRICAL,
    },
}
"""Claims of each gate; a verdict is at least as rigorous as this."""


@pytest.mark.parametrize("name", RIGOR)
def test_the_gate_of_an_example_opens(gate: Ask, name: str):
    """Exit code 0, every claim of the file PASS with the rigor that the page promises, and a report in every format."""
    found, folder = gate(name)
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.report is not None
    assert RIGOR[name].keys() == {v.claim.id for v in found.report.verdicts}
    assert {Outcome.PASS} == {v.outcome for v in found.report.verdicts}
    for verdict in found.report.verdicts:
        assert verdict.rigor is not None and verdict.rigor >= RIGOR[name][verdict.claim.id]
    assert {GATES[name].name} == {v.subject for v in found.report.verdicts}
    assert {"report.json", "junit.xml", "report.md", "report.html"} <= {f.name for f in folder.iterdir()}


def test_the_certified_bound_is_above_what_was_seen(gate: Ask):
    """The enclosure of the picture model's worst error lies between an error that a point of K has and the bound."""
    verdict = gate("pytorch")[0].verdict("error-bound")
    assert verdict.evidence is not None and verdict.threshold is not None and verdict.witness is not None
    enclosure = verdict.evidence.interval
    assert 0.03 < enclosure.lower <= enclosure.upper < 0.04 < verdict.threshold.lower
    assert verdict.evidence.quantity == "sup_error"


def test_the_keras_model_is_bad_somewhere_and_good_nearly_everywhere(gate: Ask):
    """Its worst error is above the width bound 1, its bad set below a hundredth of K: both at once are the paradox."""
    found = gate("keras")[0]
    worst, bad = (found.verdict(c).evidence for c in ("theorem-1", "theorem-2"))
    assert worst is not None and bad is not None
    assert worst.interval.lower > 1.9 and 0.0 < bad.interval.lower <= bad.interval.upper < 0.005


def test_the_pipeline_is_judged_on_held_out_rows_alone(gate: Ask):
    """A thousand pictures were held out, and the two statements about the population share the error budget."""
    found = gate("scikit_learn")[0]
    assert found.report is not None and found.report.error_budget is not None
    evidence = found.verdict("population-error").evidence
    assert evidence is not None and evidence.confidence is not None and 0.99 < evidence.confidence < 1.0
    premises = {p.id: p.statement for p in found.verdict("population-error").premises}
    assert "1000 rows" in premises["held-out"]


def test_models_of_the_examples_are_small():
    """No example weighs more than 600 kB, and none holds a pickle of objects."""
    files = [f for name in GATES for f in (EXAMPLES / name).iterdir() if f.is_file()]
    assert max(f.stat().st_size for f in files) < 300_000
    assert {".md", ".npz", ".onnx", ".pt", ".py", ".toml"} == {f.suffix for f in files}


@pytest.mark.parametrize("name", GATES)
def test_the_page_has_a_workflow_for_every_example(name: str):
    """The workflow on docs/examples.md runs, in the example's folder, the command that these tests run, and uploads the
    report whatever came out."""
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    blocks = [
        b for b in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if f"working-directory: examples/{name}\n" in b
    ]
    assert len(blocks) == 1
    install, check = re.findall(r"^      - run: (.+)$", blocks[0], re.MULTILINE)
    assert install.startswith("pip install ")
    assert ["aeverify", "check", "--claims", "claims.toml", *GATES[name].options, "--out", "report"] == check.split()
    assert re.search(r"uses: actions/upload-artifact@v\d+\n        if: always\(\)\n", blocks[0])
    assert f"          path: examples/{name}/report\n" in blocks[0]
