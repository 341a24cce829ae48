"""The floors under the bad set, the mean square and the Lipschitz constant, against closed forms."""

from __future__ import annotations

import math

import pytest

import aeverify
from aeverify.autoencoders.oracles import oracle
from aeverify.claims import CLAIMS, Effort, Study, claim
from aeverify.claims.latent_price import latent_price
from aeverify.claims.mse_floor import square_integral_lower
from aeverify.claims.retracing import retracing_floor, uncounted_floor
from aeverify.claims.volumes import ball_radius_upper, ball_volume_lower, ball_volume_upper
from aeverify.core import Outcome, Rigor, Seed
from aeverify.errors import UsageError
from aeverify.manifolds import manifold

SMALL = Effort(samples=2000, draws=20_000, homology_samples=100)


def volume_within(dimension: int, chord: float) -> float:
    """Volume of the unit k-sphere within a chord of a point, k = 1, 2, 3."""
    angle = 2 * math.asin(min(chord, 2.0) / 2)
    return {1: 2 * angle, 2: math.pi * chord**2, 3: 2 * math.pi * (angle - math.sin(angle) * math.cos(angle))}[
        dimension
    ]


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("radius", [0.01, 0.2, 0.7, 0.99])
def test_ball_volumes_on_spheres_are_bounded_from_both_sides(dimension: int, radius: float):
    """The unit sphere has reach 1; the upper bound is about any point of space, so about one of the sphere too."""
    true = volume_within(dimension, radius)
    assert ball_volume_lower(dimension, 1.0, radius) <= true <= ball_volume_upper(dimension, 1.0, radius)


def test_the_lower_bound_is_that_of_the_sphere_in_path_distance():
    """On the unit 3-sphere a geodesic ball of radius r has volume 2 pi (r - sin r cos r): the bound up to 0.2 %."""
    true = 2 * math.pi * (0.5 - math.sin(0.5) * math.cos(0.5))
    assert 0.998 * true <= ball_volume_lower(3, 1.0, 0.5) <= true
    assert ball_volume_lower(3, 1.0, 100.0) <= 2 * math.pi**2


def test_nothing_is_known_from_above_beyond_the_reach():
    """A ball as large as the reach may hold anything."""
    assert ball_volume_upper(2, 1.0, 1.0) == math.inf


def test_the_radius_of_a_volume_is_rounded_up():
    """For a curve half the length; inf where no ball is that large."""
    assert 0.5 <= ball_radius_upper(1, 1.0, 1.0) <= 0.5 + 1e-9
    assert ball_radius_upper(2, 1.0, 4 * math.pi) == math.inf


def test_the_mean_square_of_the_circle():
    """MSE >= 1 / (3 pi (L + 1)) on the unit circle, so that 1e-4 takes L >= 1060."""
    floor = square_integral_lower(1, 1.0, 1.0, 1060.0) / (2 * math.pi)
    assert floor == pytest.approx(1e-4, rel=1e-3)


def test_the_square_integral_over_a_sphere_is_its_layer_cake():
    """For small radii v = pi r^2, so the integral is pi B^4 / (6 (L + 1)^2): from below, within 2 %."""
    flat = math.pi / (6 * 101.0**2)
    assert 0.98 * flat <= square_integral_lower(2, 1.0, 1.0, 100.0) <= flat


def test_retracing_is_nearly_attained_by_a_linear_tear():
    """Half width d: L = pi / d - 1 and the tear has length 2 d; at d = 0.1 and epsilon = 0.01 the floor is 0.1918."""
    steep = math.pi / 0.1 - 1
    floor = retracing_floor(2 * math.pi, 1.0, steep, 0.01, 1)
    assert floor == pytest.approx(0.1918, abs=2e-3)
    assert floor <= 0.1994
    assert 0 < uncounted_floor(2 * math.pi, 1.0, steep, 0.01) < floor


