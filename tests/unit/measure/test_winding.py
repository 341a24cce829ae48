from __future__ import annotations

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Evidence, Rigor
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import manifold


def wrapped(times: int) -> Autoencoder:
    """Opaque functions that wrap the unit circle `times` times round a latent circle."""

    def encode(x: np.ndarray) -> np.ndarray:
        angle = times * np.arctan2(x[:, 1], x[:, 0])
        return np.column_stack([np.cos(angle), np.sin(angle)])

    return Autoencoder.from_callables(encode, lambda z: 0 * z, ambient_dim=2, latent_dim=2, continuous=True)


@pytest.mark.parametrize(("name", "turns"), [("identity", 1), ("shift:offset=0.5", 1), ("double_wrap", 2)])
def test_windings_of_oracles_are_certified(circle, name, turns):
    """The double wrap has a perfect circle for its codes; its winding number is 2 all the same."""
    found = measure.winding_number(oracle(name), circle)
    assert (found.lower, found.upper, found.rigor) == (turns, turns, Rigor.CERTIFIED)
    assert Evidence.from_dict(found.to_dict()) == found


@pytest.mark.parametrize("times", [-2, 1, 3])
def test_windings_of_opaque_models_are_observed(circle, times):
    """Where nothing can be enclosed the angles between samples are added up."""
    found = measure.winding_number(wrapped(times), circle)
    assert (found.lower, found.rigor, found.details["signed"]) == (abs(times), Rigor.EMPIRICAL, times)
    assert found.assumptions == ("The encoder is continuous.",)


def test_codes_wind_about_nothing_outside(circle):
    """About a far point the number is a certified 0."""
    found = measure.winding_number(oracle("double_wrap"), circle, about=(5.0, 5.0))
    assert (found.lower, found.rigor) == (0.0, Rigor.CERTIFIED)


def test_one_code_winds_about_nothing(circle):
    """No hole is found, which a finer grid might contradict: EMPIRICAL."""
    found = measure.winding_number(oracle("constant:latent_dim=2"), circle)
    assert (found.lower, found.upper, found.rigor) == (0.0, 0.0, Rigor.EMPIRICAL)


@pytest.mark.parametrize(("seed", "activation"), [(0, "relu"), (1, "tanh")])
def test_networks_have_certified_windings(circle, seed, activation):
    """The certified integer is that of a fine sample."""
    model = mlp(2, 2, (16, 16), activation, seed=seed)
    found = measure.winding_number(model, circle)
    codes = model.encode(circle.grid(20_000).points) - np.array(found.details["about"])
    z = codes[:, 0] + 1j * codes[:, 1]
    assert found.rigor is Rigor.CERTIFIED
    assert round(np.angle(np.roll(z, -1) / z).sum() / (2 * np.pi)) == found.details["signed"]


def test_coordinate_circles_of_a_surface_are_loops():
    """Leaving out z, the parallel circles of a torus wind once about the axis and the meridians not at all."""
    torus = manifold("torus:R=2,r=0.5")
    model = Autoencoder.from_callables(
        lambda x: x[:, :2], lambda z: np.column_stack([z, 0 * z[:, 0]]), ambient_dim=3, latent_dim=2, continuous=True
    )
    assert measure.winding_number(model, torus, axis=0, about=(0.0, 0.0)).lower == 1.0
    assert measure.winding_number(model, torus, axis=1, at=(0.1, 0.0), about=(0.0, 0.0)).lower == 0.0


def test_bad_input_is_refused(circle):
    """Codes on a line, open curves, unknown components and NaN."""
    with pytest.raises(UsageError, match="2 numbers"):
        measure.winding_number(oracle("cut"), circle)
    with pytest.raises(UsageError, match="components"):
        measure.winding_number(oracle("identity"), circle, 1)
    with pytest.raises(UsageError, match="round a loop"):
        measure.winding_number(oracle("identity"), manifold("spiral"))
    nan = Autoencoder.from_callables(lambda x: x * np.nan, lambda z: z, ambient_dim=2, latent_dim=2)
    with pytest.raises(NonFiniteOutputError):
        measure.winding_number(nan, circle)
