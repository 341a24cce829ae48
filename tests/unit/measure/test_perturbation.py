"""Noise and masks on a segment and on a circle, against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Evidence
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.manifolds import Manifold, manifold

SMALL = {"draws": 20_000, "alpha": 1e-6}


@pytest.fixture(scope="module")
def segment() -> Manifold:
    """[0, 1] x {0}."""
    return manifold("segment")


@pytest.fixture(scope="module")
def projection() -> Autoencoder:
    """(x, y) to (x, 0): the affine autoencoder that is perfect on the segment."""
    return oracle("fold")


def test_noise_after_projection_is_one_dimensional(segment: Manifold, projection: Autoencoder):
    """The error is s |xi_1|, so it exceeds 2 s with probability 2 (1 - Phi(2))."""
    found = measure.noisy_bad_share(projection, segment, 0.2, 0.1, **SMALL)
    assert 2 * norm.sf(2.0) in found.interval
    assert found.interval.width < 0.02


def test_a_hidden_first_coordinate_costs_its_value(segment: Manifold, projection: Autoencoder):
    """x_1 is hidden with probability 0.3 and then the error is x_1, uniform: 0.3 (1 - 0.6) exceed 0.6."""
    found = measure.masked_bad_share(projection, segment, 0.6, 0.3, **SMALL)
    assert 0.12 in found.interval
    assert found.interval.width < 0.05


def test_a_fill_value_replaces_what_is_hidden(segment: Manifold, projection: Autoencoder):
    """With fill 0.5 the error is |x_1 - 0.5|, or 0: 0.3 times 0.4 exceed 0.3."""
    found = measure.masked_bad_share(projection, segment, 0.3, 0.3, fill=0.5, **SMALL)
    assert 0.12 in found.interval


def test_copies_of_a_projection(segment: Manifold, projection: Autoencoder):
    """The ratio is |sin| of the noise's direction, uniform: at most r with probability (2/pi) arcsin r."""
    found = measure.copy_share(projection, segment, 0.1, 0.5, **SMALL)
    assert 2 / math.pi * math.asin(0.5) in found.interval
    assert found.details["median_copy_ratio"] == pytest.approx(math.sin(math.pi / 4), abs=0.02)


def test_the_identity_copies_and_never_wins(circle: Manifold):
    """Ratio 0 and a tie, always: certainly a copy, certainly no denoising."""
    same = oracle("identity")
    assert measure.copy_share(same, circle, 0.1, **SMALL).details["count"] == 20_000
    wins = measure.denoising_share(same, circle, 0.1, **SMALL)
    assert (wins.details["count"], wins.details.get("within_rounding")) == (0, None)


def test_a_projection_wins_nearly_always(segment: Manifold, projection: Autoencoder):
    """|xi_1| < (1 - margin) |xi|: with margin 1 - cos(1) all but the directions within 1 of the first axis, 2/pi."""
    assert measure.denoising_share(projection, segment, 0.1, **SMALL).interval.lower > 0.99
    found = measure.denoising_share(projection, segment, 0.1, 1 - math.cos(1.0), **SMALL)
    assert 1 - 2 / math.pi in found.interval


def test_the_witness_shows_the_clean_and_the_disturbed_point(circle: Manifold):
    """The first point lies on the circle, the second does not, and both are evaluated again as they were."""
    found = measure.noisy_bad_share(oracle("cut:half_width=0.05"), circle, 0.2, 0.1, draws=500)
    assert found.witness is not None
    clean, noisy = found.witness.points
    assert np.hypot(*clean.point) == pytest.approx(1.0, abs=1e-12)
    error = np.linalg.norm(np.subtract(noisy.reconstruction, clean.point))
    assert error == pytest.approx(found.details["largest_error"], rel=1e-9)
    assert measure.reevaluate(oracle("cut:half_width=0.05"), circle, found.witness) == found.witness


@pytest.mark.parametrize(
    "call",
    [
        lambda ae, k: measure.noisy_bad_share(ae, k, 0.1, 0.0),
        lambda ae, k: measure.noisy_bad_share(ae, k, -1.0, 0.1),
        lambda ae, k: measure.masked_bad_share(ae, k, 0.1, 1.0),
        lambda ae, k: measure.masked_bad_share(ae, k, 0.1, 0.5, fill=math.inf),
        lambda ae, k: measure.copy_share(ae, k, 0.1, 1.0),
        lambda ae, k: measure.denoising_share(ae, k, 0.1, 0.0),
        lambda ae, k: measure.noisy_bad_share(ae, k, 0.1, 0.1, draws=0),
        lambda ae, k: measure.noisy_bad_share(ae, k, 0.1, 0.1, alpha=1.0),
    ],
)
def test_unusable_numbers_are_refused(call: Callable[[Autoencoder, Manifold], Evidence], circle: Manifold):
    """Each says what was expected."""
    with pytest.raises(UsageError):
        call(oracle("identity"), circle)


def test_infinity_off_the_set_is_an_error(circle: Manifold):
    """A model that is finite on K alone is not robust: the measurement ends with the point."""
    model = Autoencoder.from_callables(
        lambda x: np.where(np.hypot(*x.T) > 1.2, np.inf, x[:, 0])[:, None],
        lambda z: np.column_stack([z[:, 0], 0 * z[:, 0]]),
        ambient_dim=2,
        latent_dim=1,
    )
    with pytest.raises(NonFiniteOutputError):
        measure.noisy_bad_share(model, circle, 0.1, 0.5, draws=1000)
