"""Provenance: what a reader needs to do a run again."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import datetime
from importlib import metadata

from aeverify.core.report import Provenance

_LIBRARIES = ("aeverify", "numpy", "scipy", "torch", "gudhi", "python-flint", "numba")


def provenance(seed: int, command: str, begun: datetime, seconds: float, device: str) -> Provenance:
    """Versions, device, number format, root seed, command line and duration of a run that began at `begun`."""
    import torch

    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return Provenance(
        versions=versions,
        device=torch.cuda.get_device_name() if device != "cpu" and torch.cuda.is_available() else "cpu",
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        dtype="float64 evaluation of the stored weights",
        root_seed=seed,
        command=command or shlex.join(sys.argv),
        started=begun.isoformat(timespec="seconds"),
        duration_seconds=round(seconds, 3),
    )