def test_more_arcs_and_steeper_maps_lower_the_floor():
    """It falls to zero and not below."""
    floors = [retracing_floor(6.28, 1.0, 100.0, 0.01, n) for n in (1, 10, 100, 1000)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == 0.0


def test_the_price_of_a_code_that_is_too_small_grows_as_the_error_falls():
    """A surface coded by one number: L grows like 1 / epsilon; nothing good costs nothing."""
    volume = 4 * math.pi
    prices = [latent_price(1, 2.0, volume, ball_volume_upper(2, 1.0, 2 * e), e) for e in (0.02, 0.01, 0.005)]
    assert prices[2] / prices[1] == pytest.approx(2.0, rel=0.05)
    assert prices[1] / prices[0] == pytest.approx(2.0, rel=0.05)
    assert latent_price(1, 2.0, 0.0, 1.0, 0.1) == 0.0


def judged(name: str, spec: str, space: str = "circle", **parameters: float):
    """The verdict of one claim on an oracle."""
    return claim(name).configured(parameters).check(Study(oracle(spec), manifold(space), Seed(0), effort=SMALL))


def test_the_joint_report_shows_both_numbers_and_why():
    """The share, the constant, the price and the reason stand in one message."""
    found = judged("lipschitz-price", "cut:half_width=0.05")
    assert found.outcome is Outcome.PASS
    assert {e.quantity for e in (found.evidence, *found.supporting)} >= {"lipschitz_constant", "bad_set_measure"}
    assert "no evidence that the latent dimension is right" in found.message
    assert "Share of K" in found.message


@pytest.mark.parametrize("width", [0.2, 0.05, 0.01])
def test_the_price_rises_as_the_bad_set_shrinks(width: float):
    """It never exceeds the constant pi / d - 1 that the tear really has, and is at least a quarter of it."""
    found = judged("lipschitz-price", f"cut:half_width={width}", eta=0.9)
    true = math.pi / width - 1
    assert 0.1 * true < found.threshold.lower <= true


def test_thick_set_knows_three_dimensions():
    """The floor of a 3-sphere is positive, where it was not offered before."""
    assert claim("thick-set").applies(manifold("sphere:dim=3,radius=1"), 3)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("error-bound", {"epsilon": -1.0}),
        ("error-bound", {"delta": 1.0}),
        ("lipschitz-price", {"eta": 0.0}),
        ("retracing", {"epsilon": math.inf}),
        ("latent-price", {"epsilon": 0.0}),
        ("latent-separation", {"gap": -1.0}),
        ("latent-separation", {"gap": math.nan}),
        ("injectivity-gap", {"rho": 0.0}),
        ("injectivity-gap", {"gap": -0.1}),
    ],
)
def test_bad_parameters_are_refused(name: str, parameters: dict[str, float]):
    """Values out of range are usage errors."""
    with pytest.raises(UsageError):
        claim(name).configured(parameters)


def test_claims_that_need_numbers_or_layers_wait_to_be_named():
    """Nobody but the user knows what error is small enough; a model of two callables has no layers to enclose."""
    circle = manifold("circle")
    waiting = {name for name, check in CLAIMS.items() if check.applies(circle, 1) and not check.chosen(circle, 1)}
    assert waiting >= {"error-bound", "mse-floor", "retracing", "injectivity-gap"}
    assert claim("latent-separation").by_name_only and claim("latent-price").by_name_only


def test_a_collapsed_code_is_refuted_by_a_pair_where_balls_are_missing():
    """A residual encoder has no ball arithmetic here, so boxes cannot bound the distance from above; a pair can."""
    import torch
    from torch import nn

    from aeverify.autoencoders.blocks import Residual

    dead, decoder = nn.Linear(2, 1), nn.Linear(1, 2)
    with torch.no_grad():
        dead.weight.zero_()
    model = aeverify.Autoencoder.from_modules(
        nn.Sequential(Residual(nn.Linear(2, 2)), dead), decoder, ambient_dim=2, latent_dim=1
    )
    effort = Effort(samples=500, draws=500, enclosure_seconds=0.3)
    report = aeverify.check(model, "circle:radius=1", claims={"injectivity-gap": {"rho": 0.25}}, effort=effort)
    (verdict,) = report.verdicts
    assert (verdict.outcome, verdict.rigor) == (Outcome.FAIL, Rigor.EMPIRICAL)
    assert verdict.witness is not None and len(verdict.witness.points) == 2
