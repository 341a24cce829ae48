"""Shapes: models of images and other tensors as maps of rows, the shape kept for the modules."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aeverify.autoencoders.validation import is_count
from aeverify.errors import AeverifyError, ModelError, UsageError

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]

MAX_COORDINATES = 2**24
"""Most coordinates of one point."""


def require_shape(shape: object, what: str) -> Shape:
    """A shape of one point such as (1, 28, 28), without the batch.

    Raises:
        UsageError: not a list of positive integers, or too many coordinates.
    """
    if is_count(shape):
        shape = (shape,)
    if not isinstance(shape, Sequence) or isinstance(shape, str) or not shape or not all(is_count(s) for s in shape):
        raise UsageError(
            f"{what} must be the shape of one point without the batch, such as (1, 28, 28), got {shape!r}."
        )
    sizes = tuple(int(s) for s in shape)
    if math.prod(sizes) > MAX_COORDINATES:
        raise UsageError(f"{what}={sizes} has {math.prod(sizes)} coordinates; at most {MAX_COORDINATES} are taken.")
    return sizes


def row_modules(
    encoder: nn.Module, decoder: nn.Module, input_shape: object, latent_shape: object
) -> tuple[nn.Module, nn.Module, int, int]:
    """Modules on tensors as modules on rows, with n and m: the shape is put back before each and flattened after it.

    The shape of a code, where it is not given, is read by running a copy of the encoder, in eval mode and float64, on
    two points of zeros.

    Raises:
        UsageError: a shape that is none.
        ModelError: the encoder does not accept points of that shape, or returns anything but one tensor.
    """
    from torch import nn

    for what, module in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(module, nn.Module):
            raise UsageError(f"The {what} must be a torch.nn.Module, got {type(module).__name__}.")
    before = require_shape(input_shape, "input_shape")
    if latent_shape is None:
        code: Shape = _code_shape(encoder, before)
    else:
        code = require_shape(latent_shape, "latent_shape")
    n, m = math.prod(before), math.prod(code)
    return _between(encoder, before), _between(decoder, code), n, m


def _between(module: nn.Module, before: Shape) -> nn.Module:
    """The module with an Unflatten before it, where its input is no row, and a Flatten after it."""
    from torch import nn

    from aeverify.autoencoders.blocks import is_plain

    layers = list(module) if type(module) is nn.Sequential and is_plain(module) else [module]
    takes_rows = bool(layers) and type(layers[0]) is nn.Flatten and layers[0].start_dim == 1
    gives_rows = bool(layers) and (type(layers[-1]) is nn.Linear or type(layers[-1]) is nn.Flatten)
    first = [] if len(before) == 1 or takes_rows else [nn.Unflatten(1, before)]
    last = [] if gives_rows and (takes_rows or len(before) == 1) else [nn.Flatten(1)]
    return nn.Sequential(*first, *layers, *last).train(module.training) if first or last else module


def code_size(encoder: nn.Module, before: Shape) -> int:
    """How many numbers a code has, found by running a copy of the encoder in eval mode and float64 on zeros.

    Raises:
        ModelError: the encoder does not accept points of that shape, or returns anything but one tensor.
    """
    return math.prod(_code_shape(encoder, before))


def _code_shape(encoder: nn.Module, before: Shape) -> Shape:
    import torch

    try:
        probe = copy.deepcopy(encoder).cpu().double().eval()
        with torch.no_grad():
            out = probe(torch.zeros(2, *before, dtype=torch.float64))
    except AeverifyError:
        raise
    except Exception as error:
        raise ModelError(
            f"The encoder raised {type(error).__name__} on an array of shape {(2, *before)}: {error}. Check "
            "input_shape= (one point, without the batch), and that the module computes in float64 too."
        ) from error
    from aeverify.autoencoders.outputs import require_tensor

    found = require_tensor(out, 2, "m")
    return tuple(found.shape[1:]) or (1,)
