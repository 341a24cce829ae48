"""Constants of the relaxations proved in ball arithmetic, and the relaxations themselves against exact values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx

from aeverify.enclosure import relaxations, rounding, smooth
from aeverify.enclosure.relaxations import LeakyReLU
from aeverify.enclosure.smooth import ELU, GELU, Sigmoid, SiLU, Sine, Softplus, Tanh
from aeverify.errors import InvariantError
from tests.unit.enclosure.exact import activate

ALL = [
    LeakyReLU(), LeakyReLU(negative=0.01), LeakyReLU(negative=-0.5), LeakyReLU(negative=2.0), Tanh(), Sigmoid(),
    Softplus(), Softplus(beta=3.0), SiLU(), GELU(), ELU(), ELU(alpha=2.5), ELU(alpha=0.3),
    Sine(), Sine(cosine=True), Sine(frequency=-3.7), Sine(frequency=40.0, cosine=True),
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
def test_bounds_of_the_derivatives(name):
    """Balls that cover [-reach, reach] keep |f''| <= S, |f(3)| <= T and |f(4)| <= Q.

    Beyond reach: all derivatives are at most (4 + |x|) exp(-|x|) (64 exp(-2|x|) for tanh, (x^4 + 7 x^2) phi(x) for
    GELU), decreasing there and below all constants."""
    activation, reach = SMOOTH[name]
    bounds = activation.bounds
    tail = {"tanh": 64 * np.exp(-2 * reach), "gelu": (reach**4 + 7 * reach**2) * np.exp(-reach * reach / 2) * 0.4}
    assert tail.get(name, (4 + reach) * np.exp(-reach)) < min(bounds)

    def holds(low: float, high: float, depth: int) -> bool:
        f = _series(name, arb((low + high) / 2, (high - low) / 2))
        if all(abs(c * f[n]) <= b for n, c, b in zip((2, 3, 4), (2, 6, 24), bounds, strict=True)):
            return True
        middle = (low + high) / 2
        return depth > 0 and holds(low, middle, depth - 1) and holds(middle, high, depth - 1)

    with ctx.workprec(80):
        ctx.cap = 5
        assert all(holds(k / 16, (k + 1) / 16, 14) for k in range(int(-reach * 16), int(reach * 16)))


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_local_bounds_of_the_fourth_derivative(name):
    """|f(4)| at points of narrow boxes is at most what the slope at the midpoint gives."""
    activation = SMOOTH[name][0]
    rng = np.random.Generator(np.random.PCG64(3))
    m = rng.normal(size=400) * 3
    _, first, second, _ = activation.taylor(torch.from_numpy(m))
    bound = torch.as_tensor(activation.fourth_derivative(first, second)).expand(400).tolist()
    with ctx.workprec(80):
        ctx.cap = 5
        for center, most in zip(m.tolist(), bound, strict=True):
            for t in (-1.0, 1.0, *rng.uniform(-1, 1, size=3)):
                assert abs(24 * _series(name, arb(center + t * activation.narrow))[4]) <= most


def test_the_fourth_derivative_of_softplus_is_one_of_the_logistic_function():
    """f(4) = beta^3 s(3) with |s(3)| <= s', so its bounds follow from those of s, which the tests above prove."""
    softplus, b = Softplus(beta=3.0), 3.0
    sigmoid = Sigmoid()
    assert all(x >= y * b**n for n, x, y in zip((2, 3), softplus.bounds[1:], sigmoid.bounds, strict=False))
    x = torch.linspace(-3, 3, 61).double()
    _, _, second, _ = softplus.taylor(x)
    bound = softplus.fourth_derivative(second, second)
    for t in np.linspace(-1, 1, 9):
        z = b * (x + t * softplus.narrow)
        assert bool((b**3 * sigmoid.taylor(z)[2 + 1].abs() <= bound * (1 + 1e-12)).all())


