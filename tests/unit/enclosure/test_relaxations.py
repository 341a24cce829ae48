"""Constants of the relaxations proved in ball arithmetic, and the relaxations themselves against exact values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx

from aeverify.enclosure.relaxations import ELU, GELU, LeakyReLU, Sigmoid, SiLU, SmoothActivation, Softplus, Tanh
from aeverify.enclosure.rounding import FUNCTION_ERROR
from tests.unit.enclosure.exact import activate

ALL = [
    LeakyReLU(), LeakyReLU(negative=0.01), LeakyReLU(negative=-0.5), LeakyReLU(negative=2.0), Tanh(), Sigmoid(),
    Softplus(), Softplus(beta=3.0), SiLU(), GELU(), ELU(), ELU(alpha=2.5), ELU(alpha=0.3),
]  # fmt: skip


def _series(name: str, x: object) -> object:
    """Taylor series to order 3 at a ball."""
    t = arb_series([x, 1])
    if name == "tanh":
        return 1 - 2 / ((2 * t).exp() + 1)
    if name == "sigmoid":
        return 1 / (1 + (-t).exp())
    if name == "silu":
        return t / (1 + (-t).exp())
    return t * (1 + (t / arb(2).sqrt()).erf()) / 2


SMOOTH = {"tanh": (Tanh(), 9.0), "sigmoid": (Sigmoid(), 18.0), "silu": (SiLU(), 20.0), "gelu": (GELU(), 9.0)}


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_bounds_of_second_and_third_derivatives(name):
    """Balls that cover [-reach, reach] keep |f''| <= S and |f'''| <= T.

    Beyond reach: all derivatives are at most (3 + |x|) exp(-|x|) (8 exp(-2|x|) for tanh, (|x|^3 + 4|x|) phi(x) for
    GELU), decreasing there and below both constants."""
    activation, reach = SMOOTH[name]
    second, third = activation.bounds
    tail = {"tanh": 64 * np.exp(-2 * reach), "gelu": (reach**3 + 4 * reach) * np.exp(-reach * reach / 2) * 0.4}
    assert tail.get(name, (3 + reach) * np.exp(-reach)) < min(second, third)

    def holds(low: float, high: float, depth: int) -> bool:
        f = _series(name, arb((low + high) / 2, (high - low) / 2))
        if abs(2 * f[2]) <= second and abs(6 * f[3]) <= third:
            return True
        middle = (low + high) / 2
        return depth > 0 and holds(low, middle, depth - 1) and holds(middle, high, depth - 1)

    with ctx.workprec(80):
        ctx.cap = 4
        assert all(holds(k / 16, (k + 1) / 16, 14) for k in range(int(-reach * 16), int(reach * 16)))


@pytest.mark.parametrize(("name", "turn"), [("silu", 2.3993572805), ("gelu", 2.0**0.5)])
def test_turning_points_of_the_slope(name, turn):
    """f'' changes sign within 1e-7 of +-turn, and f' there lies inside the extremes used."""
    low, high = SMOOTH[name][0].slope_range(*(torch.tensor([v]).double() for v in (-9.0, 9.0, 0.0, 1.0)))
    with ctx.workprec(120):
        ctx.cap = 4
        for sign in (-1, 1):
            before, after = _series(name, arb(sign * turn - 1e-7)), _series(name, arb(sign * turn + 1e-7))
            assert before[2] * after[2] < 0
            f = _series(name, arb(sign * turn, 1e-6))
            assert float(low) < f[1] < float(high)


def test_gaps_to_relu():
    """The distance of f to ReLU stays below the stated one for SiLU, GELU and softplus, on balls that cover [-40, 40].

    Its sign needs no computation: x s(x) and x Phi(x) lie between 0 and x, and log(1 + exp x) > max(0, x). Beyond 40
    the distance is at most 41 exp(-40)."""
    for activation in (SiLU(), GELU(), Softplus()):
        most = max(abs(v) for v in activation.above_relu)

        def holds(low: float, high: float, depth: int, activation=activation, most=most) -> bool:
            middle, half = (low + high) / 2, (high - low) / 2
            gap = abs(activate(activation, arb(middle)) - arb(max(middle, 0.0)))
            slope = abs(_slope(activation, arb(middle, half)) - (1 if low >= 0 else 0))
            if gap + slope * half <= most:
                return True
            return depth > 0 and holds(low, middle, depth - 1) and holds(middle, high, depth - 1)

        with ctx.workprec(80):
            assert all(holds(k / 4, (k + 1) / 4, 18) for k in range(-160, 160))


def _slope(activation: SmoothActivation, x: object) -> object:
    if isinstance(activation, Softplus):
        return 1 / (1 + (-x).exp())
    if isinstance(activation, SiLU):
        s = 1 / (1 + (-x).exp())
        return s * (1 + x * (1 - s))
    cdf = (-x / arb(2).sqrt()).erfc() / 2
    return cdf + x * (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _violations(activation, seed: int = 0, count: int = 300) -> int:
    """Points of [low, high] where the function leaves the parallel lines."""
    rng = np.random.Generator(np.random.PCG64(seed))
    middle = rng.normal(size=count) * rng.choice([0.3, 2.0, 15.0], size=count)
    half = 10.0 ** rng.uniform(-9, 1.2, size=count)
    low, high = torch.from_numpy(middle - half), torch.from_numpy(middle + half)
    low[:20] = high[:20]  # points
    k, c, e = activation.relax(low, high)
    found = 0
    with ctx.workprec(160):
        for i in range(count):
            a, b = float(low[i]), float(high[i])
            for t in (0.0, 1.0, 0.5, *rng.random(6)):
                x = min(max(a + t * (b - a), a), b)
                gap = activate(activation, arb(x)) - arb(float(k[i])) * arb(x) - arb(float(c[i]))
                found += bool(abs(gap) > arb(float(e[i])))
    return found


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_the_function_stays_between_its_lines(activation):
    """On random boxes from points to 30 wide, exact values lie within the error of the line."""
    assert _violations(activation) == 0


MUTANTS = [
    (Tanh, "bounds", (0.7699, 0.5)),
    (Tanh, "bounds", (0.2, 2.0)),
    (Sigmoid, "bounds", (0.09624, 0.02)),
    (SiLU, "bounds", (0.5, 0.1)),
    (SiLU, "bounds", (0.2, 0.32)),
    (SiLU, "above_relu", (-0.2, 0.0)),
    (GELU, "bounds", (0.79789, 0.2)),
    (GELU, "above_relu", (-0.1, 0.0)),
    (Softplus, "above_relu", (0.0, 0.5)),
    (Softplus, "bounds", (0.25, 0.01)),
]


@pytest.mark.parametrize(("kind", "name", "value"), MUTANTS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_weakened_constant_is_caught(monkeypatch, kind, name, value):
    """Each constant matters: made smaller, exact values leave the lines."""
    monkeypatch.setattr(kind, name, value)
    assert _violations(kind(), count=1500) > 0


@pytest.mark.parametrize("kind", [Tanh, Sigmoid, SiLU, GELU, Softplus, ELU])
def test_a_slope_range_that_is_too_narrow_is_caught(monkeypatch, kind):
    """Candidate (b) needs slopes at the ends of the range of f'."""
    true = kind.slope_range

    def narrow(self, *arguments):
        least, most = true(self, *arguments)
        return least + 0.3 * (most - least), most - 0.3 * (most - least)

    monkeypatch.setattr(kind, "slope_range", narrow)
    assert _violations(kind()) > 0


@pytest.mark.parametrize("kind", [Tanh, Sigmoid, SiLU, GELU, Softplus, ELU])
def test_dropping_the_rounding_of_a_relaxation_is_caught(monkeypatch, kind):
    """At boxes that are points only the pad is left."""
    monkeypatch.setattr("aeverify.enclosure.relaxations._pad", lambda low, high: torch.zeros_like(low))
    monkeypatch.setattr("aeverify.enclosure.relaxations.FUNCTION_ERROR", 0.0)
    assert _violations(kind()) > 0


FUNCTIONS = {
    "sin": (torch.sin, lambda x: x.sin(), 20.0),
    "cos": (torch.cos, lambda x: x.cos(), 20.0),
    "exp": (torch.exp, lambda x: x.exp(), 5.0),
    "expm1": (torch.expm1, lambda x: x.expm1(), 5.0),
    "tanh": (torch.tanh, lambda x: x.tanh(), 5.0),
    "sigmoid": (torch.sigmoid, lambda x: 1 / (1 + (-x).exp()), 10.0),
    "erfc": (torch.erfc, lambda x: x.erfc(), 4.0),
    "log1p": (torch.log1p, lambda x: x.log1p(), 1.0),
    "sqrt": (lambda x: torch.sqrt(x.abs()), lambda x: abs(x).sqrt(), 9.0),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_elementary_functions_are_within_their_assumed_error(name):
    """The assumption of `rounding` at 4,000 random points: FUNCTION_ERROR relative to the larger of |result| and 1, and
    to |result| alone for exp and sqrt."""
    function, exact, scale = FUNCTIONS[name]
    rng = np.random.Generator(np.random.PCG64(5))
    x = rng.normal(size=4000) * scale
    x = np.abs(x) if name == "log1p" else x
    values = function(torch.from_numpy(x)).tolist()
    with ctx.workprec(120):
        for a, y in zip(x.tolist(), values, strict=True):
            true = exact(arb(a))
            size = abs(y) if name in ("exp", "sqrt") else max(1.0, abs(y))
            assert abs(true - arb(y)) <= FUNCTION_ERROR * size / 2
