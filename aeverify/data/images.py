"""Folders of pictures, where Pillow is installed: PNG and JPEG of one size, scaled to [0, 1]."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np

from aeverify.data.source import Chunk, FloatArray, Source, require_limit
from aeverify.errors import UsageError

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_MOST_PIXELS = 4_000_000
_MOST_ENTRIES = 10_000_000
_GREY = {"1": 1.0, "L": 255.0, "I;16": 65535.0}
_COLOUR = {"RGB": 255.0}


@final
class ImageFolder(Source):
    """The pictures of a folder and its subfolders, in the order of their paths.

    A row is a picture with values divided by the largest that its format has (255, or 65535 for 16 bits): (H, W) for
    grey ones, (3, H, W) for colour, or (H, W, 3) with `channels_last`. Files that are no PNG or JPEG are left out and
    counted in `ignored`; links that lead out of the folder are refused.

    Raises:
        UsageError: Pillow is not installed, no picture, too many, pictures of more than 4 million points (before they
            are decoded), of different sizes or modes, with transparency or a palette, or damaged ones.
    """

    def __init__(self, folder: Path, limit: int, *, channels_last: bool = False) -> None:
        self._folder, self._last = folder, channels_last
        self.files, self.ignored = _pictures(folder, limit)
        size, mode = self._looked_at(self.files[0])
        self._size, self._mode = size, mode
        width, height = size
        if mode in _COLOUR:
            shape: tuple[int, ...] = (height, width, 3) if channels_last else (3, height, width)
        else:
            shape = (height, width)
        super().__init__(folder.name or str(folder), shape, (), limit)

    def where(self, row: int) -> str:
        """The path of the picture within the folder."""
        return f"{self.files[row].relative_to(self._folder)} in {self.name}"

    def chunks(self) -> Iterator[Chunk]:
        """Pictures as they are decoded."""
        for start in range(0, len(self.files), self.chunk_rows):
            part = self.files[start : start + self.chunk_rows]
            yield Chunk(np.stack([self._row(path) for path in part]))

    def _row(self, path: Path) -> FloatArray:
        size, mode = self._looked_at(path)
        if (size, mode) != (self._size, self._mode):
            raise UsageError(
                f"{path.name} is a picture of {size[0]} x {size[1]} points, mode {mode}, but {self.files[0].name} has "
                f"{self._size[0]} x {self._size[1]}, mode {self._mode}: all pictures of a data set are of one kind."
            )
        with _Picture(path) as picture:
            values = np.asarray(picture, dtype=np.float64)
        values = values / (_GREY | _COLOUR)[mode]
        if mode in _COLOUR and not self._last:
            values = np.moveaxis(values, -1, 0)
        return np.ascontiguousarray(values).reshape(-1)

    def _looked_at(self, path: Path) -> tuple[tuple[int, int], str]:
        """Size and mode of a picture, from its header."""
        with _Picture(path) as picture:
            size, mode = picture.size, picture.mode
        if size[0] * size[1] > _MOST_PIXELS or 0 in size:
            raise UsageError(
                f"{path.name} says that it has {size[0]} x {size[1]} points; expected 1 to {_MOST_PIXELS} in all."
            )
        if mode not in _GREY | _COLOUR:
            raise UsageError(
                f"{path.name} has mode {mode}; expected grey (L, 1, I;16) or colour (RGB), without transparency or "
                "palette: convert it first, so that it is clear which values the model sees."
            )
        return size, mode


def _pictures(folder: Path, limit: int) -> tuple[tuple[Path, ...], int]:
    """Paths of the pictures, sorted, and how many other files there are."""
    root, found, ignored = folder.resolve(), [], 0
    for count, path in enumerate(folder.rglob("*")):
        if count > _MOST_ENTRIES:
            raise UsageError(f"{folder} has more than {_MOST_ENTRIES} entries; give a folder of pictures alone.")
        if any(part.startswith(".") for part in path.relative_to(folder).parts) or not path.is_file():
            continue
        if path.suffix.lower() not in _SUFFIXES:
            ignored += 1
            continue
        if not path.resolve().is_relative_to(root):
            raise UsageError(f"{path} leads out of the folder; it is not opened.")
        found.append(path)
        require_limit(len(found), str(folder), limit)
    if not found:
        raise UsageError(f"{folder} holds no .png, .jpg or .jpeg file; expected a folder of pictures.")
    return tuple(sorted(found)), ignored


class _Picture:
    """A picture, open; what is wrong with it is a UsageError, also while it is decoded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            from PIL import Image
        except ImportError:
            raise UsageError(
                "Reading pictures needs Pillow, which is not installed: pip install 'aeverify[images]', or save them "
                "as one .npy array."
            ) from None
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        # Pillow warns of pictures above 89 million points; ours are refused long before
        warnings.simplefilter("ignore")
        try:
            self._picture = Image.open(self._path, formats=("PNG", "JPEG"))
        except Exception as error:  # a decoder may raise anything
            self._caught.__exit__(None, None, None)
            raise self._damaged(error) from None
        return self._picture

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._picture.close()
        self._caught.__exit__(None, None, None)
        if isinstance(error, Exception) and not isinstance(error, UsageError):
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> UsageError:
        return UsageError(f"{self._path.name} cannot be read as a PNG or JPEG picture: {str(error)[:200]}")
