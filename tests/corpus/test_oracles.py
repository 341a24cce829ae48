"""Every oracle and mutant against its expected outcomes and its exactly known numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import ORACLES, oracle

P, F, V, E, U = "PASS", "FAIL", "VACUOUS", "ERROR", "INCONCLUSIVE"
# fmt: off
EXPECTED = {
    # theorem-1, theorem-2, thick-set, lipschitz-price, latent-topology, paradox, order-preservation, pca-floor,
    # error-bound, mse-floor, retracing, latent-price, latent-separation, injectivity-gap, latent-homology-survives,
    # encoder-degree, even-preimages, encoder-blame, tear-sweep, tear-every-slice; U: undecided, inconclusive
    "constant":                 (P, F, P, P, P, F, V, P, F, P, P, P, V, F, V, V, V, F, V, V),
    "cut:half_width=0.05":      (P, P, P, P, P, P, V, V, F, P, P, P, V, F, V, V, P, P, P, V),
    "cut:half_width=1e-09":     (P, P, P, U, P, P, V, V, F, U, U, P, V, F, V, V, P, P, P, V),
    "fold:a=3,b=2":             (P, F, P, P, P, F, V, P, F, P, P, P, V, F, V, V, P, F, V, V),
    "double_wrap":              (V, F, V, V, V, V, V, P, F, V, V, P, V, U, V, F, V, F, V, V),
    "identity":                 (V, P, V, V, V, V, V, P, P, V, V, P, V, U, P, P, V, V, V, V),
    "spiral_arc":               (V, P, V, V, V, V, P, V, P, V, V, V, V, U, V, V, V, V, V, V),
    "label":                    (P, F, P, P, P, F, V, P, F, P, P, P, U, F, V, V, V, F, V, V),
    "cut_two_circles":          (P, P, P, P, P, P, V, V, F, V, V, P, U, F, V, V, P, P, P, V),
    "shift:offset=0.5":         (V, F, V, V, V, V, V, P, F, V, V, P, V, U, P, P, V, P, V, V),
    "collapsed":                (P, F, P, P, P, F, V, V, F, P, P, P, V, F, V, V, V, P, V, V),
    "nan":                      (E, E, E, E, E, E, V, V, E, E, E, E, V, E, V, V, E, E, E, V),
    "atan2":                    (V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V),
    "interval_exchange":        (V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V),
    "liar_continuity":          (V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V),
    "liar_lipschitz":           (E, E, E, E, E, E, V, V, E, E, E, E, V, F, V, V, E, E, E, V),
    "liar_affine":              (P, P, P, P, P, P, V, F, F, P, P, P, V, F, V, V, P, P, P, V),
    "liar_order":               (V, P, V, V, V, V, F, V, P, V, V, V, V, U, V, V, V, V, V, V),
}
# fmt: on


def page() -> ModuleType:
    """The command that writes docs/oracles.md."""
    spec = importlib.util.spec_from_file_location("docs_oracles", Path(__file__).parents[2] / "docs" / "oracles.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("spec", EXPECTED)
def test_oracle_has_its_expected_outcomes(spec: str):
    """Each claim, asked for by name, comes out as the table says."""
    assert page().outcomes_of(spec) == EXPECTED[spec]


def test_every_oracle_is_in_the_table():
    """No oracle is left out, and the command writes the rows that are tested."""
    assert {spec.partition(":")[0] for spec in EXPECTED} == set(ORACLES)
    assert tuple(EXPECTED) == page().ROWS


def test_the_page_of_oracles_shows_this_table(root: Path):
    """What docs/oracles.md prints is what is tested."""
    assert (root / "docs" / "oracles.md").read_text(encoding="utf-8") == page().render(EXPECTED)


def test_the_readme_shows_the_main_columns(root: Path):
    """What the README prints is what is tested."""
    shown = (root / "README.md").read_text().partition("<!-- oracles -->")[2].partition("<!-- /oracles -->")[0]
    assert shown.strip() == page().table(EXPECTED, page().CLAIMS[: page().MAIN])


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
