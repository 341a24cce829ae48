"""DataSet: its parts, its repetitions, its fingerprint, and the estimates that bound nothing."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from aeverify.core import Interval, Outcome, Relation, Rigor
from aeverify.core.verdict import decide
from aeverify.data import HeldOut, Part, load_data
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def cloud(rows: int = 200, width: int = 3, seed: int = 0) -> np.ndarray:
    """Independent normal rows."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, width))


def test_a_share_is_drawn_by_its_seed():
    """The same seed holds out the same rows, another seed others; the parts are disjoint and make the whole."""
    first, again, other = (load_data(cloud(), held_out=0.25, seed=s) for s in (3, 3, 4))
    held = first.indices(Part.HELD_OUT)
    assert (len(held), first.count(Part.TRAINING), len(first)) == (50, 150, 200)
    assert held.tolist() == again.indices(Part.HELD_OUT).tolist() != other.indices(Part.HELD_OUT).tolist()
    assert sorted([*held, *first.indices(Part.TRAINING)]) == list(range(200))
    assert first.held_out == HeldOut("a share of 0.25 of the rows, drawn with seed 3", 0.25, 3)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 200), (0, 0), (1, 200), (np.float32(1), 200)])
def test_none_or_all_rows_can_be_held_out(share: float, count: int):
    """0 names no held-out row, 1 all of them."""
    assert load_data(cloud(), held_out=share).count(Part.HELD_OUT) == count


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, True, 0.001])
def test_shares_that_make_no_sense_are_refused(share: float):
    """Out of range, no number, or one that leaves a part empty."""
    with pytest.raises(UsageError, match="share"):
        load_data(cloud(), held_out=share)


def test_a_second_data_set_is_held_out(tmp_path: Path):
    """All its rows are, and its rows are numbered as its own."""
    np.save(tmp_path / "test.npy", cloud(10, seed=1))
    data = load_data(cloud(), held_out=str(tmp_path / "test.npy"), name="train")
    assert data.indices(Part.HELD_OUT).tolist() == list(range(200, 210))
    assert (data.where(203), data.where(3)) == ("row 3 of test.npy", "row 3 of train")
    np.testing.assert_array_equal(data.rows([203]), cloud(10, seed=1)[[3]])
    with pytest.raises(UsageError, match="rows of 2 numbers"):
        load_data(cloud(), held_out=cloud(5, 2))


def test_repetitions_are_counted_and_those_across_the_split_named():
    """A row that stands in both parts was not held out; -0.0 is 0.0."""
    x, y = cloud(20), cloud(5, seed=1)
    x[3], x[4] = x[5], 0.0
    y[2], y[4] = x[7], -0.0
    data = load_data(x, held_out=y)
    assert (data.duplicates, data.shared_count, data.shared_rows) == (3, 2, (22, 24))


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path):
    """It moves with a number, a shape, an order and a split, and not with the file's format or name."""
    x = cloud()
    np.save(tmp_path / "other.npy", x)
    base = load_data(x).fingerprint
    assert len(base) == 64
    assert load_data(tmp_path / "other.npy", memory=1).fingerprint == base
    moved = x.copy()
    moved[9, 1] = np.nextafter(moved[9, 1], 9.0)
    changed = [load_data(moved), load_data(x[::-1]), load_data(x.reshape(-1, 3, 1)), load_data(x, held_out=0.5)]
    assert base not in {d.fingerprint for d in changed}
    assert len({d.fingerprint for d in changed}) == 4


@pytest.mark.parametrize("memory", [1, 2**20])
def test_rows_and_subsets_are_those_of_the_array(tmp_path: Path, memory: int):
    """In any order, from memory or from the file."""
    x = cloud(5_000)
    np.save(tmp_path / "x.npy", x)
    data = load_data(tmp_path / "x.npy", held_out=0.3, memory=memory)
    wanted = [4_999, 0, 17, 17]
    np.testing.assert_array_equal(data.rows(wanted), x[wanted])
    some = data.subset(50, 7, Part.HELD_OUT)
    assert set(some) <= set(data.indices(Part.HELD_OUT)) and len(set(some)) == 50
    np.testing.assert_array_equal(data.rows(some, Part.HELD_OUT), x[some])
    assert some.tolist() == data.subset(50, 7, Part.HELD_OUT).tolist() != data.subset(50, 8, Part.HELD_OUT).tolist()


