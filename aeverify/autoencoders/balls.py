"""Ball arithmetic: an enclosure of what a network returns at a point, all rounding included.

A ball point is a list of python-flint `arb` numbers, each an interval that encloses one coordinate. `propagate` carries
it through the layers: an affine map as an `arb_mat` product with the exact weights (stored weights are dyadic
rationals), an activation by one of two rules, both sound for every x in the ball X.

Monotone: f(X) lies in the hull of f(lower end) and f(upper end). Used for ReLU, leaky ReLU with slope >= 0, tanh,
sigmoid, softplus and ELU with alpha >= 0.

Mean value: f(X) lies in f(mid) + [-L, L] rad for a Lipschitz constant L of f; intersected with the natural extension.
Used for SiLU, GELU, sine, cosine and the activations above with a negative parameter.

What is enclosed is the real function of the formula: GELU with the exact error function, softplus log(1 + exp(b x))/b
everywhere (torch switches to x above b x = 20, which changes a value by at most 2.1e-9/b).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

from flint import arb, arb_mat, ctx

from aeverify.autoencoders.layers import ACTIVATIONS, Affine, Layers
from aeverify.errors import UsageError

PRECISION = 128
"""Working precision in bits: the balls of the paper's network at an exact point have a relative radius near 1e-34."""

_Rule = Callable[[Any, Any], Any]


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _softplus(x: Any, beta: Any) -> Any:
    y = beta * x
    return (y.max(arb(0)) + (-abs(y)).exp().log1p()) / beta


_VALUE: dict[str, _Rule] = {
    "relu": lambda x, _: x.max(arb(0)),
    "leaky_relu": lambda x, s: x.max(arb(0)) + s * x.min(arb(0)),
    "tanh": lambda x, _: x.tanh(),
    "sigmoid": lambda x, _: _sigmoid(x),
    "elu": lambda x, a: x.max(arb(0)) + a * x.min(arb(0)).expm1(),
    "softplus": _softplus,
    "silu": lambda x, _: x * _sigmoid(x),
    "sin": lambda x, w: (w * x).sin(),
    "cos": lambda x, w: (w * x).cos(),
    "gelu": lambda x, _: x * (-x / arb(2).sqrt()).erfc() / 2,
}


def _is_monotone(name: str, parameter: float) -> bool:
    if name in ("leaky_relu", "elu"):
        return parameter >= 0.0
    return name not in ("silu", "gelu", "sin", "cos")


def _activate(name: str, parameter: float, x: Any) -> Any:
    """Enclosure of the activation on the ball x; NaN stays NaN."""
    rule, p = _VALUE[name], arb(parameter)
    if x.is_exact() or not x.is_finite():
        return rule(x, p)
    if _is_monotone(name, parameter):
        return rule(x.lower(), p).union(rule(x.upper(), p))
    bound = arb(ACTIVATIONS[name].lipschitz(parameter))
    mean_value = rule(x.mid(), p) + bound * (x - x.mid())
    natural = rule(x, p)
    return mean_value.intersection(natural) if natural.is_finite() else mean_value


@final
class BallNetwork:
    """Layers prepared for ball arithmetic; preparing the paper's network takes about 0.1 s, a point about 1 ms.

    Args:
        layers: affine maps and activations, first to last.
        precision: working precision in bits.
    """

    def __init__(self, layers: Layers, precision: int = PRECISION) -> None:
        self._precision = precision
        with ctx.workprec(precision):
            self._steps: list[tuple[Any, Any] | tuple[str, float]] = [
                (arb_mat(layer.weight.tolist()), arb_mat([[b] for b in layer.bias.tolist()]))
                if isinstance(layer, Affine)
                else (layer.activation, layer.parameter)
                for layer in layers
            ]

    def propagate(self, point: Sequence[Any]) -> list[Any]:
        """Enclosures of the coordinates of the output for every x that `point` encloses.

        Raises:
            UsageError: the number of coordinates does not fit the first affine layer.
        """
        balls = [x if isinstance(x, arb) else arb(x) for x in point]
        with ctx.workprec(self._precision):
            for head, tail in self._steps:
                if isinstance(head, str):
                    balls = [_activate(head, float(tail), x) for x in balls]
                    continue
                if head.ncols() != len(balls):
                    raise UsageError(f"Expected a ball point of {head.ncols()} coordinates, got {len(balls)}.")
                column = arb_mat(len(balls), 1, balls)
                balls = (head * column + tail).entries()
        return balls
