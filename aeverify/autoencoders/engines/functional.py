"""The general engine: any pair of torch modules, N at once by torch.func, or one by one where that cannot be.

`vmap` of `grad_and_value` over stacked weights gives the gradients of all models in one call. Modules that draw random
numbers (Dropout) or keep running statistics are trained one by one, with the global generator set aside, so that each
draws from its own stream; so are modules with an operation that vmap does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.advance import batches, factors
from aeverify.autoencoders.engines.flat import Update, flushed, stacked
from aeverify.autoencoders.engines.objectives import Objective, RecipeObjective
from aeverify.autoencoders.engines.order import step_seed
from aeverify.autoencoders.engines.state import Float32, Group
from aeverify.core.seeds import Seed

_ROWS = 2000
_ALONE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase, nn.RReLU)


@final
@dataclass(frozen=True, eq=False)
class ModulePair:
    """Two modules that map (rows, n) to (rows, m) and back, whose weights are placeholders, and what to make small.

    Attributes:
        encoder, decoder: the modules, in train mode.
        ambient_dim: n.
        objective: the loss; None for the recipe's.
        label: the architecture in words, which a checkpoint must agree with.
    """

    encoder: nn.Module
    decoder: nn.Module
    ambient_dim: int
    objective: Objective | None
    label: str

    def __str__(self) -> str:
        return self.label


def shared_parameters(*modules: nn.Module) -> list[dict[str, str]]:
    """For each module the names of its parameters that an earlier module has too, with the names they have there, such
    as {"weight": "0.weight"}: tied weights."""
    owners = {id(p): name for name, p in nn.ModuleList(modules).named_parameters()}
    return [
        {name: owners[id(p)] for name, p in module.named_parameters() if owners[id(p)] != f"{i}.{name}"}
        for i, module in enumerate(modules)
    ]


def flat_weights(*modules: nn.Module) -> Float32:
    """All parameters in one float32 vector, in the order of `parameters()`; one that modules share counts once."""
    parts = [p.detach().cpu().to(torch.float32).flatten() for p in nn.ModuleList(modules).parameters()]
    weights: Float32 = torch.cat(parts).numpy()
    return weights


def buffers_of(*modules: nn.Module) -> dict[str, NDArray[Any]]:
    """The buffers of the modules, numbered and named."""
    return {f"{i}.{k}": b.detach().cpu().numpy().copy() for i, m in enumerate(modules) for k, b in m.named_buffers()}


def fill(flat: Float32, buffers: dict[str, NDArray[Any]], *modules: nn.Module) -> None:
    """Write flat weights and buffers into modules of the same shape."""
    vector, start = torch.from_numpy(flat), 0
    with torch.no_grad():
        for p in nn.ModuleList(modules).parameters():
            p.copy_(vector[start : start + p.numel()].view_as(p))
            start += p.numel()
        for i, module in enumerate(modules):
            for k, b in module.named_buffers():
                b.copy_(torch.from_numpy(buffers[f"{i}.{k}"]))


@final
class FunctionalEngine:
    """The running models of a group, differentiated automatically."""

    def __init__(self, group: Group) -> None:
        torch.set_num_threads(1)
        network = group.network
        if isinstance(network, Architecture):
            encoder, decoder = network.build(Seed(0))
            network = ModulePair(encoder, decoder, network.ambient_dim, None, str(network))
        self._group, self._network, self._members = group, network, group.running
        self._modules: tuple[nn.Module, nn.Module] = (network.encoder, network.decoder)
        self._objective: Objective = network.objective or RecipeObjective(group.recipe, network.ambient_dim)
        self._shared = shared_parameters(*self._modules)
        self._together = not any(isinstance(m, _ALONE) for part in self._modules for m in part.modules())
        self._load()

    def _load(self) -> None:
        group, device = self._group, self._group.device
        self._weights, self._moments, self._points = stacked(group, self._members, device)
        self._gradient = torch.zeros_like(self._weights)
        self._parameters, self._gradients = self._views(self._weights), self._views(self._gradient)
        self._buffers = {
            key: torch.from_numpy(np.stack([group.states[i].buffers[key] for i in self._members])).to(device)
            for key in group.states[self._members[0]].buffers
        }
        step, rates = group.states[self._members[0]].step, [group.rates[i] for i in self._members]
        self._update = Update(group.recipe, self._weights, self._gradient, self._moments, step, rates)

    def _views(self, flat: Tensor) -> dict[str, Tensor]:
        views, start = {}, 0
        for name, p in nn.ModuleList(self._modules).named_parameters():
            views[name] = flat[:, start : start + p.numel()].view(-1, *p.shape)
            start += p.numel()
        return views

    def _loss(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], rows: Tensor, noise: Tensor) -> Tensor:
        given = {**parameters, **buffers}

        def call(i: int, x: Tensor) -> Tensor:
            mark = f"{i}."
            own = {k.removeprefix(mark): v for k, v in given.items() if k.startswith(mark)}
            own.update({name: given[owner] for name, owner in self._shared[i].items()})
            out: Tensor = torch.func.functional_call(self._modules[i], own, (x,))
            return out

        return self._objective(lambda x: call(0, x), lambda x: call(1, x), rows, noise)

    def _gradients_of(self, rows: Tensor, noise: Tensor, step: int) -> Tensor:
        """The losses of all models, shape (N,); leaves their gradients behind."""
        if self._together:
            try:
                gradients, losses = torch.func.vmap(torch.func.grad_and_value(self._loss))(
                    self._parameters, self._buffers, rows, noise
                )
            except RuntimeError as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                self._together = False  # an operation without a batching rule
            else:
                for name, gradient in gradients.items():
                    self._gradients[name].copy_(gradient)
                return losses.detach()  # type: ignore[no-any-return]
        return torch.stack([self._alone(row, rows[row], noise[row], step) for row in range(len(rows))])

    def _alone(self, row: int, rows: Tensor, noise: Tensor, step: int) -> Tensor:
        own = {name: p[row].detach().requires_grad_() for name, p in self._parameters.items()}
        buffers = {name: b[row] for name, b in self._buffers.items()}
        key = self._group.keys[self._members[row]][1]
        with torch.random.fork_rng(), torch.enable_grad():
            torch.random.manual_seed(step_seed(key + 1, step))
            loss = self._loss(own, buffers, rows, noise)
            gradients = torch.autograd.grad(loss, list(own.values()), allow_unused=True)
        for name, gradient in zip(own, gradients, strict=True):
            if gradient is not None:
                self._gradients[name][row] = gradient
        return loss.detach()

    def _noise(self, members: Sequence[int], count: int, step: int) -> Tensor:
        width = self._objective.noise
        noise = torch.empty((len(members), count, width))
        if width:
            for row, i in enumerate(members):
                generator = torch.Generator().manual_seed(step_seed(self._group.keys[i][1], step))
                noise[row].normal_(generator=generator)
        return noise.to(self._group.device)

    @torch.no_grad()
    @flushed()
    def run(self, members: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
        """See `Engine`."""
        if list(members) != self._members:
            self.store()
            self._members = list(members)
            self._load()
        group, count, device = self._group, len(members), self._group.device
        rows, counts = batches(group, members, start, stop)
        index = torch.from_numpy(rows.astype(np.int64)).to(device)
        shares = torch.from_numpy(factors(group, start, stop)).to(device)
        which = torch.arange(count, device=device)[:, None]
        losses = torch.empty((stop - start, count), device=device)
        for s in range(stop - start):
            some = int(counts[s])
            batch = self._points[which, index[:, s, :some]]
            losses[s] = self._gradients_of(batch, self._noise(members, some, start + s), start + s) * some
            self._update(shares[s])
        return losses.cpu().numpy().T.astype(np.float64)

    @torch.no_grad()
    def reconstruct(self, member: int, points: Float32) -> Float32:
        """See `Engine`."""
        self.store()
        state = self._group.states[member]
        fill(state.weights, state.buffers, *self._modules)
        device = self._group.device
        for module in self._modules:
            module.to(device).eval()
        parts = torch.split(torch.from_numpy(np.ascontiguousarray(points)).to(device), _ROWS)
        outputs: Float32 = torch.cat([self._modules[1](self._modules[0](p)) for p in parts]).cpu().numpy()
        for module in self._modules:
            module.to("cpu").train()  # what `fill` writes into
        return outputs

    def store(self) -> None:
        """See `Engine`."""
        weights, moments = self._weights.cpu().numpy(), self._moments.cpu().numpy()
        buffers = {key: b.cpu().numpy() for key, b in self._buffers.items()}
        for row, i in enumerate(self._members):
            state = self._group.states[i]
            state.weights[:], state.moments[:] = weights[row], moments[:, row]
            state.buffers = {key: np.array(b[row]) for key, b in buffers.items()}
