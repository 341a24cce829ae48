"""What the encoder does to K: claims on hand-built subjects, and the words that tell them apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import CLAIMS, Effort, Study, claim
from aeverify.claims.diagnosis import Behaviour, describe, diagnose
from aeverify.claims.encoder_evidence import encoder_floor
from aeverify.core import Outcome, Rigor, Seed
from aeverify.core.report import Plot
from aeverify.errors import UsageError
from aeverify.figures import tradeoff_plot
from aeverify.manifolds import Manifold, manifold
from aeverify.pipeline import check

FIXTURES = Path(__file__).parents[2] / "fixtures"
SMALL = Effort(samples=1000, draws=2000, homology_samples=100)
NAMES = (
    "latent-homology-survives",
    "encoder-degree",
    "even-preimages",
    "encoder-blame",
    "tear-sweep",
    "tear-every-slice",
)
P, F, V, E, I = "PASS", "FAIL", "VACUOUS", "ERROR", "INCONCLUSIVE"  # noqa: E741
# fmt: off
EXPECTED = {
    # spec                 survives degree even blame sweep slice   what the diagnosis says
    "constant":             ((V, V, V, F, V, V), Behaviour.COLLAPSES, "K is collapsed to one code"),
    "constant:latent_dim=2": ((V, F, V, F, V, V), Behaviour.COLLAPSES, "K is collapsed to one code"),
    "collapsed":            ((V, V, V, P, V, V), Behaviour.COLLAPSES, "K is collapsed to one code, with errors up"),
    "cut:half_width=0.05":  ((V, V, P, P, P, V), Behaviour.TEARS, "K is torn at t = 0.5 (0.0982 of 6.283 units"),
    "cut:half_width=1e-09": ((V, V, P, P, P, V), Behaviour.TEARS, "K is torn at t = 0.5 (1.94e-09 of 6.283 units"),
    "fold:a=3,b=2":         ((V, V, P, F, V, V), Behaviour.FOLDS, "K is folded: a typical code belongs to 2 of its"),
    "double_wrap":          ((V, F, V, F, V, V), Behaviour.WRAPS, "K is wrapped twice round the hole of its codes"),
    "identity":             ((P, P, V, V, V, V), Behaviour.IDENTITY, "the model is the identity"),
    "spiral_arc":           ((V, V, V, V, V, V), Behaviour.RECONSTRUCTS, "K is reconstructed"),
    "label":                ((V, V, V, F, V, V), Behaviour.COLLAPSES, "each of the components 0 and 1 is collapsed"),
    "cut_two_circles":      ((V, V, P, P, P, V), Behaviour.TEARS, "each of the components 0 and 1 is torn at t = 0.5"),
    "shift:offset=0.5":     ((P, P, V, P, V, V), Behaviour.MISDECODES, "K is misdecoded: its codes are apart"),
    "nan":                  ((V, V, E, E, E, V), Behaviour.NON_FINITE, "the model returns NaN or infinity on K"),
    "atan2":                ((V, V, V, V, V, V), Behaviour.JUMPS, "the model jumps: it is not continuous (at t = "),
}
# fmt: on


def study(model: Autoencoder | str, space: Manifold | str) -> Study:
    """A study with small sample sizes."""
    return Study(oracle(model) if isinstance(model, str) else model, manifold(space), Seed(0), effort=SMALL)


@pytest.mark.parametrize("spec", EXPECTED)
def test_oracles_are_told_apart_by_claims_and_by_words(spec: str) -> None:
    """Double wrap, fold, cut, identity, collapse: each has its own outcomes, and its own sentence."""
    subject = oracle(spec)
    outcomes, behaviour, words = EXPECTED[spec]
    report = check(subject, subject.truth.manifold, claims=NAMES, effort=SMALL)
    assert {v.claim.id: str(v.outcome) for v in report.verdicts} == dict(zip(NAMES, outcomes, strict=True))
    subjects = study(subject, subject.truth.manifold)
    assert {d.behaviour for d in diagnose(subjects)} == {behaviour}
    assert describe(subjects).startswith(words)


def test_the_paper_network_is_torn_once_on_each_circle() -> None:
    """A trained model: a tear of less than 2 % of each circle, which sweeps it, and for half of whose error the encoder
    is to blame."""
    s = study(load(FIXTURES / "two_circles_paper_1.safetensors"), "two_circles")
    assert [d.behaviour for d in diagnose(s)] == [Behaviour.TEARS, Behaviour.TEARS]
    swept = claim("tear-sweep").check(s)
    assert (swept.outcome, swept.rigor) == (Outcome.PASS, Rigor.CERTIFIED)
    assert swept.threshold is not None and swept.threshold.lower >= 1.85
    blamed = claim("encoder-blame").configured({"share": 0.6}).check(s)
    assert (blamed.outcome, blamed.rigor) == (Outcome.PASS, Rigor.CERTIFIED)
    assert claim("even-preimages").check(s).outcome is Outcome.PASS


def test_the_trained_spiral_is_reconstructed() -> None:
    """An arc is not obstructed."""
    (found,) = diagnose(study(load(FIXTURES / "spiral_0.safetensors"), "spiral"))
    assert found.behaviour is Behaviour.RECONSTRUCTS


def test_a_torus_coded_by_one_number_is_torn_on_every_slice() -> None:
    """A network that was never trained: the theorem does not care."""
    verdict = (
        claim("tear-every-slice")
        .configured({"slices": 2})
        .check(study(mlp(3, 1, (8, 8), "relu", seed=0), "torus:R=2,r=0.5"))
    )
    assert (verdict.outcome, verdict.rigor) == (Outcome.PASS, Rigor.CERTIFIED)


def test_a_fold_of_a_surface_is_called_a_fold() -> None:
    """A sphere laid flat: two points a code, and errors of 1."""
    flat = Autoencoder.from_callables(
        lambda x: x[:, :2],
        lambda z: np.column_stack([z, 0 * z[:, 0]]),
        ambient_dim=3,
        latent_dim=2,
        continuous=True,
    )
    (found,) = diagnose(study(flat, "sphere"))
    assert found.behaviour is Behaviour.FOLDS and "belongs to 2 of its points" in found.words


def test_the_floor_of_a_constant_is_observed_and_bounded() -> None:
    """Exactly equal codes in float64 show nothing, so its lower end is EMPIRICAL: the rigor says so."""
    found = encoder_floor(study("constant", "circle"))
    assert found.rigor is Rigor.EMPIRICAL
    assert 0.999 <= found.lower <= 1.0 <= found.upper <= 1.02


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("latent-homology-survives", {"samples": -1}),
        ("encoder-degree", {"turns": -1}),
        ("encoder-blame", {"share": 0.0}),
        ("encoder-blame", {"share": 1.5}),
        ("tear-sweep", {"epsilon": 0.0}),
        ("tear-every-slice", {"slices": 0}),
    ],
)
def test_bad_parameters_are_refused(name: str, parameters: dict[str, object]) -> None:
    """Values out of range are usage errors."""
    with pytest.raises(UsageError):
        claim(name).configured(parameters)


def test_a_requirement_without_a_right_number_waits_to_be_named() -> None:
    """No share of blame is right for every model; the others apply where they say something."""
    circle = manifold("circle")
    assert [n for n in NAMES if CLAIMS[n].applies(circle, 1)] == ["even-preimages", "tear-sweep"]
    assert [n for n in NAMES if CLAIMS[n].applies(circle, 2)] == ["latent-homology-survives", "encoder-degree"]
    assert [n for n in NAMES if CLAIMS[n].applies(manifold("torus:R=2,r=0.5"), 1)] == ["tear-every-slice"]


def test_the_tradeoff_shades_what_is_forbidden_and_shows_the_model() -> None:
    """The model's point is outside of both shaded regions: below the width, and left of what its constant allows."""
    plot = tradeoff_plot(study("cut:half_width=0.05", "circle"), "x", 0.1)
    assert plot is not None and Plot.from_dict(plot.to_dict()).to_dict() == plot.to_dict()
    regions = [s for s in plot.series if s.style == "region"]
    (marker,) = [s for s in plot.series if s.style == "marker"]
    share, worst = marker.columns[0][0], marker.columns[1][0]
    assert len(regions) == 2
    assert worst > max(regions[0].columns[1]) == pytest.approx(1.0)
    below = [x for x, y in zip(*regions[1].columns, strict=True) if y >= worst]
    assert share > min(below)
    assert share == pytest.approx(0.0154, rel=0.03)
    assert plot.lines[0][0] == pytest.approx(1.894, abs=0.01)


def test_the_page_on_codes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of docs/latent.md prints a certified winding number of 2 first."""
    page = (Path(__file__).parents[3] / "docs" / "latent.md").read_text(encoding="utf-8")
    exec(compile(page.partition("```python\n")[2].partition("```")[0], "latent.md", "exec"), {})
    assert capsys.readouterr().out.startswith("winding_number in 2 (CERTIFIED)")


def test_no_tradeoff_is_drawn_where_there_is_none() -> None:
    """Arcs, and codes of two numbers."""
    assert tradeoff_plot(study("spiral_arc", "spiral"), "x", 0.1) is None
    assert tradeoff_plot(study("identity", "circle"), "x", 0.1) is None
