"""What counts as a number in a specification or a recipe: booleans do not, NaN and infinities do not."""

from __future__ import annotations

import math
from typing import TypeGuard


def is_count(value: object) -> TypeGuard[int]:
    """True for a positive integer."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_real(value: object) -> TypeGuard[float]:
    """True for a finite int or float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
