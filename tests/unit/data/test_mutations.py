"""Files with changed, cut and inserted bytes: what is read is finite rows, or the error is ours."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aeverify.data import load_data
from aeverify.errors import UsageError

MUTATIONS = 150


def array() -> bytes:
    """An array file."""
    buffer = io.BytesIO()
    np.save(buffer, np.arange(24.0).reshape(6, 4))
    return buffer.getvalue()


def archive() -> bytes:
    """An archive of arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.arange(24.0).reshape(6, 4))
    return buffer.getvalue()


def table() -> bytes:
    """A table of text."""
    return b'a,b,"c d"\n' + b"".join(b"%d,%d.5,-1e%d\n" % (i, i, i) for i in range(9))


def picture() -> bytes:
    """A picture."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra")
    buffer = io.BytesIO()
    image.fromarray(np.arange(120, dtype=np.uint8).reshape(10, 12)).save(buffer, "png")
    return buffer.getvalue()


def parquet() -> bytes:
    """A Parquet table."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is an optional extra")
    import pyarrow.parquet as files

    buffer = io.BytesIO()
    files.write_table(pa.table({"x": np.arange(9.0), "y": np.arange(9)}), buffer)
    return buffer.getvalue()


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, and sometimes a part cut out or doubled."""
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        found[int(rng.integers(len(found)))] = int(rng.integers(256))
    a, b = sorted(int(i) for i in rng.integers(0, len(found), 2))
    choice = int(rng.integers(4))
    if choice == 0:
        del found[a:b]
    elif choice == 1:
        found[a:a] = found[a:b]
    return bytes(found)


@pytest.mark.parametrize(
    ("content", "name"),
    [(array, "x.npy"), (archive, "x.npz"), (table, "x.csv"), (picture, "in/x.png"), (parquet, "x.parquet")],
)
def test_mutated_files_give_rows_or_errors_of_ours(content: Callable[[], bytes], name: str, tmp_path: Path):
    """Never another exception, never a row that is not finite, never more than the limit."""
    whole, path = content(), tmp_path / name
    path.parent.mkdir(exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(11))
    refused = 0
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(whole, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = load_data(path.parent if name.endswith("png") else path, limit=1_000)
        except UsageError:
            refused += 1
            continue
        assert 1 <= len(data) <= 1_000
        assert all(np.isfinite(rows).all() for _, rows in data.chunks())
    assert refused > MUTATIONS // 10
