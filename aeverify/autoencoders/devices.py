"""Devices: where a model is evaluated."""

from __future__ import annotations

from aeverify.errors import UsageError


def require_device(device: str) -> str:
    """A device that torch can use here: "cpu", "cuda" or "cuda:N"; "auto" is "cuda" where there is one.

    Raises:
        UsageError: another name, or a device that is not there.
    """
    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if device == "cpu":
        return "cpu"
    if kind not in ("cuda", "auto") or (number and not (number.isdecimal() and kind == "cuda")):
        raise UsageError(f"The device must be 'cpu', 'cuda', 'cuda:N' or 'auto', got {device!r}.")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return "cuda" if count else "cpu"
    if int(number or 0) >= count:
        raise UsageError(
            f"The device {device!r} was asked for, and torch {torch.__version__} finds {count} CUDA devices here. "
            "Leave the device out (cpu), or install torch with CUDA on a machine that has one."
        )
    return device
