"""What training a kind is said to do (ledger S-15, S-18, S-24, T-3, C-3), on trained models, with margins."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aeverify import measure
from aeverify.autoencoders.kinds import learn
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import recipe
from aeverify.core import Outcome
from aeverify.manifolds import manifold
from aeverify.pipeline import check
from properties.drawn import EFFORT, seeds

BRIEF = recipe("quick", steps=800, batch_size=50, learning_rate=1e-2)


@lru_cache(maxsize=64)
def learned(spec: str, on: str, latent_dim: int, seed: int) -> Autoencoder:
    """A model of that kind, with that many code numbers, of 500 draws."""
    points = manifold(on).sample(500, seed).points
    return learn(spec, points, BRIEF, seed, latent_dim=latent_dim)


@settings(deadline=None, max_examples=3, derandomize=True)
@given(a=st.floats(2.0, 4.0), seed=seeds)
def test_tied_and_untied_linear_autoencoders_agree(a: float, seed: int):
    """S-15, S-18: both decoders span the principal axis within the bound that their excess error gives, so that the two
    lines are no further apart than the sum of the bounds; neither error is below PCA's."""
    on = f"ellipse:a={a!r},b=1"
    points = manifold(on).sample(500, seed).points
    found = [measure.principal_angle(learned(spec, on, 1, seed), points) for spec in ("linear", "tied:hidden=[]")]
    for evidence in found:
        assert evidence.interval.upper <= 0.2
        assert evidence.interval.lower <= evidence.details["bound"]
        assert evidence.details["mean_squared_error"] >= evidence.details["floor"] * (1.0 - 1e-9)
    lines = [learned(spec, on, 1, seed).decode(np.array([[1.0], [0.0]])) for spec in ("linear", "tied:hidden=[]")]
    (u, v) = ((line[0] - line[1]) / np.linalg.norm(line[0] - line[1]) for line in lines)
    sine = abs(u[0] * v[1] - u[1] * v[0])
    assert sine <= sum(e.interval.upper for e in found)


@settings(deadline=None, max_examples=2, derandomize=True)
@given(seed=seeds)
def test_sparsity_rises_with_the_weight_of_the_penalty(seed: int):
    """T-3, S-24: more coordinates of the code are nearly zero where the weight is a hundred times as large."""
    row = [
        measure.sparse_share(
            learned(f"sparse:hidden=[24],weight={weight}", "ellipse:a=2,b=1", 8, seed),
            manifold("ellipse:a=2,b=1"),
            0.02,
            seed=seed,
            draws=20_000,
            alpha=1e-4,
        )
        for weight in ("1e-4", "1e-2", "1.0")
    ]
    assert measure.kendall_tau(row).lower > 0.3, [str(e.interval) for e in row]
    assert row[0].interval.upper < row[2].interval.lower


@settings(deadline=None, max_examples=2, derandomize=True)
@given(seed=seeds)
def test_a_contractive_encoder_stretches_less_than_a_plain_one(seed: int):
    """C-3: the mean penalty over K is smaller, and nowhere is the local Lipschitz constant above the penalty's root."""
    space = manifold("circle")
    plain, contractive = (
        measure.stretched_share(learned(spec, "circle", 2, seed), space, 10.0, seed=seed, draws=2000).details
        for spec in ("undercomplete:hidden=[24]", "contractive:hidden=[24],weight=0.3")
    )
    assert contractive["mean_penalty"] < 0.5 * plain["mean_penalty"]
    for found in (plain, contractive):
        assert found["largest_operator_norm"] <= found["largest_frobenius_norm"] * (1.0 + 1e-9)


@settings(deadline=None, max_examples=2, derandomize=True)
@given(seed=seeds)
def test_a_one_dimensional_code_beats_pca_on_the_spiral(seed: int):
    """T-13: a trained network follows the arc, which no line does."""
    model = learned("undercomplete:hidden=[64,64]", "spiral", 1, seed)
    report = check(model, "spiral", claims=["beats-pca"], seed=seed, effort=EFFORT)
    assert report.outcome is Outcome.PASS, report.verdicts


@settings(deadline=None, max_examples=2, derandomize=True)
@given(seed=seeds, kind=st.sampled_from(["denoising:hidden=[24]", "masked:hidden=[24]", "variational:hidden=[24]"]))
def test_every_kind_obeys_theorem_1(seed: int, kind: str):
    """K-10, V-11, S-24: a regulariser changes the weights, and the theorem holds for all weights."""
    model = learned(kind, "circle", 1, seed)
    report = check(model, "circle", claims=["theorem-1"], seed=seed, effort=EFFORT)
    assert report.outcome is Outcome.PASS, report.verdicts
