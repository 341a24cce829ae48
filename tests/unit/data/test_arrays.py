"""Arrays and numpy's files: read without pickle, streamed where they are large, refused where they lie."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from aeverify.data import Part, load_data
from aeverify.errors import UsageError


def grid(rows: int = 40, width: int = 3) -> np.ndarray:
    """Rows that are all different."""
    return np.arange(rows * width, dtype=np.float64).reshape(rows, width)


def npy(shape: str, dtype: str = "<f8", body: bytes = b"") -> bytes:
    """An array file with any header."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def everything(data) -> np.ndarray:
    """All rows as they are streamed."""
    return np.concatenate([rows for _, rows in data.chunks()])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "uint8", "bool", ">f8"])
def test_a_file_has_the_rows_that_were_saved(tmp_path: Path, dtype: str):
    """Every number type comes back as float64, mapped or kept."""
    x = (grid() % 2).astype(dtype) if dtype == "bool" else grid().astype(dtype)
    np.save(tmp_path / "x.npy", x)
    for memory in (100, 2**20):
        data = load_data(tmp_path / "x.npy", memory=memory)
        assert (data.streamed, data.ambient_dim, len(data)) == (memory == 100, 3, 40)
        np.testing.assert_array_equal(everything(data), x.astype(np.float64))
    assert str(data) == "data:x.npy"


def test_shapes_are_kept_and_flattened_in_c_order(tmp_path: Path):
    """A stack of pictures has its pictures' shape, also when the file is in Fortran order."""
    x = np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    for name in ("x.npy", "x.npz"):
        data = load_data(tmp_path / name)
        assert data.shape == (3, 4)
        np.testing.assert_array_equal(everything(data), np.arange(24.0).reshape(2, 12))


def test_an_archive_gives_the_array_that_is_named(tmp_path: Path):
    """One array alone needs no name, several do, and a column of marks says which rows are held out."""
    marks = np.arange(40) % 4 == 0
    np.savez_compressed(tmp_path / "x.npz", train=grid(), other=grid(10), test=marks)
    data = load_data(tmp_path / "x.npz", columns=["train"], held_out="column:test")
    assert data.indices(Part.HELD_OUT).tolist() == list(range(0, 40, 4))
    with pytest.raises(UsageError, match="3 arrays"):
        load_data(tmp_path / "x.npz")
    with pytest.raises(UsageError, match="no array 'nothing'"):
        load_data(tmp_path / "x.npz", columns=["nothing"])
    with pytest.raises(UsageError, match="10 rows, but 40 marks"):
        load_data(tmp_path / "x.npz", columns=["other"], held_out="column:test")
    with pytest.raises(UsageError, match="0 or 1 a row"):
        load_data(tmp_path / "x.npz", columns=["other"], held_out="column:train")


def test_pickled_arrays_are_not_opened(tmp_path: Path):
    """Objects in a file would run code; it is not run."""
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return Path.touch, (ran,)

    np.save(tmp_path / "x.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", np.array([[Bomb()]], dtype=object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(UsageError, match="Python objects"):
            load_data(tmp_path / name)
    assert not ran.exists()


@pytest.mark.parametrize("shape", ["(1000000000, 3)", "(9, 1000000000)", "(3, 4611686018427387904, 4)", "(2, 3)"])
def test_a_header_that_announces_more_than_the_file_holds_allocates_nothing(tmp_path: Path, shape: str):
    """A 100-byte file that announces a billion rows costs no memory."""
    (tmp_path / "x.npy").write_bytes(npy(shape, body=b"\0" * 16))
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"announces|limit|numbers each"):
        load_data(tmp_path / "x.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_sparse_file_of_a_billion_rows_is_refused_by_the_limit(tmp_path: Path):
    """A file that really has the size of its header is refused before it is read."""
    path = tmp_path / "x.npy"
    head = npy("(1000000000, 1)", "|u1")
    path.write_bytes(head)
    with path.open("r+b") as stream:
        stream.truncate(len(head) + 10**9)
    with pytest.raises(UsageError, match="more than the limit of 10000000"):
        load_data(path)


@pytest.mark.parametrize(
    "header",
    [
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
        b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 64,
        npy("__import__('os').system('true')"),
        npy("(-1, 3)"),
        npy("(" * 500 + "1" + ")" * 500),
        npy("(2, 3), 'more': 1"),
        npy("(True, 3)", body=b"\0" * 24),
        b"",
        b"PK\x03\x04",
    ],
    ids=["cut", "version", "huge", "code", "negative", "deep", "keys", "bool", "empty", "zip"],
)
def test_broken_headers_are_errors_of_ours(tmp_path: Path, header: bytes):
    """Whatever stands in a header, what is raised is a UsageError."""
    (tmp_path / "x.npy").write_bytes(header)
    with pytest.raises(UsageError):
        load_data(tmp_path / "x.npy")


def test_an_archive_that_expands_without_end_is_refused(tmp_path: Path):
    """A bomb: 100 MB of zeros in 100 kB; and a header that announces a billion rows."""
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("(100, 131072)", body=bytes(100 * 131072 * 8)))
    with pytest.raises(UsageError, match="more than 200 times"):
        load_data(tmp_path / "bomb.npz")
    with zipfile.ZipFile(tmp_path / "rows.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("(1000000000, 1)", body=bytes(100)))
    with pytest.raises(UsageError, match="limit"):
        load_data(tmp_path / "rows.npz")


def test_damaged_archives_are_errors_of_ours(tmp_path: Path):
    """Cut off, with a wrong checksum, with a body shorter than the header says, or no archive at all."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.random.Generator(np.random.PCG64(0)).random((100, 3)))
    whole = buffer.getvalue()
    damaged = bytearray(whole)
    damaged[200] ^= 0xFF
    (tmp_path / "short.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.npz").write_bytes(bytes(damaged))
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "empty.npz").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "body.npz", "w") as archive:
        archive.writestr("x.npy", npy("(5, 3)", body=b"\0" * 8))
    for path in sorted(tmp_path.glob("*.npz")):
        with pytest.raises(UsageError):
            load_data(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5), "expected \\(N, ...\\)"),
        (np.zeros((0, 3)), "no rows"),
        (np.zeros((3, 0)), "0 numbers"),
        (np.zeros((3, 2), dtype=complex), "complex128"),
        (np.array([["a", "b"]]), "<U1"),
        (np.array([[1, 2**60]]), "beyond 2\\^53"),
        (np.zeros((2, 2), dtype="datetime64[s]"), "datetime64"),
        (np.zeros((2, 2), dtype=[("a", "f8")]), "V8|\\('a'"),
    ],
)
def test_arrays_of_no_rows_or_no_numbers_are_refused(array: np.ndarray, words: str):
    """The message says what was got."""
    with pytest.raises(UsageError, match=words):
        load_data(array)


def test_rows_that_are_not_finite_are_named():
    """NaN and infinity are refused with their indices, however many there are."""
    x = grid(100)
    x[7, 1], x[60:90, 0] = np.nan, np.inf
    with pytest.raises(UsageError, match=r"31 rows hold NaN or infinity: row 7 of x, row 60 of x.* and 21 more"):
        load_data(x, name="x")


def test_a_file_that_changes_while_it_is_used_is_noticed(tmp_path: Path):
    """Streamed rows are compared with those that were read first."""
    np.save(tmp_path / "x.npy", grid())
    data = load_data(tmp_path / "x.npy", memory=100)
    np.save(tmp_path / "x.npy", grid() + 1.0)
    with pytest.raises(UsageError, match="changed"):
        everything(data)
