"""Which device and which engine train a network, and what says that memory ran out."""

from __future__ import annotations

import os

import torch

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.engines.native import kernel, supports
from aeverify.autoencoders.members import Modules
from aeverify.autoencoders.recipes import Recipe
from aeverify.errors import UsageError


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_for(device: str) -> str:
    """ "cpu" or "cuda".

    Raises:
        UsageError: an unknown device, or CUDA where torch sees none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device must be auto, cpu or cuda, got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("The device cuda was asked for and torch sees none here: use device 'auto' or 'cpu'.")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def engine_for(network: Architecture | Modules, how: Recipe, device: str, wanted: str) -> str:
    """The engine that trains a network by a recipe on a device; see `train_ensemble`.

    Raises:
        UsageError: an engine that does not exist or cannot do this.
    """
    if wanted not in ("auto", "native", "flat", "functional"):
        raise UsageError(f"engine must be auto, native, flat or functional, got {wanted!r}.")
    general = not isinstance(network, Architecture) or not how.is_plain
    if wanted == "functional" or (general and wanted == "auto"):
        return "functional"
    if general:
        raise UsageError(
            f"The engine {wanted} trains fully connected architectures by the mean squared error alone; {network} with "
            f"the recipe {how.name} asks for the engine functional."
        )
    assert isinstance(network, Architecture)
    if device == "cuda" and wanted == "auto":
        return "graph"
    if wanted == "native" and not supports(network):
        raise UsageError(f"The engine native has relu and leaky_relu (slope >= 0) only, not {network.activation}.")
    if wanted == "native" and kernel() is None:
        raise UsageError("The engine native needs a C compiler (cc, or what CC names); use engine 'flat' without one.")
    return "native" if wanted != "flat" and supports(network) and kernel() is not None else "flat"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the host or on a device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and ("out of memory" in str(error) or "can't allocate memory" in str(error))
