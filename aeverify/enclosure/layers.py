"""Torch modules to stages, one rule a layer.

Supported: Linear, Conv1d/2d, ConvTranspose1d/2d (zero padding), Upsample (nearest), AvgPool1d/2d, BatchNorm1d/2d in
eval mode with running statistics, Flatten, Unflatten, Identity, Dropout (eval), Sequential, `Residual`, `Quotient`;
ReLU, LeakyReLU, ELU, SiLU, GELU (exact), Softplus, Tanh, Sigmoid, `Sine`, `Cosine`. Anything else is named in the
error.

Layers that act on images become matrices by applying them, without bias, to the unit vectors: each entry is then one
kernel weight (or 0, or 1/k of a pooling window), which is checked. A residual block x + F(x) becomes a plain row of
stages by carrying x beside the features of F through identity columns that no activation touches.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from aeverify.autoencoders.blocks import DROPOUTS, Cosine, Quotient, Residual, Sine, is_plain
from aeverify.enclosure.network import Affine, Network, Stage, build_network
from aeverify.enclosure.relaxations import Activation, LeakyReLU
from aeverify.enclosure.rounding import UNIT
from aeverify.enclosure.smooth import ELU, GELU, Sigmoid, SiLU, Softplus, Tanh
from aeverify.enclosure.smooth import Sine as SineRule
from aeverify.errors import ModelError

MAX_ENTRIES = 2**26
"""Largest matrix of one layer, in entries (512 MiB)."""

Shape = tuple[int, ...]


def _fail(module: nn.Module, why: str) -> ModelError:
    return ModelError(f"The layer {module} {why}.")


def _image_matrix(module: nn.Module, shape: Shape) -> tuple[Tensor, Shape]:
    """Matrix of a linear layer without bias, by applying it to unit vectors; exact where each entry is one weight."""
    size = math.prod(shape)
    out_shape: Shape = tuple(module(torch.zeros(1, *shape, dtype=torch.float64)).shape[1:])
    if size * math.prod(out_shape) > MAX_ENTRIES:
        raise _fail(module, f"is a matrix of {size} x {math.prod(out_shape)} entries; the limit is {MAX_ENTRIES}")
    rows = []
    for start in range(0, size, 256):
        unit = torch.zeros(min(256, size - start), size, dtype=torch.float64)
        unit[torch.arange(len(unit)), start + torch.arange(len(unit))] = 1.0
        rows.append(module(unit.reshape(-1, *shape)).flatten(1))
    return torch.cat(rows), out_shape


def _linear(module: nn.Linear, shape: Shape) -> tuple[list[Stage], Shape]:
    if len(shape) != 1 or shape[0] != module.in_features:
        raise _fail(module, f"got features of shape {shape}; put a Flatten before it or check its width")
    bias = torch.zeros(module.out_features, dtype=torch.float64) if module.bias is None else module.bias
    return [Affine(module.weight.T.contiguous(), bias.clone())], (module.out_features,)


def _convolution(module: Any, shape: Shape) -> tuple[list[Stage], Shape]:
    if module.padding_mode != "zeros":
        raise _fail(module, f"pads by {module.padding_mode!r}; only zero padding is supported")
    bare = copy.deepcopy(module)
    bare.bias = None
    matrix, out_shape = _image_matrix(bare, shape)
    known = torch.cat([module.weight.flatten(), torch.zeros(1, dtype=torch.float64)])
    if not bool(torch.isin(matrix, known).all()):
        raise _fail(module, "could not be written as a matrix of its weights; please report it")
    per_channel = torch.zeros(out_shape[0], dtype=torch.float64) if module.bias is None else module.bias
    bias = per_channel.repeat_interleave(math.prod(out_shape[1:]))
    return [Affine(matrix, bias)], out_shape


def _pooling(module: Any, shape: Shape) -> tuple[list[Stage], Shape]:
    matrix, out_shape = _image_matrix(module, shape)
    counts = (1.0 / matrix[matrix != 0]).round()
    if not bool(((matrix[matrix != 0] * counts - 1.0).abs() <= 4 * UNIT).all()):
        raise _fail(module, "does not average with weights 1/k")
    return [Affine(matrix, torch.zeros(matrix.shape[1], dtype=torch.float64), relative=4 * UNIT)], out_shape


def _upsampling(module: nn.Upsample, shape: Shape) -> tuple[list[Stage], Shape]:
    if module.mode != "nearest":
        raise _fail(module, f"interpolates by {module.mode!r}; only 'nearest' is supported")
    matrix, out_shape = _image_matrix(module, shape)
    if not bool(((matrix == 0) | (matrix == 1)).all() and (matrix.sum(0) == 1).all()):
        raise _fail(module, "is not a nearest-neighbour upsampling")
    return [Affine(matrix, torch.zeros(matrix.shape[1], dtype=torch.float64))], out_shape


def _batch_norm(module: Any, shape: Shape) -> tuple[list[Stage], Shape]:
    if module.training or module.running_mean is None or module.running_var is None:
        raise _fail(
            module, "normalises by the batch: not a function of one point. Train with running statistics, use eval()"
        )
    if shape[0] != module.num_features:
        raise _fail(module, f"got features of shape {shape}")
    # s = weight / sqrt(var + eps): an addition, a root, a division, and eps itself: within 4 u.
    weight = torch.ones_like(module.running_var) if module.weight is None else module.weight
    shift = torch.zeros_like(module.running_var) if module.bias is None else module.bias
    scale = weight / torch.sqrt(module.running_var + module.eps)
    bias = shift - module.running_mean * scale
    error = 16 * UNIT * (shift.abs() + (module.running_mean * scale).abs())
    repeat = math.prod(shape[1:])
    diagonal = torch.diag(scale.repeat_interleave(repeat))
    stage = Affine(diagonal, bias.repeat_interleave(repeat), 8 * UNIT, error.repeat_interleave(repeat))
    return [stage], shape


def _quotient(module: Quotient, shape: Shape) -> tuple[list[Stage], Shape]:
    divisor = module.divisor.double()
    if tuple(divisor.shape) not in ((), shape):
        raise _fail(module, f"divides points of shape {tuple(divisor.shape)} and got features of shape {shape}")
    if not bool(((divisor.abs() > 1e-300) & (divisor.abs() < 1e300)).all()):
        raise _fail(module, "divides by a number whose inverse is not a normal float64 number")
    size = math.prod(shape)
    if size * size > MAX_ENTRIES:
        raise _fail(module, f"is a matrix of {size} x {size} entries; the limit is {MAX_ENTRIES}")
    # 1/d is rounded once, within u of its value
    inverse = (1.0 / divisor).expand(shape).reshape(-1)
    return [Affine(torch.diag(inverse), torch.zeros(size, dtype=torch.float64), relative=2 * UNIT)], shape


def _flatten(module: nn.Flatten, shape: Shape) -> tuple[list[Stage], Shape]:
    if module.start_dim != 1 or module.end_dim not in (-1, len(shape)):
        raise _fail(module, "must flatten everything but the batch")
    return [], (math.prod(shape),)


def _unflatten(module: nn.Unflatten, shape: Shape) -> tuple[list[Stage], Shape]:
    sizes: Iterable[Any] = module.unflattened_size
    target = tuple(int(s) for s in sizes)
    if module.dim not in (1, -1) or len(shape) != 1 or -1 in target or math.prod(target) != shape[0]:
        raise _fail(module, f"got features of shape {shape}; give all sizes, with product {math.prod(shape)}")
    return [], target


def _residual(module: Residual, shape: Shape) -> tuple[list[Stage], Shape]:
    inner, out_shape = _stages(module.body, shape)
    if out_shape != shape:
        raise _fail(module, f"adds features of shapes {shape} and {out_shape}")
    size = math.prod(shape)
    eye = torch.eye(size, dtype=torch.float64)
    none = torch.zeros(size, dtype=torch.float64)
    if not inner or not isinstance(inner[0], Affine):
        inner = [Affine(eye, none), *inner]
    if len(inner) == 1 or not isinstance(inner[-1], Affine):
        inner = [*inner, Affine(eye, none)]
    rows: list[Stage] = []
    width = size
    for i, stage in enumerate(inner):
        if not isinstance(stage, Affine):
            rows.append(stage.extended(width, size, eye.device))
            continue
        before, after = stage.weight.shape
        width = after
        pad = torch.zeros(size, dtype=torch.float64)
        error = torch.zeros(after, dtype=torch.float64) if stage.bias_error is None else stage.bias_error
        block: Tensor
        if i == 0:
            block = torch.cat([stage.weight, eye], 1)
        elif i == len(inner) - 1:
            block = torch.cat([stage.weight, eye])
        else:
            block = torch.block_diag(stage.weight, eye)  # type: ignore[no-untyped-call]
        bias = stage.bias
        if block.shape[1] > after:
            bias, error = torch.cat([bias, pad]), torch.cat([error, pad])
        if block.numel() > MAX_ENTRIES:
            raise _fail(module, f"is a matrix of {before + size} x {after + size} entries; the limit is {MAX_ENTRIES}")
        rows.append(Affine(block, bias, stage.relative, error))
    return rows, shape


def _gelu(module: nn.GELU) -> Activation:
    if module.approximate != "none":
        raise _fail(module, "uses the tanh approximation; only the exact GELU is supported")
    return GELU()


def _elu(module: nn.ELU) -> Activation:
    if not 0 < module.alpha < 1e6:
        raise _fail(module, "needs a positive alpha")
    return ELU(alpha=float(module.alpha))


def _softplus(module: nn.Softplus) -> Activation:
    if not (0 < module.beta < 1e6 and module.threshold >= 1):
        raise _fail(module, "needs a positive beta and a threshold of at least 1")
    return Softplus(beta=float(module.beta), threshold=float(module.threshold))


_ACTIVATIONS: dict[type[nn.Module], Callable[[Any], Activation]] = {
    nn.ReLU: lambda module: LeakyReLU(),
    nn.LeakyReLU: lambda module: LeakyReLU(negative=float(module.negative_slope)),
    nn.ELU: _elu,
    nn.SiLU: lambda module: SiLU(),
    nn.GELU: _gelu,
    nn.Softplus: _softplus,
    nn.Tanh: lambda module: Tanh(),
    nn.Sigmoid: lambda module: Sigmoid(),
    Sine: lambda module: SineRule(frequency=module.frequency),
    Cosine: lambda module: SineRule(frequency=module.frequency, cosine=True),
}

_LAYERS: dict[type[nn.Module], Callable[[Any, Shape], tuple[list[Stage], Shape]]] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.ConvTranspose1d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.Upsample: _upsampling,
    nn.AvgPool1d: _pooling,
    nn.AvgPool2d: _pooling,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.Identity: lambda module, shape: ([], shape),
    **dict.fromkeys(DROPOUTS, lambda module, shape: ([], shape)),
    Quotient: _quotient,
    Residual: _residual,
}


def supported_layers() -> tuple[str, ...]:
    """Names of the module types that have a rule."""
    return tuple(sorted(t.__name__ for t in (*_LAYERS, *_ACTIVATIONS, nn.Sequential)))


def _stages(module: nn.Module, shape: Shape) -> tuple[list[Stage], Shape]:
    if not is_plain(module):
        raise _fail(
            module, "has a forward hook, a forward of its own or a parametrization; what it computes is unknown"
        )
    if type(module) is nn.Sequential:
        stages: list[Stage] = []
        for child in module:
            more, shape = _stages(child, shape)
            stages += more
        return stages, shape
    kind = type(module)
    if kind in _ACTIVATIONS:
        return [_ACTIVATIONS[kind](module)], shape
    if kind not in _LAYERS:
        raise ModelError(
            f"The layer {kind.__name__} has no certified rule. Supported: {', '.join(supported_layers())}. Write the "
            "network with these, or measure it by sampling instead."
        )
    try:
        return _LAYERS[kind](module, shape)
    except (RuntimeError, ValueError, IndexError) as error:
        raise _fail(module, f"does not accept features of shape {shape}: {error}") from error


def _regular(stages: list[Stage], width: int) -> tuple[Stage, ...]:
    """The same function with an identity map put wherever an activation is not between two affine maps."""

    result: list[Stage] = []
    for stage in [*stages, None]:
        if not isinstance(stage, Affine) and not (result and isinstance(result[-1], Affine)):
            result.append(Affine(torch.eye(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)))
        if isinstance(stage, Affine):
            width = int(stage.weight.shape[1])
        if stage is not None:
            result.append(stage)
    return tuple(result)


def network_from_modules(encoder: nn.Module, decoder: nn.Module, *, ambient_dim: int, latent_dim: int) -> Network:
    """The real function of the stored weights of two torch modules, as stages in float64.

    The modules are copied, put in eval mode and converted to float64 (exact for float32 and half weights).

    Raises:
        ModelError: a layer without a rule (named), shapes that do not fit, NaN or infinite weights.
    """
    parts = []
    with torch.no_grad():
        for name, module, before, after in (
            ("encoder", encoder, ambient_dim, latent_dim),
            ("decoder", decoder, latent_dim, ambient_dim),
        ):
            exact = copy.deepcopy(module).cpu().double().eval().requires_grad_(False)
            if any(not bool(torch.isfinite(t).all()) for t in (*exact.parameters(), *exact.buffers())):
                raise ModelError(
                    f"The {name} has NaN or infinite weights; no bound can be computed. Load another file."
                )
            stages, shape = _stages(exact, (before,))
            if math.prod(shape) != after:
                raise ModelError(f"The {name} returns {math.prod(shape)} features; expected {after}.")
            parts.append(_regular(stages, before))
    return build_network(parts[0], parts[1])
