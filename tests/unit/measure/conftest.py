from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.manifolds import Manifold, manifold


@pytest.fixture(scope="session")
def circle() -> Manifold:
    """The unit circle in the plane."""
    return manifold("circle")


@pytest.fixture(scope="session")
def rotated_cut() -> Callable[..., Autoencoder]:
    """A cut map of the unit circle whose tear is at an angle that no grid hits, as opaque functions."""

    def build(half_width: float, angle: float = 2.3, continuous: bool | None = None) -> Autoencoder:
        cut = oracle(f"cut:half_width={half_width!r}")
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        return Autoencoder.from_callables(
            lambda x: cut.encode(x @ turn),
            lambda z: cut.decode(z) @ turn.T,
            ambient_dim=2,
            latent_dim=1,
            continuous=continuous,
        )

    return build


@pytest.fixture(scope="session")
def off_center() -> Callable[[float], Autoencoder]:
    """Every point of the plane is sent to (c, 0): on the unit circle e^2 = 1 + c^2 - 2 c cos."""

    def build(c: float) -> Autoencoder:
        return Autoencoder.from_callables(
            lambda x: x[:, :1] * 0.0,
            lambda z: np.broadcast_to(np.array([c, 0.0]), (len(z), 2)),
            ambient_dim=2,
            latent_dim=1,
            continuous=True,
        )

    return build
