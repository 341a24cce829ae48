from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from flint import arb, arb_mat, ctx

from aeverify.autoencoders.building import activation_module, from_architecture, paper_network
from aeverify.autoencoders.layers import ACTIVATIONS, Affine, Pointwise
from aeverify.autoencoders.lipschitz import lipschitz_evidence, lipschitz_upper, operator_norm_upper
from aeverify.autoencoders.protocol import Part
from aeverify.core.evidence import Rigor


def affine(weight: np.ndarray) -> Affine:
    return Affine(np.asarray(weight, dtype=np.float64), np.zeros(len(weight)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (3, 128), (128, 128), (40, 7)])
def test_the_operator_norm_bound_is_above_and_near(shape: tuple[int, int]) -> None:
    """Above the singular value of LAPACK (up to its own rounding), by less than 0.01 %."""
    w = np.random.default_rng(sum(shape)).normal(size=shape)
    true = float(np.linalg.norm(w, 2))
    assert true * (1 - 1e-13) <= operator_norm_upper(w) <= true * 1.0001


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e-150, 1.0, 1e150, 1e300])
def test_scales_far_from_one_neither_overflow_nor_vanish(scale: float) -> None:
    """diag(2, 1) s has norm 2 s at every scale of float64; below the normal range the bound is coarse but above."""
    bound = operator_norm_upper(np.diag([2.0, 1.0]) * scale)
    top = 2.0 * scale
    assert top <= bound
    assert bound <= top * 1.0001 + 1e-321


def test_exact_in_ball_arithmetic() -> None:
    """bound^2 I - W^T W is positive definite, certified by a Cholesky factorisation in ball arithmetic."""
    w = np.random.default_rng(4).normal(size=(6, 4))
    bound = operator_norm_upper(w)
    with ctx.workprec(256):
        matrix = arb_mat(w.tolist())
        rest = arb(bound) ** 2 * arb_mat([[int(i == j) for j in range(4)] for i in range(4)])
        rest = rest - matrix.transpose() * matrix
        a = rest.tolist()
        for k in range(4):
            pivot = a[k][k]
            assert pivot > 0
            for i in range(k + 1, 4):
                factor = a[i][k] / pivot
                for j in range(4):
                    a[i][j] = a[i][j] - factor * a[k][j]


def test_orthonormal_columns_have_a_bound_of_one() -> None:
    """Within a dozen units in the last place, where the power bound would be 1e-5 off."""
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(50, 20)))[0]
    assert 1.0 - 1e-15 <= operator_norm_upper(q) <= 1.0 + 1e-12


def test_zero_and_non_finite_matrices() -> None:
    """0 for the zero matrix, infinity where nothing is known."""
    assert operator_norm_upper(np.zeros((3, 2))) == 0.0
    assert math.inf == operator_norm_upper(np.array([[math.nan, 1.0]]))
    assert math.inf == operator_norm_upper(np.array([[math.inf, 1.0]]))


def test_consecutive_affine_maps_are_multiplied_out() -> None:
    """Two projections that annihilate each other have the constant 0, not 1."""
    p, q = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    assert lipschitz_upper((affine(p), affine(q))) <= 1e-12
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert 1.0 <= lipschitz_upper((affine(rotation), affine(rotation), affine(rotation))) <= 1.0 + 1e-12


def test_a_cancelling_product_keeps_its_rounding() -> None:
    """A product that rounds to zero is not taken for zero: the pad covers the true product."""
    tiny = 2.0**-53
    left, right = np.array([[1.0, -1.0]]), np.array([[1.0 + 2 * tiny], [1.0]])
    assert lipschitz_upper((affine(right), affine(left))) >= 2 * tiny
    with ctx.workprec(200):
        chain = [np.array([[1.0, 2.0**-60]]), np.array([[1.0], [2.0**-60]])]
        exact = 1 + arb(2) ** -120
        assert arb(lipschitz_upper((affine(chain[1]), affine(chain[0])))) >= exact


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activation_constants_are_sharp_upper_bounds(name: str) -> None:
    """No slope of the activation exceeds its constant, and some slope comes within 0.1 %."""
    parameter = {"leaky_relu": -1.5, "elu": 2.0, "softplus": 3.0}.get(name, ACTIVATIONS[name].default)
    layer = Pointwise(name, parameter)
    x = torch.linspace(-12.0, 12.0, 240_001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(activation_module(name, parameter)(x).sum(), x)
    largest = float(slope.abs().max())
    assert largest <= layer.lipschitz * (1 + 1e-12)
    assert layer.lipschitz <= largest * 1.001


def test_the_turning_points_of_silu_and_gelu() -> None:
    """The constants 1.09985 and 1.129 exceed the largest slopes, shown in ball arithmetic."""
    with ctx.workprec(128):
        x = arb(2.3994)
        assert x * (x / 2).tanh() > 2  # so the turning point of f' lies below 2.3994
        assert arb("0.5") + x / 4 <= arb(1.09985)
        root = arb(2).sqrt()
        density = (-root * root / 2).exp() / (2 * arb.pi()).sqrt()
        assert (1 + (root / arb(2).sqrt()).erf()) / 2 + root * density < arb(1.129)


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "tanh", "silu", "gelu", "elu", "softplus", "sigmoid", "sin", "cos"]
)
@pytest.mark.parametrize("part", list(Part))
def test_no_pair_of_points_is_stretched_more(activation: str, part: Part) -> None:
    """Sampled quotients are lower bounds of the constant; none exceeds the certified upper bound."""
    ae = from_architecture(f"mlp:ambient_dim=3,latent_dim=2,hidden=[9,9],activation={activation}", 2)
    function = {Part.ENCODER: ae.encode, Part.DECODER: ae.decode, Part.RECONSTRUCTION: ae.reconstruct}[part]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2 if part is Part.DECODER else 3)) * 3
    y = x + rng.normal(size=x.shape) * 1e-3
    stretched = np.linalg.norm(function(x) - function(y), axis=1) / np.linalg.norm(x - y, axis=1)
    evidence = ae.lipschitz(part)
    assert evidence is not None
    assert (evidence.rigor, evidence.lower, evidence.quantity) == (Rigor.CERTIFIED, 0.0, "lipschitz_constant")
    assert stretched.max() <= evidence.upper
    assert evidence.upper <= 3000 * stretched.max()


def test_the_reconstruction_bound_is_no_worse_than_the_product() -> None:
    """Multiplying the bottleneck's two linear layers out cannot lose more than rounding."""
    ae = paper_network(1)
    e, d, both = (ae.lipschitz(p) for p in (Part.ENCODER, Part.DECODER, Part.RECONSTRUCTION))
    assert e is not None
    assert d is not None
    assert both is not None
    assert both.upper <= e.upper * d.upper * (1 + 1e-4)


def test_an_overflowing_bound_is_no_bound() -> None:
    """None instead of an interval that says nothing."""
    huge = (affine(np.array([[1e300]])), Pointwise("relu"), affine(np.array([[1e300]])))
    assert lipschitz_evidence(huge, Part.ENCODER) is None
