from __future__ import annotations

import math

import numpy as np
import pytest

from aeverify import measure
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder, Continuity, Part
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def sup(lower: float, upper: float) -> Evidence:
    """An enclosure of the worst error by hand."""
    return Evidence("sup_error", Interval(lower, upper), Rigor.CERTIFIED, "by hand")


class Shrunk(Autoencoder):
    """The identity through codes a thousand times smaller, whose decoder declares a constant."""

    def __init__(self, declared: float) -> None:
        super().__init__("shrunk", 2, 2)
        self.declared = declared

    continuity = Continuity.KNOWN

    def fingerprint(self) -> str:
        return f"shrunk {self.declared}"

    def _encode(self, points: np.ndarray) -> np.ndarray:
        return points * 2.0**-10

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        return codes * 2.0**10

    def encode_balls(self, point):
        return [x * 2**-10 for x in point]

    def reconstruct_balls(self, point):
        return list(point)

    def lipschitz(self, part: Part) -> Evidence | None:
        bound = {Part.ENCODER: 2.0**-10, Part.DECODER: self.declared, Part.RECONSTRUCTION: 1.0}[part]
        return Evidence("lipschitz_constant", Interval(0.0, bound), Rigor.CERTIFIED, "declared")


@pytest.mark.parametrize(("name", "classes"), [("identity", 1), ("double_wrap", 1), ("constant:latent_dim=2", 0)])
def test_long_bars_are_features_of_the_offsets(circle, name, classes):
    """The image of the identity and of the double wrap is the unit circle, whose offsets have one class up to 1."""
    found = measure.latent_features(oracle(name), circle)
    assert (found.lower, found.upper, found.rigor) == (classes, math.inf, Rigor.CERTIFIED)
    assert all(0.98 <= d <= 1.0 for _, _, d in found.details["windows"])


def test_a_torus_has_three_features():
    """b_1 = 2 and b_2 = 1 of the torus, whose code is itself."""
    found = measure.latent_features(oracle("identity:ambient_dim=3"), manifold("torus:R=2,r=0.7"))
    assert found.lower == 3.0


def test_a_short_bar_is_no_feature(circle):
    """With 6 points every code is half a side away or more, which is longer than the hexagon's bar [1/2, 1)."""
    assert measure.latent_features(oracle("identity"), circle, nodes=5).lower == 0.0


def test_nothing_is_known_between_the_codes_of_an_opaque_model(circle):
    """Without ranges and constants the count is the trivial 0."""
    model = Autoencoder.from_callables(lambda x: x, lambda z: z, ambient_dim=2, latent_dim=2, continuous=True)
    assert measure.latent_features(model, circle).lower == 0.0


def test_a_small_error_forces_the_class_of_the_circle(circle):
    """The identity has to show the class up to radius (1 - error) / 1, and does."""
    found = measure.surviving_classes(oracle("identity"), circle, 0, sup(0.0, 0.01))
    assert (found.required, found.forced) == (1, True)
    assert (found.count.lower, found.count.upper, found.count.rigor) == (1.0, 1.0, Rigor.CERTIFIED)
    assert 0.98 <= found.alive_after <= 1.0


def test_a_false_constant_is_refuted_by_the_barcode(circle):
    """Codes on a circle of radius 2^-10 lose their class there; with L_D = 1, which is false, it would have to live
    beyond 1/2; with the true L_D = 2^10 it need not."""
    honest = measure.surviving_classes(Shrunk(2.0**10), circle, 0, sup(0.0, 0.01))
    assert (honest.forced, honest.count.lower) == (True, 1.0)
    false = measure.surviving_classes(Shrunk(1.0), circle, 0, sup(0.0, 0.01))
    assert (false.forced, false.count.upper) == (True, 0.0)


def test_a_large_error_forces_nothing(circle):
    """An error of at least the feature size, an unknown one, and an unknown constant."""
    assert measure.surviving_classes(oracle("double_wrap"), circle, 0, sup(1.0, 1.1)).forced is False
    model = Autoencoder.from_callables(lambda x: x, lambda z: z, ambient_dim=2, latent_dim=2, continuous=True)
    assert measure.surviving_classes(model, circle, 0, sup(0.5, math.inf)).forced is None
    assert measure.surviving_classes(model, circle, 0, sup(0.0, 0.1)).forced is None


@pytest.mark.parametrize(("name", "least"), [("identity", 1.0), ("constant:latent_dim=2", 0.0)])
def test_confidence_sets_are_statistical_and_say_that_they_are_asymptotic(circle, name, least):
    """One bar of the circle exceeds the band of 2,000 draws; a point has none."""
    found = measure.latent_features_confidence(oracle(name), circle, subsamples=40)
    assert (found.lower, found.rigor, found.confidence) == (least, Rigor.STATISTICAL, 0.95)
    assert found.assumptions == ("The number of draws is large: the confidence is asymptotic.",)


def test_bad_input_is_refused(circle):
    """Codes beyond alpha complexes, no nodes, too few draws."""
    with pytest.raises(UsageError, match="alpha"):
        measure.latent_features(oracle("identity:ambient_dim=5"), manifold("circle:ambient_dim=5"))
    with pytest.raises(UsageError):
        measure.latent_features(oracle("identity"), circle, nodes=0)
    with pytest.raises(UsageError):
        measure.latent_features_confidence(oracle("identity"), circle, draws=10)
