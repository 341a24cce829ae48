"""torch's datasets and loaders: the first element of each example, read once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from aeverify.data import load_data
from aeverify.errors import UsageError

PICTURES = torch.arange(60.0).reshape(5, 1, 3, 4)


class Stream(IterableDataset):
    """Examples without a length."""

    def __init__(self, examples) -> None:
        self.examples = examples

    def __iter__(self):
        return iter(self.examples)


class Items(Dataset):
    """Examples with a length, which do not stop by themselves."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, i: int):
        return PICTURES[i].numpy(), i


@pytest.mark.parametrize(
    "source",
    [
        TensorDataset(PICTURES, torch.arange(5)),
        DataLoader(TensorDataset(PICTURES, torch.arange(5)), batch_size=2),
        DataLoader(TensorDataset(PICTURES), batch_size=None),
        Stream(PICTURES),
        Items(),
        [row.numpy() for row in PICTURES],
        (row for row in PICTURES),
    ],
    ids=["dataset", "loader", "loader of examples", "stream", "items", "list", "generator"],
)
def test_examples_become_rows(source):
    """With their shape kept and their labels left out."""
    data = load_data(source, held_out=0.4)
    assert (len(data), data.shape, data.ambient_dim) == (5, (1, 3, 4), 12)
    np.testing.assert_array_equal(data.rows(range(5)), PICTURES.reshape(5, 12).numpy())


def test_tensors_that_need_gradients_are_read():
    """They are detached."""
    assert len(load_data(TensorDataset(PICTURES.clone().requires_grad_()))) == 5


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Stream([]), "no examples"),
        (Stream([{"image": np.zeros(3)}]), "mapping with keys"),
        (Stream([np.zeros(3), np.zeros(4)]), "shapes"),
        (Stream(["text"]), "<U4"),
        (Stream([np.zeros(3, dtype=object)]), "Python objects"),
        (Stream(iter([1 / 0 for _ in ()])), "no examples"),
        (Stream(np.zeros((11, 2))), "limit of 10"),
        (Stream(itertools.repeat(np.zeros(2))), "limit of 10"),
        (Stream([np.full(2, np.nan)]), "NaN or infinity"),
    ],
)
def test_examples_that_are_no_rows_are_refused(source, words: str):
    """An endless stream too."""
    with pytest.raises(UsageError, match=words):
        load_data(source, limit=10)


def test_what_a_dataset_raises_is_reported():
    """With the name of the error."""

    class Broken(Dataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, i: int):
            raise RuntimeError("disk gone")

    with pytest.raises(UsageError, match="Broken raised RuntimeError while it was read: disk gone"):
        load_data(Broken())


def test_examples_beyond_the_memory_are_refused():
    """They cannot be read again in the same order, so they are kept or refused."""
    with pytest.raises(UsageError, match="more than 100 bytes"):
        load_data(TensorDataset(PICTURES), memory=100)
