"""Models: the strategies that draw architectures of networks, networks and oracles, and recipes to train by."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.recipes import RECIPES, Recipe
from aeverify.core.dimensions import require_latent_dim, require_positive
from aeverify.core.spec import Spec
from aeverify.strategies.parts import Draw, drawn_seed
from aeverify.strategies.specs import NetworkSpec, OracleSpec


def networks(
    ambient_dim: int | None = None, latent_dim: int | None = None, max_width: int = 24, max_depth: int = 3
) -> st.SearchStrategy[Architecture]:
    """Architectures of fully connected autoencoders with every activation of the registry.

    Args:
        ambient_dim: n; left out, from 2 (or latent_dim) to 6.
        latent_dim: m; left out, from 1 to n.
        max_width, max_depth: of the encoder's hidden layers.

    Raises:
        UsageError: not 1 <= latent_dim <= ambient_dim, or a bound is not positive.
    """
    width, depth = require_positive(max_width, "max_width"), require_positive(max_depth, "max_depth")
    if latent_dim is not None:
        require_latent_dim(latent_dim, latent_dim if ambient_dim is None else ambient_dim)
    elif ambient_dim is not None:
        require_positive(ambient_dim, "ambient_dim")

    @st.composite
    def draw_network(draw: Draw) -> Architecture:
        least = max(2, latent_dim or 1)
        n = draw(st.integers(least, max(6, least))) if ambient_dim is None else ambient_dim
        m = draw(st.integers(1, n)) if latent_dim is None else latent_dim
        hidden = draw(st.lists(st.integers(1, width), min_size=1, max_size=depth))
        return Architecture(n, m, tuple(hidden), draw(st.sampled_from(tuple(ACTIVATIONS))))

    return draw_network()


def _fractions(most: float) -> st.SearchStrategy[float]:
    return st.integers(1, 99).map(lambda k: most * k / 100)


_RADII = st.integers(1, 40).map(lambda k: k / 4)
_SEMI_AXES = st.integers(4, 40).map(lambda k: k / 4)
_HALF_WIDTHS = _fractions(math.pi)
# Oracles that are what they declare to be; the mutants are for the tests of the claims. (n, m) of each.
_ORACLES: dict[str, tuple[tuple[int, int], dict[str, st.SearchStrategy[Any]]]] = {
    "constant": ((2, 1), {"radius": _RADII}),
    "cut": ((2, 1), {"half_width": _HALF_WIDTHS, "radius": _RADII}),
    "fold": ((2, 1), {"a": _SEMI_AXES, "b": _fractions(1.0)}),
    "double_wrap": ((2, 2), {"radius": _RADII}),
    "identity": ((2, 2), {}),
    "spiral_arc": ((2, 1), {}),
    "label": ((3, 1), {}),
    "cut_two_circles": ((3, 1), {"half_width": _HALF_WIDTHS}),
}


def autoencoders(
    ambient_dim: int | None = None, latent_dim: int | None = None
) -> st.SearchStrategy[OracleSpec | NetworkSpec]:
    """Specifications of models: untrained networks with a seed, and oracles of which the truth is known.

    Networks take any dimensions; oracles are drawn where they have those that are asked for.

    Raises:
        UsageError: not 1 <= latent_dim <= ambient_dim.
    """
    plain = networks(ambient_dim, latent_dim)
    known = [
        (name, parameters)
        for name, (dims, parameters) in _ORACLES.items()
        if ambient_dim in (None, dims[0]) and latent_dim in (None, dims[1])
    ]

    @st.composite
    def draw_model(draw: Draw) -> OracleSpec | NetworkSpec:
        # The network first, so that no oracle is a shorter draw: what fails for every model shrinks to a network.
        network = NetworkSpec(draw(plain), drawn_seed(draw))
        choice = draw(st.integers(0, 2 * len(known))) - len(known) if known else 0
        if choice <= 0:
            return network
        name, parameters = known[choice - 1]
        return OracleSpec(str(Spec(name, draw(st.fixed_dictionaries(parameters)))))

    return draw_model()


def recipes(max_epochs: int = 50) -> st.SearchStrategy[Recipe]:
    """Training recipes: the named ones with settings replaced, at most `max_epochs` epochs long.

    Raises:
        UsageError: max_epochs is not a positive integer.
    """
    epochs = require_positive(max_epochs, "max_epochs")

    def adapted(name: str, changes: dict[str, Any]) -> Recipe:
        return RECIPES[name].adapted(**changes)

    changes = st.fixed_dictionaries(
        {
            "epochs": st.integers(1, epochs),
            "batch_size": st.integers(1, 64),
            "learning_rate": st.sampled_from((1e-3, 1e-4, 1e-2, 3e-3)),
            "optimizer": st.sampled_from(("adam", "rmsprop")),
            "schedule": st.sampled_from(("constant", "cosine")),
            "warmup": st.sampled_from((0.0, 0.1, 0.5)),
            "shuffle": st.sampled_from((True, False)),
        }
    )
    return st.builds(adapted, st.sampled_from(("paper", "quick", "default", "spiral", "narrow")), changes)
