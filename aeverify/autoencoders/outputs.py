"""Outputs: what a torch module returned, checked to be one real tensor with a row for each row that it was given."""

from __future__ import annotations

import torch

from aeverify.errors import ModelError


def require_tensor(out: object, rows: int, width: int | str) -> torch.Tensor:
    """What a module returned, checked to be one real tensor with an entry for each row that it was given.

    Raises:
        ModelError: it is not; the message says what to do.
    """
    if isinstance(out, tuple | list):
        shapes = ", ".join(str(tuple(t.shape)) if isinstance(t, torch.Tensor) else type(t).__name__ for t in out)
        raise ModelError(
            f"The module returned a {type(out).__name__} of {len(out)} ({shapes}), expected one tensor of shape "
            f"({rows}, {width}). Theorems are about two deterministic maps: of a variational encoder give the mean, by "
            "a module whose forward returns that tensor alone."
        )
    if not isinstance(out, torch.Tensor):
        keys = f" with the keys {', '.join(map(str, list(out)[:5]))}" if isinstance(out, dict) else ""
        raise ModelError(
            f"The module returned {type(out).__name__}{keys}, expected one tensor of shape ({rows}, {width}). Give a "
            "module whose forward returns that tensor alone."
        )
    if not out.is_floating_point():
        raise ModelError(
            f"The module returned a tensor of type {out.dtype}, expected real floating point numbers. Complex codes "
            "can be given as real and imaginary parts; integer codes are no continuous function of the point."
        )
    if out.ndim == 0 or len(out) != rows:
        raise ModelError(
            f"The module returned shape {tuple(out.shape)} for {rows} rows; expected ({rows}, {width}). The first "
            "axis has to be the batch."
        )
    return out


def require_rows(out: object, rows: int, width: int) -> torch.Tensor:
    """As `require_tensor`, of shape (rows, width)."""
    tensor = require_tensor(out, rows, width)
    if tuple(tensor.shape) != (rows, width):
        raise ModelError(
            f"The module returned shape {tuple(tensor.shape)} for {rows} rows; expected ({rows}, {width}). Check "
            "ambient_dim and latent_dim; for images give input_shape= (and latent_shape=), and rows are flattened."
        )
    return tensor
