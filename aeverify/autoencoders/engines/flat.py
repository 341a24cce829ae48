"""The flat engine: many fully connected networks at once in torch, with the gradient written out by hand.

Automatic differentiation costs more than the arithmetic of such small layers. Per layer z = W h + b, y = f(z), and
backwards dW = dz^T h, db = sum of dz, dh = dz W with dz = dy f'(z); a test compares it with autograd. The weights of
all models are the rows of one matrix (N, P) and so are their gradients; each layer is one batched product over the
models, and the optimiser one fused call. Models do not mix: row i is a function of row i alone, but the library may
choose another order of summation for another N, so that a model agrees with the one trained alone to rounding, not to
the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.advance import batches, factors
from aeverify.autoencoders.engines.state import MOMENTS, Float32, Group
from aeverify.autoencoders.recipes import Recipe

_aten: Any = torch.ops.aten
_ROWS = 2000

_Forward = Callable[[Tensor, float], Tensor]
_Backward = Callable[[Tensor, Tensor, Tensor, float], Tensor]

# Forward maps (z, parameter) to y; backward maps (dy, z, y, parameter) to dz.
_ACTIVATIONS: dict[str, tuple[_Forward, _Backward]] = {
    "relu": (lambda z, _: torch.relu(z), lambda g, z, y, _: _aten.threshold_backward(g, y, 0)),
    "leaky_relu": (nn.functional.leaky_relu, lambda g, z, y, s: _aten.leaky_relu_backward(g, z, s, False)),
    "tanh": (lambda z, _: torch.tanh(z), lambda g, z, y, _: _aten.tanh_backward(g, y)),
    "sigmoid": (lambda z, _: torch.sigmoid(z), lambda g, z, y, _: _aten.sigmoid_backward(g, y)),
    "elu": (nn.functional.elu, lambda g, z, y, a: _aten.elu_backward(g, a, 1.0, 1.0, False, z)),
    "silu": (lambda z, _: nn.functional.silu(z), lambda g, z, y, _: _aten.silu_backward(g, z)),
    "gelu": (lambda z, _: nn.functional.gelu(z), lambda g, z, y, _: _aten.gelu_backward(g, z)),
    "sin": (lambda z, w: torch.sin(w * z), lambda g, z, y, w: w * g * torch.cos(w * z)),
    "cos": (lambda z, w: torch.cos(w * z), lambda g, z, y, w: -w * g * torch.sin(w * z)),
    "softplus": (
        lambda z, b: nn.functional.softplus(z, b),
        lambda g, z, y, b: _aten.softplus_backward(g, z, b, 20.0),
    ),
}


@final
class FlatNetworks:
    """N networks of one architecture: their weights as the rows of `flat`, the gradients of their errors in `gradient`.

    Args:
        shape: the architecture; the mean squared error is its loss.
        flat: weights, float32 or float64, shape (N, P), contiguous; updated in place by whoever trains.
    """

    def __init__(self, shape: Architecture, flat: Tensor) -> None:
        sizes = (*shape.encoder_sizes, *shape.decoder_sizes[1:])
        self.flat, self.gradient = flat, torch.zeros_like(flat)
        self._sizes = list(itertools.pairwise(sizes))
        code, last = len(shape.hidden), len(self._sizes) - 1
        self._active = [i not in (code, last) for i in range(last + 1)]
        self._forward, self._backward = _ACTIVATIONS[shape.activation]
        self._parameter = float(shape.parameter or 0.0)
        self._weights, self._biases = self._views(flat)
        self._weight_gradients, self._bias_gradients = self._views(self.gradient)

    def _views(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        weights, biases, start = [], [], 0
        for before, after in self._sizes:
            middle = start + before * after
            weights.append(flat[:, start:middle].view(-1, after, before))
            biases.append(flat[:, middle : middle + after].unsqueeze(1))
            start = middle + after
        return weights, biases

    def reconstruct(self, member: int, points: Tensor) -> Tensor:
        """The outputs of one network for the rows (rows, n)."""
        h = points
        for weight, bias, active in zip(self._weights, self._biases, self._active, strict=True):
            z = torch.addmm(bias[member], h, weight[member].t())
            h = self._forward(z, self._parameter) if active else z
        return h

    def squared_errors(self, rows: Tensor, used: Tensor | None = None) -> Tensor:
        """Sums over rows and coordinates of squared errors, shape (N,), for rows (N, batch, n); leaves the gradient of
        their means in `gradient`. `used` (batch,) is 1 for the rows that count and 0 for the others."""
        inputs, before = [rows], []
        for weight, bias, active in zip(self._weights, self._biases, self._active, strict=True):
            z = torch.baddbmm(bias, inputs[-1], weight.transpose(1, 2))
            before.append(z)
            inputs.append(self._forward(z, self._parameter) if active else z)
        difference = inputs.pop() - rows
        if used is not None:
            difference.mul_(used[:, None])
        errors = difference.square().sum((1, 2))
        count = rows.shape[1] if used is None else used.sum()
        slope = difference.mul_(2.0 / (count * rows.shape[2]))
        for i in range(len(self._weights) - 1, -1, -1):
            if self._active[i]:
                slope = self._backward(slope, before[i], inputs[i + 1], self._parameter)
            torch.bmm(slope.transpose(1, 2), inputs[i], out=self._weight_gradients[i])
            torch.sum(slope, 1, keepdim=True, out=self._bias_gradients[i])
            if i:
                slope = torch.bmm(slope, self._weights[i])
        return errors


@contextmanager
def flushed() -> Iterator[None]:
    """Subnormal numbers are zero inside: moments of units that are never active decay to them, and each operation on
    one takes a hundred cycles."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@final
