"""Torch modules of this library: sine and cosine as activations, division, the residual block, and which blocks are
continuous.

Each forward is the formula in its docstring and nothing else, so that a network of these is known to be continuous,
and balls, Lipschitz bounds and enclosures know what it computes. `is_plain` tells whether a module really is one: no
subclass, no hook, no patched forward, no parametrization.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn

from aeverify.errors import UsageError

B = TypeVar("B", bound=type[nn.Module])

_CONTINUOUS: dict[type[nn.Module], Callable[..., Any]] = {}

DROPOUTS: tuple[type[nn.Module], ...] = (
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.AlphaDropout, nn.FeatureAlphaDropout),
)
"""The identity in eval mode."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def is_plain(module: nn.Module) -> bool:
    """True where calling the module runs the forward of its type: nothing hooked, patched or parametrized."""
    own = vars(module)
    changed = "forward" in own or "parametrizations" in module._modules
    return not changed and not any(getattr(module, hooks, None) for hooks in _HOOKS)


def continuous(block: B) -> B:
    """Class decorator: its forward composes its children by continuous operations, whatever the weights."""
    _CONTINUOUS[block] = block.forward
    return block


def is_continuous_block(module: nn.Module) -> bool:
    """True for a block marked `continuous` that runs its own forward: it is continuous if its children are."""
    kind = type(module)
    return kind in _CONTINUOUS and kind.forward is _CONTINUOUS[kind] and is_plain(module)


class _Wave(nn.Module):
    def __init__(self, frequency: float = 1.0) -> None:
        super().__init__()
        number = isinstance(frequency, int | float) and not isinstance(frequency, bool)
        if not number or not math.isfinite(frequency) or frequency == 0 or abs(frequency) > 1e6:
            raise UsageError(f"The frequency must be a finite number with 0 < |frequency| <= 1e6, got {frequency!r}.")
        self.frequency = float(frequency)

    def extra_repr(self) -> str:
        """The frequency."""
        return f"frequency={self.frequency!r}"


@final
class Sine(_Wave):
    """x -> sin(frequency x), coordinate by coordinate.

    Raises:
        UsageError: not 0 < |frequency| <= 1e6.
    """

    def forward(self, x: Tensor) -> Tensor:
        """sin(frequency x)."""
        return torch.sin(self.frequency * x)


@final
class Cosine(_Wave):
    """x -> cos(frequency x), coordinate by coordinate; raises as `Sine`."""

    def forward(self, x: Tensor) -> Tensor:
        """cos(frequency x)."""
        return torch.cos(self.frequency * x)


@final
class Quotient(nn.Module):
    """x -> x / divisor, where 1/divisor is in general no float64 number that a weight could hold.

    Args:
        divisor: numbers other than 0, finite, of the shape of one point.

    Raises:
        UsageError: a divisor that is 0, NaN or infinite.
    """

    divisor: Tensor

    def __init__(self, divisor: Any) -> None:
        super().__init__()
        numbers = torch.tensor(divisor, dtype=torch.float64)
        if not bool((torch.isfinite(numbers) & (numbers != 0)).all()):
            raise UsageError("The divisor of a Quotient must be finite and not 0.")
        self.register_buffer("divisor", numbers)

    def forward(self, x: Tensor) -> Tensor:
        """x / divisor."""
        return x / self.divisor


@continuous
@final
class Residual(nn.Module):
    """x + body(x): the one block that is not a row of layers. Input and output of `body` have the same shape."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """x + body(x)."""
        return x + self.body(x)  # type: ignore[no-any-return]


_FORWARD: dict[type[nn.Module], Callable[..., Any]] = {
    Sine: Sine.forward,
    Cosine: Cosine.forward,
    Quotient: Quotient.forward,
    Residual: Residual.forward,
}


def is_ours(module: nn.Module) -> bool:
    """True for a `Sine`, `Cosine`, `Quotient` or `Residual` that computes its formula: of that very type, plain, its
    class not patched."""
    kind = type(module)
    return kind in _FORWARD and kind.forward is _FORWARD[kind] and is_plain(module)


def is_repatched(module: nn.Module) -> bool:
    """True where the class of one of this library's blocks was given another forward: its type says nothing any more,
    to whoever reads it."""
    kind = type(module)
    defined = _CONTINUOUS.get(kind) or _FORWARD.get(kind)
    return defined is not None and kind.forward is not defined