@pytest.mark.parametrize("name", ["silu", "gelu"])
def test_turning_points_of_the_slope(name):
    """f'' changes sign within 1e-11 of each end of a part, and f and f' there are the stated ones to 1e-14."""
    with ctx.workprec(120):
        ctx.cap = 5
        for part in SMOOTH[name][0].parts[1:]:
            before, after = _series(name, arb(part.start - 1e-11)), _series(name, arb(part.start + 1e-11))
            assert before[2] * after[2] < 0
            assert part.convex == bool(after[2] > 0)
            f = _series(name, arb(part.start))
            assert abs(f[0] - arb(part.at_start[0])) < 1e-14
            assert abs(f[1] - arb(part.at_start[1])) < 1e-14


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_difference_quotients_lie_in_the_slope_range(activation):
    """For points x < y of a box, (f(y) - f(x))/(y - x) lies in [p, q]; below a softplus's switch p, q are finite."""
    rng = np.random.Generator(np.random.PCG64(11))
    middle, half = rng.normal(size=200) * 2, 10.0 ** rng.uniform(-3, 0.6, size=200)
    low, high = torch.from_numpy(middle - half), torch.from_numpy(middle + half)
    p, q = activation.slope_range(low, high)
    if not isinstance(activation, Softplus):
        assert bool(torch.isfinite(p).all() and torch.isfinite(q).all())
    for i in range(200):
        x = torch.linspace(float(low[i]), float(high[i]), 33).double()
        y = activation.function(x)
        quotients = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
        assert float(p[i]) - 1e-9 <= float(quotients.min())
        assert float(quotients.max()) <= float(q[i]) + 1e-9


def test_no_slope_is_claimed_where_a_softplus_may_jump():
    """Up to the threshold the slope is at most 1, beyond it infinite: torch's function has a jump there."""
    low, high = torch.tensor([0.0, 19.0, 19.0]).double(), torch.tensor([19.9, 20.1, 19.5]).double()
    most = Softplus().slope_range(low, high)[1]
    assert torch.isinf(most).tolist() == [False, True, False]
    assert float(most[0]) <= 1 + 1e-12


def test_a_far_argument_of_a_sine_gives_its_whole_range():
    """Beyond 2^20 nothing but |sin| <= 1 is used."""
    k, c, e = Sine(frequency=2.0).relax(*(torch.tensor([v]).double() for v in (1e6, 1e6 + 1e-9)))
    assert (float(k), float(c)) == (0.0, 0.0)
    assert 1.0 <= float(e) <= 1.0 + 1e-12


def _violations(activation, seed: int = 0, count: int = 300, around: float | None = None) -> int:
    """Points of [low, high] where the function leaves the parallel lines; `around`: narrow boxes near one point."""
    rng = np.random.Generator(np.random.PCG64(seed))
    middle = rng.normal(size=count) * rng.choice([0.3, 2.0, 15.0], size=count)
    half = 10.0 ** rng.uniform(-9, 1.2, size=count)
    if around is not None:
        middle, half = around + 0.01 * rng.normal(size=count), rng.uniform(0.1, 0.25, size=count)
    low, high = torch.from_numpy(middle - half), torch.from_numpy(middle + half)
    low[:20] = high[:20]  # points
    k, c, e = activation.relax(low, high)
    found = 0
    with ctx.workprec(160):
        for i in range(count):
            a, b = float(low[i]), float(high[i])
            for t in (0.0, 1.0, 0.5, 0.25, 0.75, *rng.random(4)):
                x = min(max(a + t * (b - a), a), b)
                gap = activate(activation, arb(x)) - arb(float(k[i])) * arb(x) - arb(float(c[i]))
                found += bool(abs(gap) > arb(float(e[i])))
    return found


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_the_function_stays_between_its_lines(activation):
    """On random boxes from points to 30 wide, exact values lie within the error of the line."""
    assert _violations(activation) == 0


