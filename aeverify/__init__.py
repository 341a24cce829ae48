"""aeverify: which theorem-level claims about an autoencoder are true, with what evidence.

Public names are loaded when they are first used (PEP 562), so that importing aeverify costs nothing: no numpy, torch,
gudhi or hypothesis is imported until something needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeverify import autoencoders, claims, data, manifolds, measure, reporting, testing, widths
    from aeverify.autoencoders.files import open_model
    from aeverify.autoencoders.oracles import oracle
    from aeverify.autoencoders.protocol import Autoencoder
    from aeverify.core import Evidence, ExitCode, GatePolicy, Interval, Outcome, Reason, Report, Rigor, Seed, Verdict
    from aeverify.data import DataSet, load_data
    from aeverify.errors import AeverifyError
    from aeverify.manifolds import Manifold, manifold
    from aeverify.pipeline import check, run
    from aeverify.replaying import replay

__version__ = "0.1.0.dev0"

_HOME = {
    "AeverifyError": "aeverify.errors",
    "Autoencoder": "aeverify.autoencoders.protocol",
    "DataSet": "aeverify.data",
    "Evidence": "aeverify.core",
    "ExitCode": "aeverify.core",
    "GatePolicy": "aeverify.core",
    "Interval": "aeverify.core",
    "Manifold": "aeverify.manifolds",
    "Outcome": "aeverify.core",
    "Reason": "aeverify.core",
    "Report": "aeverify.core",
    "Rigor": "aeverify.core",
    "Seed": "aeverify.core",
    "Verdict": "aeverify.core",
    "check": "aeverify.pipeline",
    "load_data": "aeverify.data",
    "manifold": "aeverify.manifolds",
    "open_model": "aeverify.autoencoders.files",
    "oracle": "aeverify.autoencoders.oracles",
    "replay": "aeverify.replaying",
    "run": "aeverify.pipeline",
}
_ROOMS = ("autoencoders", "claims", "data", "manifolds", "measure", "reporting", "testing", "widths")

__all__ = [
    "AeverifyError",
    "Autoencoder",
    "DataSet",
    "Evidence",
    "ExitCode",
    "GatePolicy",
    "Interval",
    "Manifold",
    "Outcome",
    "Reason",
    "Report",
    "Rigor",
    "Seed",
    "Verdict",
    "__version__",
    "autoencoders",
    "check",
    "claims",
    "data",
    "load_data",
    "manifold",
    "manifolds",
    "measure",
    "open_model",
    "oracle",
    "replay",
    "reporting",
    "run",
    "testing",
    "widths",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"aeverify.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'aeverify' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
