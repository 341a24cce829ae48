"""Data sets and loaders of torch, and whatever else gives examples one by one: read once, the first element of each.

Nothing here imports torch: a dataset is what has a length and items, a loader what can be iterated over and says that
it loads a dataset, and a tensor what can be detached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.data.source import ArraySource, float_rows, require_limit, require_numeric
from aeverify.errors import UsageError


def is_loader(value: Any) -> bool:
    """Whether a value gives batches: a DataLoader."""
    return hasattr(value, "dataset") and hasattr(value, "batch_size") and hasattr(value, "__iter__")


def is_dataset(value: Any) -> bool:
    """Whether a value gives examples: a Dataset, an IterableDataset or a sequence of arrays."""
    if isinstance(value, bytes | bytearray | memoryview | Mapping):
        return False
    return hasattr(value, "__getitem__") or hasattr(value, "__iter__")


def loaded(value: Any, name: str, limit: int, memory: int) -> ArraySource:
    """The examples of a dataset or loader as rows.

    They are read once, since a loader may shuffle and a dataset may draw its augmentations anew: what was read is what
    is judged.

    Args:
        value: a Dataset or DataLoader; of tuples (x, label) the x is taken.
        name: what to call it.
        limit: largest number of rows.
        memory: bytes that the rows may take.

    Raises:
        UsageError: no examples, too many, of different shapes, no numbers, or an example that cannot be read.
    """
    batched = is_loader(value) and value.batch_size is not None
    parts: list[NDArray[Any]] = []
    shape: tuple[int, ...] | None = None
    count = size = 0
    for index, example in enumerate(_examples(value, name)):
        array = _array(example, f"{'batch' if batched else 'example'} {index} of {name}")
        if batched:
            if array.ndim < 2:
                raise UsageError(f"Batch {index} of {name} has shape {array.shape}; expected (batch size, ...).")
        else:
            array = array.reshape(1, *(array.shape or (1,)))
        shape = array.shape[1:] if shape is None else shape
        if array.shape[1:] != shape:
            raise UsageError(
                f"Examples of {name} have shapes {shape} and {array.shape[1:]}; all of a data set have the same."
            )
        count, size = count + len(array), size + 8 * array.size
        require_limit(count, name, limit)
        if size > memory:
            raise UsageError(
                f"The examples of {name} take more than {memory} bytes: save them as .npy, which is streamed, or give "
                "more memory."
            )
        # a copy, since a loader may fill one buffer again and again
        parts.append(float_rows(array, name).copy())
    if shape is None or not count:
        raise UsageError(f"{name} gives no examples; expected at least one.")
    return ArraySource(np.concatenate(parts).reshape(count, *shape), name, limit)


def _examples(value: Any, name: str) -> Iterator[Any]:
    iterable: Iterable[Any] = value if hasattr(value, "__iter__") else _items(value)
    try:
        yield from iterable
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{name} raised {type(error).__name__} while it was read: {error}") from error


def _items(value: Any) -> Iterator[Any]:
    """The items 0, 1, ... of a sequence, which need not stop by itself at its length."""
    if hasattr(value, "__len__"):
        for i in range(len(value)):
            yield value[i]
        return
    index = 0
    while True:
        try:
            yield value[index]
        except IndexError:
            return
        index += 1


def _array(example: Any, name: str) -> NDArray[Any]:
    if isinstance(example, tuple | list) and len(example) and not isinstance(example[0], int | float):
        example = example[0]
    if isinstance(example, Mapping):
        raise UsageError(
            f"The {name} is a mapping with keys {list(example)[:10]}: wrap the data set so that it gives the array, or "
            "a tuple that starts with it."
        )
    if hasattr(example, "detach"):
        example = example.detach().cpu().numpy()
    try:
        array = np.asarray(example)
    except (ValueError, TypeError) as error:
        raise UsageError(f"The {name} is no array of numbers: {error}.") from None
    require_numeric(array.dtype, f"The {name}")
    return array
