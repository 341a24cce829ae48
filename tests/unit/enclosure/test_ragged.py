"""Passes over ragged rows: compiled loops and tensor operations against sums written out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from aeverify.enclosure import ragged
from aeverify.enclosure.ragged import Grouping, gather, relax, scale, shares, sides, spread

COUNT, SLOTS, WIDTH = 5, 4, 7
OWNER = [1, 1, 4, 0, 1, 3, 3, 4, 1]


@pytest.fixture(params=["loops", "tensors"])
def way(request, monkeypatch) -> str:
    """Either way to do it, on the processor."""
    if request.param == "tensors":
        monkeypatch.setattr(ragged, "_compiled", lambda tensor: False)
    return request.param


def _rows(seed: int = 0) -> torch.Tensor:
    """Small multiples of 1/8: every sum and product here is exact, in any order."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return torch.from_numpy(rng.integers(-16, 17, size=(SLOTS * COUNT + len(OWNER), WIDTH)) / 8.0)


def _mine(box: int) -> list[int]:
    """Numbers of the rows of a box, its first row first."""
    return [s * COUNT + box for s in range(SLOTS)] + [SLOTS * COUNT + i for i, b in enumerate(OWNER) if b == box]


def _groups() -> Grouping:
    return Grouping.of(torch.tensor(OWNER), COUNT)


def test_rows_are_grouped_by_box(way):
    """Each box gets its rows in their order; box 1 has the most, box 2 has none."""
    groups = _groups()
    parts = [groups.order[groups.starts[b] : groups.starts[b + 1]].tolist() for b in range(COUNT)]
    assert parts == [[3], [0, 1, 4, 8], [], [5, 6], [2, 7]]
    assert groups.most == 4


def test_no_ragged_rows(way):
    """Without ragged rows the spread is that of the blocks, and the sums are 0."""
    groups = Grouping.of(torch.empty(0, dtype=torch.long), COUNT)
    rows = _rows()[: SLOTS * COUNT].contiguous()
    assert groups.most == 0
    assert torch.equal(rows.view(SLOTS, COUNT, -1)[1:].abs().sum(0), spread(rows, SLOTS, groups))
    assert torch.equal(torch.zeros(COUNT, 2).double(), groups.sum(torch.empty(0, 2).double()))


def test_sums_by_box(way):
    """Sums of the ragged rows, and of the magnitudes of all rows but the first, box by box."""
    rows = _rows()
    ragged_rows = rows[SLOTS * COUNT :].contiguous()
    sums = torch.stack([ragged_rows[[i for i, b in enumerate(OWNER) if b == box]].sum(0) for box in range(COUNT)])
    far = torch.stack([rows[_mine(box)[1:]].abs().sum(0) for box in range(COUNT)])
    assert torch.equal(sums, _groups().sum(ragged_rows))
    assert torch.equal(far, spread(rows, SLOTS, _groups()))


def test_rows_are_scaled_by_their_box(way):
    """Every row is multiplied by the factors of its box."""
    rows, factors = _rows(), _rows(1)[:COUNT].contiguous()
    expected = rows.clone()
    for box in range(COUNT):
        expected[_mine(box)] *= factors[box]
    scale(rows, SLOTS, torch.tensor(OWNER), factors)
    assert torch.equal(expected, rows)


def test_new_rows_are_rows_of_the_weight(way):
    """Row i is row index[i] of the weight times length[i]."""
    weight = _rows()[:4].contiguous()
    index, length = torch.tensor([2, 2, 0]), torch.tensor([0.5, -1.0, 3.0]).double()
    out = torch.empty(3, WIDTH).double()
    gather(weight, index, length, out)
    assert torch.equal(torch.stack([weight[2] * 0.5, -weight[2], weight[0] * 3]), out)


