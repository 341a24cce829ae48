"""What a model file is, told from its first bytes and, for zip archives, from the names inside; sizes before content.

Nothing is decompressed or unpickled here: of a zip archive the directory is read, which names every entry with its
size. An archive whose entries would take more than `MAX_BYTES`, or more than 200 times the archive where that is more
than 64 MiB, is refused as a zip bomb.
"""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from aeverify.errors import ModelFileError

MAX_BYTES = 2**30
"""Largest model file that is opened, and the most that a compressed one may unpack to: 1 GiB."""

_MAX_ENTRIES = 20_000
_HARMLESS = 2**26
_MAX_RATIO = 200


class FileFormat(StrEnum):
    """The formats that are told apart."""

    SAFETENSORS = "safetensors"
    TORCH = "PyTorch checkpoint"
    TORCH_OLD = "PyTorch checkpoint of the format before 1.6"
    TORCHSCRIPT = "TorchScript archive"
    EXPORTED = "torch.export program (.pt2)"
    PICKLE = "pickle"
    ONNX = "ONNX"
    KERAS = "Keras archive"
    HDF5 = "HDF5 file (Keras .h5)"


def size_of(path: Path) -> int:
    """Size in bytes of a file that may be opened.

    Raises:
        ModelFileError: the file is missing, a folder, not readable, empty or larger than `MAX_BYTES`.
    """
    try:
        if path.is_dir():
            hint = (
                " A TensorFlow SavedModel is a folder that holds code: export to ONNX with "
                'model.export("model.onnx", format="onnx").'
                if (path / "saved_model.pb").exists()
                else ""
            )
            raise ModelFileError(f"The model file {path} is a folder; give the path of one file.{hint}")
        if not path.is_file():
            raise ModelFileError(f"The model file {path} does not exist or is not a regular file; check the path.")
        size = path.stat().st_size
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read: {error.strerror or error}.") from error
    if size == 0:
        raise ModelFileError(f"The model file {path} is empty; save or export it again.")
    if size > MAX_BYTES:
        raise ModelFileError(f"The model file {path} has {size} bytes; at most {MAX_BYTES} (1 GiB) are opened.")
    return size


def file_format(path: Path) -> FileFormat:
    """The format of a file, from its content; the ending decides only for ONNX, which has no signature.

    Raises:
        ModelFileError: as `size_of`; a format that is not known; a zip archive that is damaged or a zip bomb.
    """
    size = size_of(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read: {error.strerror or error}.") from error
    suffix = path.suffix.lower()
    if head[:4] == b"PK\x03\x04":
        return _archive(path, size)
    if head[:8] == b"\x89HDF\r\n\x1a\n" or suffix in (".h5", ".hdf5"):
        return FileFormat.HDF5
    if suffix == ".keras":
        return FileFormat.KERAS
    if suffix == ".onnx":
        return FileFormat.ONNX
    if suffix == ".safetensors" or (len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size):
        return FileFormat.SAFETENSORS
    if head[:1] == b"\x80" and len(head) > 1 and head[1] in (2, 3, 4, 5):
        # torch's format before 1.6 is a pickle of its magic number first of all
        return FileFormat.TORCH_OLD if b"\x8a\nl\xfc\x9c" in head else FileFormat.PICKLE
    if suffix in (".pkl", ".pickle", ".joblib"):
        return FileFormat.PICKLE
    if suffix in (".pt", ".pth", ".ckpt", ".pt2"):
        raise ModelFileError(
            f"{path} is no PyTorch file: a zip archive that begins with 'PK' was expected, it begins with "
            f"{head[:4]!r}. It is truncated, damaged or of another format; save it again with "
            "torch.save(model.state_dict(), path)."
        )
    raise ModelFileError(
        f"{path} is of no format that is known: it begins with {head[:4]!r} and ends in {suffix!r}. Known: "
        ".safetensors (aeverify), .pt/.pth/.ckpt (a state dict, with the architecture), .onnx."
    )


def _archive(path: Path, size: int) -> FileFormat:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise ModelFileError(
            f"{path} is a zip archive that is truncated or damaged ({error}); fetch or save it again."
        ) from error
    total = sum(entry.file_size for entry in entries)
    if len(entries) > _MAX_ENTRIES or total > MAX_BYTES or total > max(_HARMLESS, _MAX_RATIO * size):
        raise ModelFileError(
            f"{path} is an archive of {len(entries)} entries that unpack to {total} bytes from {size}: that is refused "
            f"as a zip bomb (limits: {_MAX_ENTRIES} entries, {MAX_BYTES} bytes, a ratio of {_MAX_RATIO})."
        )
    names = [entry.filename for entry in entries]
    # inside the one folder that torch puts everything into
    inner = {name.partition("/")[2] for name in names} | set(names)
    if "model.weights.h5" in inner or ("config.json" in inner and "metadata.json" in inner):
        return FileFormat.KERAS
    if any(name.startswith("code/") for name in inner) or "constants.pkl" in inner:
        return FileFormat.TORCHSCRIPT
    if (
        path.suffix.lower() == ".pt2"
        or "archive_format" in inner
        or any(name.startswith("serialized_exported_program") for name in inner)
    ):
        return FileFormat.EXPORTED
    if "data.pkl" in inner:
        # tensors are stored, not compressed; torch refuses others, but only after it has read them
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ModelFileError(f"{path} is a PyTorch archive with compressed entries, which torch.save never writes.")
        return FileFormat.TORCH
    raise ModelFileError(
        f"{path} is a zip archive, but of no model format that is known; it holds {', '.join(sorted(names)[:5])}."
    )
