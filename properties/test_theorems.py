"""No theorem is ever violated, and none crashes: for every set and network drawn, random, adversarial or trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.claims import CLAIMS
from aeverify.core import Outcome
from aeverify.core.claim import ClaimKind
from aeverify.manifolds import manifold
from aeverify.pipeline import check
from aeverify.testing import describe
from properties.drawn import EFFORT, activations, closed_curves, hidden_layers, network, seeds

BRIEF = replace(EFFORT, samples=400, draws=400, enclosure_seconds=0.2)
THEOREMS = {name: each for name, each in CLAIMS.items() if each.claim.kind is ClaimKind.THEOREM}
Draw = Callable[..., Any]
WEIGHTS = st.sampled_from(["random", "adversarial", "trained"])
SPATIAL = st.sampled_from(["circle:radius=1,ambient_dim=3", "trefoil", "star:a=0.3,k=3,radius=1", "two_circles"])
ELSEWHERE: dict[str, tuple[st.SearchStrategy[str], int]] = {
    "order-preservation": (st.sampled_from(["spiral", "segment:length=1", "helix:radius=1,pitch=1,turns=1"]), 1),
    "completeness-obstruction": (
        st.sampled_from(["two_circles", 'union:parts=["circle:radius=1","ellipse:a=4,b=3"]']),
        1,
    ),
    "code-range-price": (st.sampled_from(["circle:radius=1", "spiral", "two_circles"]), 1),
    "latent-homology-survives": (SPATIAL, 2),
    "tear-every-slice": (st.sampled_from(["torus:R=2,r=1", "torus:R=3,r=1"]), 1),
    "latent-price": (st.sampled_from(["sphere", "torus:R=2,r=1"]), 1),
}
"""Sets and code dimensions of theorems that say nothing about closed curves and one code number."""


def named(name: str) -> str:
    """The id of the claim with those of the ledger."""
    return "-".join((name, *THEOREMS[name].claim.ledger))


def adversarial(model: ModuleAutoencoder, power: int) -> ModuleAutoencoder:
    """The network with weights 2^power times as large, and one unit of every layer dead."""
    parts = copy.deepcopy((model.encoder, model.decoder))
    for layer in (each for part in parts for each in part.modules() if isinstance(each, torch.nn.Linear)):
        with torch.no_grad():
            layer.weight.mul_(2.0**power)
            layer.weight[0] = 0.0
    return ModuleAutoencoder(*parts, name=f"adversarial, 2^{power}")


def violates_nothing(name: str, draw: Draw) -> None:
    """Draw a set and a network, and hold the verdict to be neither FAIL nor ERROR; a failure prints its replay line."""
    sets, latent_dim = ELSEWHERE.get(name, (closed_curves, 1))
    spec, seed = draw(sets, label="K"), draw(seeds, label="seed")
    hidden = () if name == "pca-floor" else draw(hidden_layers, label="hidden")
    activation, how = draw(activations, label="activation"), draw(WEIGHTS, label="weights")
    model = network(spec, hidden, activation, seed, 5 if how == "trained" else 0, latent_dim)
    if how == "adversarial":
        model = adversarial(model, draw(st.integers(-6, 6), label="power of 2"))
    space = manifold(spec)
    points = space.sample(64, seed)
    assert THEOREMS[name].applies(space, latent_dim) or name == "pca-floor"  # which is asked of points, not of a set
    for verdict in check(model, space, claims=[name], seed=seed, effort=BRIEF, training=points).verdicts:
        assert verdict.outcome not in (Outcome.FAIL, Outcome.ERROR), describe(verdict)


@pytest.mark.parametrize("name", THEOREMS, ids=named)
@settings(deadline=None, max_examples=2, derandomize=True)
@given(data=st.data())
def test_no_network_violates_a_theorem(name: str, data: st.DataObject):
    """For random, adversarial and trained weights."""
    violates_nothing(name, data.draw)


@pytest.mark.slow
@pytest.mark.parametrize("name", THEOREMS, ids=named)
@settings(deadline=None, max_examples=50, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_network_of_many_violates_a_theorem(name: str, data: st.DataObject):
    """The same with many draws."""
    violates_nothing(name, data.draw)