def test_a_weakened_remainder_is_caught(monkeypatch):
    """Without the fourth derivative, or with half of the cubic, exact values leave the lines."""
    with monkeypatch.context() as m:
        m.setattr(GELU, "bounds", (0.8, 0.78, 0.0))
        assert _violations(GELU(), around=2.0**0.5) > 0
    monkeypatch.setattr(relaxations, "CUBIC", 0.02)
    assert _violations(Tanh(), around=0.0) > 0


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        (k, n)
        for k in (Tanh, Sigmoid, SiLU, GELU, Softplus, ELU, Sine)
        for n in range(4)
        if n < 3 or k not in (Softplus, ELU)
    ],
)
def test_a_wrong_derivative_is_caught(monkeypatch, kind, order):
    """A Taylor coefficient that is a fifth too small (where f'' = 0: else the second order covers the third)."""
    true = kind.taylor

    def wrong(self, x):
        return tuple(t * 0.8 if i == order else t for i, t in enumerate(true(self, x)))

    monkeypatch.setattr(kind, "taylor", wrong)
    turn = kind.parts[-1].start if isinstance(kind.parts, tuple) and kind.parts else 0.0
    assert _violations(kind(), around=turn if order == 3 else 0.4) + _violations(kind(), around=-1.0) > 0


@pytest.mark.parametrize("kind", [Tanh, Sigmoid, SiLU, GELU, Softplus, ELU])
@pytest.mark.parametrize("weak", ["left", "right", "chord"])
def test_a_weakened_tangent_bound_is_caught(monkeypatch, kind, weak):
    """The bound of a convex part is where two tangents meet, not the value at an end and not the chord."""
    true = relaxations._convex_bound

    def weaker(k, a, c, b, sign):
        ends = {"left": a.f - k * a.x, "right": b.f - k * b.x}
        found = true(k, a, c, b, sign)
        return ends.get(weak, found + 0.3 * (torch.minimum(*(sign * e for e in ends.values())) * sign - found))

    monkeypatch.setattr(relaxations, "_convex_bound", weaker)
    assert _violations(kind()) > 0


def test_leaving_out_a_part_is_caught(monkeypatch):
    """Each of the three parts of GELU is needed."""
    parts = GELU.parts
    for i in range(3):
        monkeypatch.setattr(GELU, "parts", parts[:i] + parts[i + 1 :])
        assert _violations(GELU(), count=1500) > 0


@pytest.mark.parametrize("kind", [Tanh, Sigmoid, SiLU, GELU, Softplus, ELU, Sine])
def test_dropping_the_rounding_of_a_relaxation_is_caught(monkeypatch, kind):
    """At boxes that are points only the pad is left."""
    for module in (relaxations, smooth):
        for name in ("FUNCTION_ERROR", "SLOPE_LOSS", "UNIT"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, 0.0)
    assert _violations(kind()) > 0


def test_a_library_that_is_not_exact_enough_is_refused(monkeypatch):
    """One function that is off by 1e-14 at some arguments stops every enclosure, with its name in the message."""
    assert all(rounding.function_violations(torch.device("cpu"), name) == [] for name in rounding.FUNCTIONS)
    true = rounding.FUNCTIONS["erf"]
    wrong = (lambda x: torch.erf(x) + 1e-14 * (x > 3), *true[1:])
    monkeypatch.setitem(rounding.FUNCTIONS, "erf", wrong)
    with pytest.raises(InvariantError, match="erf"):
        rounding.check_functions.__wrapped__(torch.device("cpu"))


@pytest.mark.parametrize("name", sorted(rounding.FUNCTIONS))
@pytest.mark.parametrize("error", [2.0**-46, 2.0**-48])
def test_every_function_is_checked(monkeypatch, name, error):
    """A relative error of 128 or 32 units anywhere near 1 is seen, whichever function has it."""
    true = rounding.FUNCTIONS[name]
    monkeypatch.setitem(rounding.FUNCTIONS, name, (lambda x: true[0](x) * (1 + error), *true[1:]))
    assert len(rounding.function_violations(torch.device("cpu"), name)) > 20
