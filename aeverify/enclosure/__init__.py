"""Certified enclosures of the reconstruction error over chart boxes, rounding included.

`enclose_sup_error`, `enclose_bad_set` and `decide_requirement` are the three questions; `network_from_modules` turns
torch modules into what they take. The package is imported lazily, because it needs torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "Decision": "questions",
    "Enclosure": "questions",
    "Network": "network",
    "Residual": "layers",
    "decide_requirement": "api",
    "enclose_bad_set": "api",
    "enclose_sup_error": "api",
    "lipschitz_bound": "lipschitz",
    "network_from_modules": "layers",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