@pytest.mark.parametrize("masked", [False, True])
def test_sides_of_zero(way, masked):
    """Above, below, across and exactly at 0, with a pad of each kind, an overflow, and a mask that calls all above."""
    center = torch.tensor([[3.0, -3.0, 1.0, -1.0, 2.0, -2.0, torch.nan]]).double()
    slope = torch.tensor([[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0]]).double()
    rounding = torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]]).double()
    mask = torch.arange(WIDTH) != 3 if masked else None
    rows = torch.cat([center, slope])
    found = sides(rows, 2, Grouping.of(torch.empty(0, dtype=torch.long), 1), rounding, 0.0, 0.25, mask)
    open_ = [2, 6] if masked else [2, 3, 6]
    assert found.neuron.tolist() == open_
    assert found.box.tolist() == [0] * len(open_)
    assert found.low.tolist()[:-1] == [-1.0, -3.0][: len(open_) - 1]
    assert found.high.tolist()[:-1] == [3.0, 1.0][: len(open_) - 1]
    assert torch.isnan(found.low[-1])
    assert found.slope.tolist() == [[1.0, 0.25, 0.25, 1.0 if masked else 0.25, 1.0, 0.25, 0.25]]
    assert found.alive.tolist() == [[True, False, True, True, True, False, True]]
    assert found.size.tolist()[0][:6] == [4.0, 4.0, 3.0, 3.0, 3.0, 3.0]


def test_a_loss_relative_to_the_size_opens_a_neuron(way):
    """3 +- 2 is above 0; with a loss of a quarter of its size, 5/4, it is not."""
    rows, rounding = torch.tensor([[3.0], [2.0]]).double(), torch.zeros(1, 1).double()
    none = Grouping.of(torch.empty(0, dtype=torch.long), 1)
    assert len(sides(rows, 2, none, rounding, 0.0, 0.0, None).box) == 0
    found = sides(rows, 2, none, rounding, 0.25, 0.0, None)
    assert (found.low.tolist(), found.high.tolist()) == ([-0.25], [6.25])


def test_open_neurons_are_relaxed(way):
    """Rows times slope, the offset to the centre alone, and to the size with the error; the others by their slope."""
    rows, groups, owner = _rows(), _groups(), torch.tensor(OWNER)
    rounding = _rows(2)[:COUNT].abs().contiguous()
    found = sides(rows, SLOTS, groups, rounding, 0.0, -0.5, None)
    assert len(found.box) > 5
    slope, offset, error = (torch.full((len(found.box),), x).double() for x in (0.5, 0.25, 0.125))
    factors = found.slope.clone()
    factors[found.box, found.neuron] = 0.5
    expected, pad = rows.clone(), rounding * factors.abs()
    for box in range(COUNT):
        expected[_mine(box)] *= factors[box]
    size = found.size * factors.abs()
    for b, j in zip(found.box.tolist(), found.neuron.tolist(), strict=True):
        expected[b, j] += 0.25
        size[b, j] += 0.375
    relax(rows, SLOTS, owner, found, slope, offset, error, rounding)
    assert torch.equal(expected, rows)
    assert torch.equal(pad, rounding)
    assert torch.equal(size, found.size)


def test_shares_of_the_axes(way):
    """|slope| over the sum of |slope|, and 0 where nothing moves."""
    rows = torch.tensor([[9.0, 9.0], [3.0, 0.0], [-1.0, 0.0]]).double()
    found = shares(rows, 2, 1, torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert found.tolist() == [[0.75, 0.25], [0.0, 0.0]]


def test_the_compiler_is_loaded_when_a_network_is_enclosed():
    """Importing the enclosures alone does not load it."""
    code = "import sys, aeverify.enclosure.subdivision; print('numba' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_loops_work_without_a_cache_folder(tmp_path):
    """Where the compiler finds no folder to write to, it compiles for the process alone."""
    code = (
        "import numba.core.caching as c\n"
        "c.CacheImpl._locator_classes = []\n"
        "import numpy as np\n"
        "from aeverify.enclosure import loops\n"
        "out = np.empty((1, 2))\n"
        "loops.gather(np.eye(2), np.array([1]), np.array([3.0]), out.reshape(1, 2))\n"
        "print(out.tolist())\n"
    )
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[[0.0, 3.0]]"
