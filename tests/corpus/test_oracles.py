"""Every oracle and mutant against its expected outcomes and its exactly known numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import ORACLES, oracle
from aeverify.claims import Effort
from aeverify.pipeline import check

CLAIMS = ("theorem-1", "theorem-2", "thick-set", "latent-topology", "paradox", "order-preservation", "pca-floor")
SMALL = Effort(samples=2000, draws=5000, homology_samples=100)
P, F, V, E = "PASS", "FAIL", "VACUOUS", "ERROR"
# fmt: off
EXPECTED = {
    # spec                      T1 T2 thick latent paradox order pca
    "constant":                 (P, F, P, P, F, V, P),
    "cut:half_width=0.05":      (P, P, P, P, P, V, V),
    "cut:half_width=1e-09":     (P, P, P, P, P, V, V),
    "fold:a=3,b=2":             (P, F, P, P, F, V, P),
    "double_wrap":              (V, F, V, V, V, V, P),
    "identity":                 (V, P, V, V, V, V, P),
    "spiral_arc":               (V, P, V, V, V, P, V),
    "label":                    (P, F, P, P, F, V, P),
    "cut_two_circles":          (P, P, P, P, P, V, V),
    "shift:offset=0.5":         (V, F, V, V, V, V, P),
    "collapsed":                (P, F, P, P, F, V, V),
    "nan":                      (E, E, E, E, E, V, V),
    "atan2":                    (V, V, V, V, V, V, V),
    "interval_exchange":        (V, V, V, V, V, V, V),
    "liar_continuity":          (V, V, V, V, V, V, V),
    "liar_lipschitz":           (E, E, E, E, E, V, V),
    "liar_affine":              (P, P, P, P, P, V, F),
    "liar_order":               (V, P, V, V, V, F, V),
}
# fmt: on


def table() -> str:
    """The table of the README, from the expectations of this file."""
    rows = ["| oracle | what it is | " + " | ".join(CLAIMS) + " |", "|---" * (2 + len(CLAIMS)) + "|"]
    for spec, outcomes in EXPECTED.items():
        summary = ORACLES[spec.partition(":")[0]].summary
        rows.append(f"| `{spec}` | {summary} | " + " | ".join(outcomes) + " |")
    return "\n".join(rows)


@pytest.mark.parametrize("spec", EXPECTED)
def test_oracle_has_its_expected_outcomes(spec: str):
    """Each claim, asked for by name, comes out as the table says."""
    subject = oracle(spec)
    report = check(subject, subject.truth.manifold, claims=CLAIMS, effort=SMALL)
    assert dict(zip(CLAIMS, EXPECTED[spec], strict=True)) == {v.claim.id: str(v.outcome) for v in report.verdicts}


def test_every_oracle_is_in_the_table():
    """No oracle is left out."""
    assert {spec.partition(":")[0] for spec in EXPECTED} == set(ORACLES)


def test_the_readme_shows_this_table(root: Path):
    """What the README prints is what is tested."""
    shown = (root / "README.md").read_text().partition("<!-- oracles -->")[2].partition("<!-- /oracles -->")[0]
    assert table() == shown.strip()


LIARS = ("nan", "liar_order", "liar_lipschitz")


@pytest.mark.parametrize("spec", [s for s in EXPECTED if s.partition(":")[0] not in LIARS])
def test_measured_numbers_agree_with_the_known_ones(spec: str):
    """Worst error within 1 % from below and never above; the bad set's share inside the statistical enclosure."""
    subject = oracle(spec)
    truth = subject.truth
    sup = measure.sup_error(subject, manifold_of(spec), samples=500)
    known = truth.sup_error
    assert sup.interval.lower <= known.upper
    assert sup.interval.lower >= 0.99 * known.lower
    assert sup.interval.upper >= known.lower
    bad = measure.bad_set(subject, manifold_of(spec), 0.1, draws=20_000, alpha=1e-6)
    share = truth.bad_share(0.1)
    assert share is None or bad.interval.intersects(share)


def manifold_of(spec: str):
    """The set that the oracle's truth is about."""
    from aeverify.manifolds import manifold

    return manifold(oracle(spec).truth.manifold)
