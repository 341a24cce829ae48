"""The order of the rows in every epoch, the same on every device and whatever is trained beside a model.

Row i of epoch e gets the key mix(key + G (e count + i + 1)) with the finaliser of SplitMix64 (Steele, Lea and Flood
2014), a bijection of the 64-bit integers whose values on a counter pass for random; the rows are taken in ascending
order of their keys. Nothing is carried from one epoch to the next, so that a run can be resumed at any step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BITS = tuple(np.uint64(n) for n in (30, 27, 31))


def mixed(counter: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 on each number."""
    x = (counter ^ (counter >> _BITS[0])) * _FIRST
    x = (x ^ (x >> _BITS[1])) * _SECOND
    return x ^ (x >> _BITS[2])


def epoch_order(key: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The rows 0 ... count - 1 in the order of that epoch (from 0), for the stream `key`, an integer below 2^64."""
    first = (epoch * count + 1) % 2**64
    counter = np.arange(count, dtype=np.uint64) + np.uint64(first)
    keys = mixed(np.uint64(key % 2**64) + _GOLDEN * counter)
    return np.argsort(keys, kind="stable")


def step_seed(key: int, step: int) -> int:
    """A 63-bit seed for the noise of one step."""
    counter = np.array([(key + step * int(_GOLDEN)) % 2**64], dtype=np.uint64)
    return int(mixed(counter)[0]) >> 1


def epoch_orders(keys: torch.Tensor, epoch: int, count: int) -> torch.Tensor:
    """`epoch_order` of several streams on the device of `keys` (int64, shape (N,), two's complement): shape (N, count).

    The same bits: 64-bit products wrap alike, a logical shift is an arithmetic one with its upper bits cleared, and
    unsigned order is signed order after the top bit is turned.
    """
    import torch

    def signed(number: int) -> int:
        number %= 2**64
        return number - 2**64 if number >= 2**63 else number

    def shifted(x: torch.Tensor, bits: int) -> torch.Tensor:
        return (x >> bits) & ((1 << (64 - bits)) - 1)

    counter = torch.arange(count, dtype=torch.int64, device=keys.device) + signed(epoch * count + 1)
    x = keys[:, None] + counter * signed(int(_GOLDEN))
    x = (x ^ shifted(x, 30)) * signed(int(_FIRST))
    x = (x ^ shifted(x, 27)) * signed(int(_SECOND))
    x = x ^ shifted(x, 31)
    return torch.argsort(x ^ signed(1 << 63), dim=1, stable=True)
