"""Checkpoints: the states of a group of models in a file, written so that a kill at any moment leaves a whole one.

A file is a line that names the format, the SHA-256 of what follows, and a safetensors document. It is written beside
its place and moved there; the one before stays, so that a file that was damaged afterwards is replaced by its
predecessor.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.engines.state import ModelState, Status
from aeverify.errors import ModelFileError, UsageError

_MAGIC = b"aeverify checkpoint 1\n"
_FIELDS = ("step", "epoch_loss", "epochs", "losses", "best", "best_epoch", "seconds")


@final
class Checkpoints:
    """The checkpoints of a run in a folder, two files for each group of models.

    Args:
        folder: where; made if it is missing.

    Raises:
        UsageError: the folder cannot be made.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._generations: dict[str, int] = {}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"The checkpoint folder {self._folder} cannot be made: {error.strerror or error}. Choose another."
            ) from None

    def save(self, name: str, identity: Mapping[str, Any], states: list[ModelState]) -> None:
        """Write the states of a group; the older of its two files is replaced.

        Raises:
            UsageError: the file cannot be written (a full disk, no permission); the one before is untouched.
        """
        from safetensors.numpy import save

        generation = self._generations.get(name, 0) + 1
        tensors: dict[str, NDArray[Any]] = {}
        for i, state in enumerate(states):
            tensors[f"{i}/weights"], tensors[f"{i}/moments"] = state.weights, state.moments
            tensors |= {f"{i}/buffers/{key}": np.ascontiguousarray(b) for key, b in state.buffers.items()}
        fields = [{**{f: getattr(s, f) for f in _FIELDS}, "status": s.status.name} for s in states]
        document = {"generation": generation, "identity": identity, "states": fields}
        body = save(tensors, {"aeverify": json.dumps(document)})
        path = self._path(name, generation)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(_MAGIC + hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise UsageError(
                f"The checkpoint {path} cannot be written: {error.strerror or error}. The one before is untouched; "
                "make room or choose another folder and run again."
            ) from None
        self._generations[name] = generation

    def load(self, name: str, identity: Mapping[str, Any]) -> list[ModelState] | None:
        """The states of the newest whole file of a group; None where there is none yet.

        Raises:
            ModelFileError: there are files, and none is whole.
            UsageError: they belong to other models: another architecture, recipe, seeds or data.
        """
        found: list[tuple[dict[str, Any], dict[str, NDArray[Any]]]] = []
        paths = [p for p in (self._path(name, 0), self._path(name, 1)) if p.exists()]
        for path in paths:
            read = _read(path)
            if read is not None:
                found.append(read)
        if not paths:
            return None
        if not found:
            raise ModelFileError(
                f"The checkpoints {' and '.join(map(str, paths))} are damaged (truncated, or other bytes than were "
                "written). Remove them to train from the start."
            )
        document, tensors = max(found, key=lambda item: int(item[0]["generation"]))
        _require_same(document["identity"], identity, self._folder)
        self._generations[name] = int(document["generation"])
        return [_state(i, fields, tensors) for i, fields in enumerate(document["states"])]

    def _path(self, name: str, generation: int) -> Path:
        return self._folder / f"{name}.{'ab'[generation % 2]}.checkpoint"


def discard(folder: Path) -> None:
    """Remove the checkpoints in a folder, and the folder where nothing else is in it. Files that are not checkpoints
    stay; no folder is no mistake.

    Raises:
        UsageError: a file cannot be removed.
    """
    try:
        for pattern in ("group-*.[ab].checkpoint", "group-*.[ab].*.partial"):
            for path in folder.glob(pattern):
                path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise UsageError(
            f"The checkpoints in {folder} cannot be removed: {error.strerror or error}. Choose another output."
        ) from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]] | None:
    """The document and the arrays of a file; None where it is not whole."""
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"The checkpoint {path} cannot be read: {error.strerror or error}.") from None
    head, body = content[: len(_MAGIC) + 32], content[len(_MAGIC) + 32 :]
    if not head.startswith(_MAGIC) or head[len(_MAGIC) :] != hashlib.sha256(body).digest():
        return None
    length = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + length])
    return json.loads(header["__metadata__"]["aeverify"]), load(body)


def _state(i: int, fields: dict[str, Any], tensors: Mapping[str, NDArray[Any]]) -> ModelState:
    mark = f"{i}/buffers/"
    return ModelState(
        weights=tensors[f"{i}/weights"].copy(),
        moments=tensors[f"{i}/moments"].copy(),
        buffers={key.removeprefix(mark): b.copy() for key, b in tensors.items() if key.startswith(mark)},
        status=Status[fields["status"]],
        **{f: fields[f] for f in _FIELDS},
    )


def _require_same(saved: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    wanted = json.loads(json.dumps(wanted))
    for key, value in wanted.items():
        if saved.get(key) != value:
            raise UsageError(
                f"The checkpoint in {folder} has another {key}: {_short(saved.get(key))}, and this run has "
                f"{_short(value)}. Choose another checkpoint folder, or the same {key}."
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 300 else f"{text[:297]}..."
