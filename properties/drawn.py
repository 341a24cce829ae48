"""What the properties draw: specs of closed curves and of networks, plain parameters that rebuild a failure."""

from __future__ import annotations

from functools import lru_cache

from hypothesis import strategies as st

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.training import train
from aeverify.claims import Effort
from aeverify.manifolds import manifold
from aeverify.strategies import curves

EFFORT = Effort(samples=1000, draws=1000, homology_samples=60)

# Curves whose truth is a closed form, so that each example is quick: circles and ellipses, scaled, moved and included.
closed_curves = curves(closed=True, components=1, max_reach_ratio=4.5).map(str)
activations = st.sampled_from(["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "silu"])
hidden_layers = st.lists(st.integers(1, 24), min_size=1, max_size=3).map(tuple)
seeds = st.integers(0, 2**31)


@lru_cache(maxsize=256)
def network(
    spec: str, hidden: tuple[int, ...], activation: str, seed: int, epochs: int, latent_dim: int = 1
) -> ModuleAutoencoder:
    """A network for the set of that spec with a code of that dimension, trained for some epochs (0: as drawn)."""
    space = manifold(spec)
    shape = Architecture(space.ambient_dim, latent_dim, hidden, activation)
    if epochs:
        from aeverify.autoencoders.recipes import recipe

        points = space.sample(64, seed).points
        result = train(shape, points, recipe("quick", epochs=epochs, batch_size=32), seed, device="cpu")
        if result.model is not None:
            return result.model
    encoder, decoder = shape.build(seed)
    return ModuleAutoencoder(encoder, decoder, name=f"untrained {shape}")