def test_a_large_file_is_streamed_within_its_memory(tmp_path: Path):
    """80 MB of rows are read with less than half of that in memory at any time."""
    path = tmp_path / "x.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(10_000, 1_000))
    mapped[:, 0] = np.arange(10_000)
    del mapped
    tracemalloc.start()
    data = load_data(path, memory=2**20)
    total = sum(float(rows[:, 0].sum()) for _, rows in data.chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (data.streamed, total) == (True, 10_000 * 9_999 / 2)
    assert peak < 120 * 2**20  # a few chunks of 32 MiB


def test_facts_about_data_are_estimates_that_decide_nothing():
    """Their evidence encloses nothing, so that every decision on them is inconclusive; the dimension of a sphere is
    found all the same."""
    sample = manifold("sphere:dim=2").sample(1_500, 1).points
    data = load_data(np.hstack([sample, np.zeros((1_500, 1))]), held_out=0.2, name="sphere")
    dimension, reach = data.estimates()
    assert (dimension.value, reach.quantity) == (2.0, "reach")
    for estimate in (dimension, reach):
        evidence = estimate.evidence()
        assert (evidence.rigor, evidence.interval) == (Rigor.EMPIRICAL, Interval.unknown())
        assert decide(Relation.AT_LEAST, evidence.interval, Interval.exactly(0.0)) is Outcome.INCONCLUSIVE
    facts = data.facts()
    assert facts["data"] == "1500 rows of R^4, shape (4,)"
    assert facts["held out"].startswith("300 rows: a share of 0.2")
    assert facts["constant"] == "1 of 4 numbers are the same in all rows"
    assert facts["fingerprint"] == f"sha256:{data.fingerprint}"
    assert facts["intrinsic dimension"].startswith("2 (estimated, bounds nothing)")


def test_one_row_and_constant_rows_are_data_without_estimates():
    """They can be looked at; nothing is estimated from them."""
    for x in (np.ones((1, 3)), np.ones((50, 3))):
        data = load_data(x)
        assert (data.estimates(), data.extent, data.constant_columns) == ((), 0.0, 3)
        assert "intrinsic dimension" not in data.facts()


@pytest.mark.parametrize("size", [1e200, 1e-200, 5e-324])
def test_numbers_whose_squares_are_lost_are_refused(size: float):
    """Distances among them would be infinite or 0."""
    with pytest.raises(UsageError, match="rescale"):
        load_data(cloud() * size)


@pytest.mark.parametrize(
    "bad",
    [
        {"limit": 0},
        {"limit": 199},
        {"memory": 0},
        {"memory": 1.5},
        {"seed": -1},
        {"columns": ["a"]},
        {"held_out": "column:a"},
        {"held_out": "/nowhere.npy"},
        {"held_out": None},
    ],
)
def test_parameters_out_of_range_are_refused(bad: dict):
    """Each with a message of ours."""
    with pytest.raises(UsageError):
        load_data(cloud(), **bad)


@pytest.mark.parametrize("thing", [3, None, object(), {"a": 1}, b"x.npy", "nowhere.npy", "/dev/null"])
def test_what_is_no_data_is_refused(thing: object):
    """The message says what was expected."""
    with pytest.raises(UsageError):
        load_data(thing)


def test_unknown_kinds_of_files_are_refused(tmp_path: Path):
    """With the list of the known ones."""
    (tmp_path / "x.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(UsageError, match=r"\.npy, \.npz, \.csv, \.tsv, \.parquet"):
        load_data(tmp_path / "x.pkl")
