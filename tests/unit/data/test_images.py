"""Folders of pictures: scaled to [0, 1], of one size and kind, and no bombs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from aeverify.data import load_data
from aeverify.errors import UsageError

Image = pytest.importorskip("PIL.Image", reason="Pillow is an optional extra")


def picture(path: Path, values: np.ndarray, mode: str | None = None) -> None:
    """Write a picture of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    (image if mode is None else image.convert(mode)).save(path)


def values(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random bytes."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, shape, dtype=np.uint8)


def test_grey_pictures_are_rows_in_the_order_of_their_paths(tmp_path: Path):
    """Values are divided by 255, subfolders are entered, other files are left out."""
    picture(tmp_path / "b" / "2.png", values((4, 5), 1))
    picture(tmp_path / "a" / "9.png", values((4, 5), 2))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture either")
    data = load_data(tmp_path)
    assert (data.shape, data.where(0)) == ((4, 5), f"a/9.png in {tmp_path.name}")
    np.testing.assert_array_equal(data.rows([0, 1]), np.stack([values((4, 5), s) for s in (2, 1)]).reshape(2, 20) / 255)


def test_colour_pictures_have_their_channels_first_or_last(tmp_path: Path):
    """As torch has them, or as Keras has them."""
    picture(tmp_path / "1.png", values((4, 5, 3)))
    first, last = load_data(tmp_path), load_data(tmp_path, channels_last=True)
    assert (first.shape, last.shape) == ((3, 4, 5), (4, 5, 3))
    np.testing.assert_array_equal(first.rows([0])[0], np.moveaxis(values((4, 5, 3)), -1, 0).reshape(-1) / 255)
    np.testing.assert_array_equal(last.rows([0])[0], values((4, 5, 3)).reshape(-1) / 255)


def test_pictures_of_one_and_of_sixteen_bits_are_scaled_by_their_own_range(tmp_path: Path):
    """1 is white in both."""
    picture(tmp_path / "one" / "1.png", (values((4, 5)) > 127).astype(np.uint8) * 255, "1")
    picture(tmp_path / "deep" / "1.png", np.full((4, 5), 65535, dtype=np.uint16))
    assert set(load_data(tmp_path / "one").rows([0])[0]) == {0.0, 1.0}
    assert set(load_data(tmp_path / "deep").rows([0])[0]) == {1.0}


def test_jpeg_pictures_are_read(tmp_path: Path):
    """A grey ramp survives its compression but for a few hundredths."""
    ramp = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (16, 1))
    picture(tmp_path / "1.JPG", ramp)
    np.testing.assert_allclose(load_data(tmp_path).rows([0])[0], ramp.reshape(-1) / 255, atol=0.05)


def test_sizes_and_modes_must_agree(tmp_path: Path):
    """A folder with mixed pictures is refused with the name of the one that differs."""
    picture(tmp_path / "1.png", values((4, 5)))
    picture(tmp_path / "2.png", values((5, 4)))
    with pytest.raises(UsageError, match=r"2\.png is a picture of 4 x 5 points.*1\.png has 5 x 4"):
        load_data(tmp_path)
    picture(tmp_path / "2.png", values((4, 5, 3)))
    with pytest.raises(UsageError, match="mode RGB"):
        load_data(tmp_path)


@pytest.mark.parametrize(("mode", "depth"), [("RGBA", 3), ("P", 3), ("LA", 3)])
def test_transparency_and_palettes_are_refused(tmp_path: Path, mode: str, depth: int):
    """It is not guessed which values the model sees."""
    picture(tmp_path / "1.png", values((4, 5, depth)), mode)
    with pytest.raises(UsageError, match=f"mode {mode}"):
        load_data(tmp_path)


def png(width: int, height: int, body: bytes) -> bytes:
    """A PNG file with any header."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(50_000, 50_000, zlib.compress(bytes(1000))), "bomb"),
        (png(2_001, 2_000, b""), "2001 x 2000 points"),
        (png(40, 40, zlib.compress(bytes(20))), "cannot be read"),
        (png(40, 40, b"no stream"), "cannot be read"),
        (b"", "cannot be read"),
        (b"GIF89a" + bytes(100), "cannot be read"),
    ],
    ids=["bomb", "too large", "cut off", "damaged", "empty", "another format"],
)
def test_bombs_and_damaged_pictures_are_refused(tmp_path: Path, content: bytes, words: str):
    """By their header, before they are decoded; or with a message of ours."""
    (tmp_path / "1.png").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        load_data(tmp_path)


def test_folders_without_pictures_or_with_too_many_are_refused(tmp_path: Path):
    """And columns have no meaning there."""
    with pytest.raises(UsageError, match="holds no"):
        load_data(tmp_path)
    for i in range(3):
        picture(tmp_path / f"{i}.png", values((2, 2), i))
    with pytest.raises(UsageError, match="limit of 2"):
        load_data(tmp_path, limit=2)
    with pytest.raises(UsageError, match="no columns"):
        load_data(tmp_path, columns=["a"])


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path):
    """A picture elsewhere is none of the data set's."""
    picture(tmp_path / "outside.png", values((2, 2)))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(UsageError, match="leads out of the folder"):
        load_data(tmp_path / "in")


def test_without_pillow_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An optional library that is missing is no traceback."""
    picture(tmp_path / "1.png", values((2, 2)))
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(UsageError, match=r"aeverify\[images\]"):
        load_data(tmp_path)