class Update:
    """Steps of a recipe's optimiser on the rows of a matrix of weights, in place, with nothing sent to the host.

    Args:
        how: the recipe.
        weights, gradient: shape (N, P), and `moments`, (k, N, P); all contiguous.
        step: steps taken before.
        rates: the largest learning rates of the rows. Where they all agree, Adam is one fused call.

    Attributes:
        taken: the steps taken, a tensor without dimensions.
    """

    def __init__(
        self, how: Recipe, weights: Tensor, gradient: Tensor, moments: Tensor, step: int, rates: Sequence[float]
    ) -> None:
        self._how, self._weights, self._gradient, self._moments = how, weights, gradient, moments
        self.taken = torch.tensor(float(step), device=weights.device)
        one = len(set(rates)) == 1
        largest = torch.tensor(rates[:1] if one else rates, dtype=torch.float64, device=weights.device)
        self._largest = largest if one else largest[:, None]
        self._fused = one and how.optimizer == "adam"

    def __call__(self, share: Tensor) -> None:
        """Take a step at that share of the largest rates; `share` is float64, without dimensions."""
        how, w, g, m = self._how, self._weights, self._gradient, self._moments
        rate = (self._largest * share).to(w.dtype)
        self.taken.add_(1.0)
        if how.weight_decay:
            w.mul_(1.0 - how.weight_decay * rate)
        if self._fused:
            torch._fused_adam_(
                [w],
                [g],
                [m[0]],
                [m[1]],
                [],
                [self.taken],
                lr=rate[0],
                beta1=0.9,
                beta2=0.999,
                weight_decay=0.0,
                eps=how.epsilon,
                amsgrad=False,
                maximize=False,
            )
        elif how.optimizer == "adam":
            m[0].lerp_(g, 0.1)
            m[1].mul_(0.999).addcmul_(g, g, value=0.001)
            root = (m[1] / (1.0 - 0.999**self.taken)).sqrt_().add_(how.epsilon)
            w.sub_((rate / (1.0 - 0.9**self.taken)) * m[0] / root)
        elif how.optimizer == "rmsprop":
            m[0].mul_(0.9).addcmul_(g, g, value=0.1)
            w.sub_(rate * g / (m[0] + how.epsilon).sqrt_())
        else:
            m[0].mul_(how.momentum).add_(g)
            w.sub_(rate * m[0])


def stacked(group: Group, members: Sequence[int], device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (N, P), moments (k, N, P) and points (N, count, n) of some models of a group on a device."""
    weights = torch.from_numpy(np.stack([group.states[i].weights for i in members])).to(device)
    kinds = MOMENTS[group.recipe.optimizer]
    moments = np.stack([np.stack([group.states[i].moments[k] for i in members]) for k in range(kinds)])
    points = [points_on(group, i, device) for i in members]
    if all(p is points[0] for p in points):
        return weights, torch.from_numpy(moments).to(device), points[0].expand(len(members), -1, -1)
    return weights, torch.from_numpy(moments).to(device), torch.stack(points)


def points_on(group: Group, member: int, device: str) -> Tensor:
    """The training points of one model as a tensor there; the same object for models that share theirs."""
    points = group.points[member]
    if not isinstance(points, np.ndarray):
        return points.tensor(device).to(torch.float32)
    first = next(i for i, other in enumerate(group.points) if other is points)
    cache: dict[int, Tensor] = group.__dict__.setdefault("_tensors", {})
    if first not in cache:
        cache[first] = torch.from_numpy(points).to(device)
    return cache[first]


@final
class FlatEngine:
    """The running models of a group as one batch on the CPU."""

    def __init__(self, group: Group) -> None:
        torch.set_num_threads(1)
        self._group, self._members = group, group.running
        self._load()

    def _load(self) -> None:
        group = self._group
        self._weights, self._moments, self._points = stacked(group, self._members, "cpu")
        self._networks = FlatNetworks(group.network, self._weights)
        step, rates = group.states[self._members[0]].step, [group.rates[i] for i in self._members]
        self._update = Update(group.recipe, self._weights, self._networks.gradient, self._moments, step, rates)

    @torch.no_grad()
    @flushed()
    def run(self, members: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        """See `Engine`."""
        if list(members) != self._members:
            self.store()
            self._members = list(members)
            self._load()
        group, count = self._group, len(members)
        rows, counts = batches(group, members, start, stop)
        index = torch.from_numpy(rows.astype(np.int64))
        shares = torch.from_numpy(factors(group, start, stop))
        which = torch.arange(count)[:, None]
        losses = torch.empty((stop - start, count), dtype=torch.float32)
        for s in range(stop - start):
            batch = self._points[which, index[:, s, : int(counts[s])]]
            losses[s] = self._networks.squared_errors(batch)
            self._update(shares[s])
        sums: NDArray[np.float64] = losses.numpy().T.astype(np.float64)
        return sums / float(group.network.ambient_dim)

    @torch.no_grad()
    def reconstruct(self, member: int, points: Float32) -> Float32:
        """See `Engine`."""
        row = self._members.index(member)
        parts = torch.split(torch.from_numpy(np.ascontiguousarray(points)), _ROWS)
        outputs: Float32 = torch.cat([self._networks.reconstruct(row, p) for p in parts]).numpy()
        return outputs

    def store(self) -> None:
        """See `Engine`."""
        for row, i in enumerate(self._members):
            state = self._group.states[i]
            state.weights[:] = self._weights[row].numpy()
            for k in range(len(self._moments)):
                state.moments[k] = self._moments[k][row].numpy()
