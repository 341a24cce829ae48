"""Layers: a network as a plain list of affine maps and activations, in float64 arrays and without torch.

This is the form in which ball arithmetic and Lipschitz bounds read a network. Weights stored in float32 or float64
are dyadic rationals, so that a float64 array holds them exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from aeverify.autoencoders.protocol import FloatArray
from aeverify.core.registry import Registry
from aeverify.errors import InvariantError


@dataclass(frozen=True)
class Activation:
    """A continuous function of one real variable, applied to each coordinate.

    Attributes:
        name: lower-case name, as in architecture specs.
        parameter: what its one parameter is called ("" where it has none), and `default`, its value if not given.
        lipschitz: maps the parameter to a proved upper bound of the Lipschitz constant.
        derivation: the proof of that bound.
    """

    name: str
    parameter: str
    default: float
    lipschitz: Callable[[float], float]
    derivation: str


ACTIVATIONS: Registry[Activation] = Registry("activation")


def _register(
    name: str, lipschitz: Callable[[float], float], derivation: str, parameter: str = "", default: float = 0.0
) -> None:
    ACTIVATIONS.register(name, Activation(name, parameter, default, lipschitz, derivation))


_register("relu", lambda _: 1.0, "max(0, x) has slopes 0 and 1.")
_register(
    "leaky_relu", lambda s: max(1.0, abs(s)), "Its slopes are 1 and the negative slope s.", "negative_slope", 0.01
)
_register("tanh", lambda _: 1.0, "tanh' = 1 - tanh^2 lies in (0, 1].")
_register("sigmoid", lambda _: 0.25, "s' = s (1 - s) <= 1/4 for s in (0, 1).")
_register("elu", lambda a: max(1.0, abs(a)), "Its slopes are 1 for x > 0 and a e^x for x < 0.", "alpha", 1.0)
_register("softplus", lambda _: 1.0, "The derivative of log(1 + exp(b x))/b is a sigmoid, in (0, 1).", "beta", 1.0)
_register(
    "silu",
    lambda _: 1.09985,
    "f = x s with s = 1/(1 + e^-x): f'' = s (1 - s) (2 + x (1 - 2 s)) vanishes for x > 0 where x tanh(x/2) = 2 only "
    "(the left side increases), so f' is largest there; x (1 - 2 s) = -2 gives f' = 1/2 + x/4 at that x, which is "
    "below 2.3994. f'(-x) = 1 - f'(x), so f' >= -0.09985.",
)
_register("sin", abs, "The derivative of sin(w x) is w cos(w x), in [-|w|, |w|].", "frequency", 1.0)
_register("cos", abs, "The derivative of cos(w x) is -w sin(w x), in [-|w|, |w|].", "frequency", 1.0)
_register(
    "gelu",
    lambda _: 1.129,
    "f = x P(x) with the normal distribution function P and its density p: f'' = p (2 - x^2), so f' = P + x p is "
    "largest at sqrt(2), where it is 1.12890...; f'(-x) = 1 - f'(x), so f' >= -0.129.",
)


@final
@dataclass(frozen=True, eq=False)
class Affine:
    """x -> weight x + bias, with weight of shape (out, in) and bias of shape (out,), both float64 and exact."""

    weight: FloatArray
    bias: FloatArray

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != (self.weight.shape[0],):
            raise InvariantError(
                f"An affine layer has shapes (out, in) and (out,), got {self.weight.shape} and {self.bias.shape}."
            )


@final
@dataclass(frozen=True)
class Pointwise:
    """An activation by name, with its parameter (0 where it has none)."""

    activation: str
    parameter: float = 0.0

    @property
    def lipschitz(self) -> float:
        """Upper bound of the Lipschitz constant (see `ACTIVATIONS` for the proof)."""
        return ACTIVATIONS[self.activation].lipschitz(self.parameter)


Layer: TypeAlias = Affine | Pointwise
Layers: TypeAlias = tuple[Layer, ...]


def is_affine(layers: Layers) -> bool:
    """True where the composition has no activation, so that it is an affine map."""
    return all(isinstance(layer, Affine) for layer in layers)


def evaluate(layers: Layers, rows: FloatArray) -> FloatArray:
    """The composition on rows of shape (N, in), in float64; only for affine maps and piecewise linear activations.

    Raises:
        InvariantError: an activation has no closed form in numpy's elementary operations.
    """
    x = rows
    for layer in layers:
        if isinstance(layer, Affine):
            x = x @ layer.weight.T + layer.bias
        elif layer.activation in _NUMPY:
            x = _NUMPY[layer.activation](x, layer.parameter)
        else:
            raise InvariantError(f"The activation {layer.activation!r} has no numpy form.")
    return x


_NUMPY: dict[str, Callable[[Any, float], Any]] = {
    "relu": lambda x, _: np.maximum(x, 0.0),
    "leaky_relu": lambda x, s: np.where(x >= 0, x, s * x),
    "tanh": lambda x, _: np.tanh(x),
    "sigmoid": lambda x, _: 0.5 * (1.0 + np.tanh(0.5 * x)),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0.0))),
    "softplus": lambda x, b: np.logaddexp(0.0, b * x) / b,
    "silu": lambda x, _: x * 0.5 * (1.0 + np.tanh(0.5 * x)),
    "sin": lambda x, w: np.sin(w * x),
    "cos": lambda x, w: np.cos(w * x),
    "gelu": lambda x, _: x * 0.5 * np.vectorize(lambda v: math.erfc(-v / math.sqrt(2.0)))(x),
}
