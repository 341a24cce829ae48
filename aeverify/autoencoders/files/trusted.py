"""Files that run code when they are opened. Every function here is reached with `trust=True` only."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path
from typing import Any

from aeverify.autoencoders.files.formats import FileFormat
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import AeverifyError, ModelFileError, UsageError


def from_factory(module: str, factory: str, **given: Any) -> Autoencoder:
    """The autoencoder that `package.module:factory` makes: the module is imported, from the current folder too.

    Raises:
        UsageError: no such module or name, or the result is no autoencoder.
        ModelFileError: importing the module or calling the factory raised.
    """
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
        for part in factory.split("."):
            found = getattr(found, part)
        made: Any = found
        if callable(made) and not isinstance(made, Autoencoder) and not _is_model(made):
            made = made()
    except (ModuleNotFoundError, AttributeError) as error:
        raise UsageError(
            f"{module}:{factory} cannot be found ({error}). Give package.module:name of a function without arguments "
            "that returns an autoencoder, importable from the current folder."
        ) from error
    except AeverifyError:
        raise
    except Exception as error:
        raise ModelFileError(f"{module}:{factory} raised {type(error).__name__}: {error}.") from error
    finally:
        if added:
            sys.path.remove(here)
    return _autoencoder(made, f"{module}:{factory}", given)


def open_trusted(path: Path, decoder: Path | None, kind: FileFormat, **given: Any) -> Autoencoder:
    """The autoencoder of a TorchScript archive, a `.pt2` program or a pickle, or of two of them."""
    parts = [_opened(p, kind) for p in (path, decoder) if p is not None]
    made = parts[0] if len(parts) == 1 else tuple(parts)
    return _autoencoder(made, str(path), given)


def _opened(path: Path, kind: FileFormat) -> Any:
    import torch

    try:
        if kind is FileFormat.TORCHSCRIPT:
            # inside a plain module, since a script module refuses what every other one can
            script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
            for parameter in script.parameters():
                parameter.requires_grad_(False)
            return torch.nn.Sequential(script)
        if kind is FileFormat.EXPORTED:
            program = torch.export.load(str(path)).module()
            for refused in ("train", "eval"):  # it was exported in one mode and knows no other
                vars(program).pop(refused, None)
            return program
        if path.suffix.lower() == ".joblib":
            return importlib.import_module("joblib").load(path)
        with path.open("rb") as file:
            return pickle.load(file)
    except Exception as error:
        raise ModelFileError(
            f"{path} cannot be opened as {kind} ({type(error).__name__}: {str(error).partition(chr(10))[0][:200]}). It "
            "is damaged, or was written by another version."
        ) from error


def _is_model(value: Any) -> bool:
    pairs = (("encode", "decode"), ("encoder", "decoder"), ("transform", "inverse_transform"))
    return not isinstance(value, type) and any(all(hasattr(value, f) for f in pair) for pair in pairs)


def _autoencoder(made: Any, source: str, given: dict[str, Any]) -> Autoencoder:
    if isinstance(made, Autoencoder):
        return made
    from torch import nn

    single = isinstance(made, nn.Module) and not _is_model(made)
    if single or not (_is_model(made) or (isinstance(made, tuple) and len(made) == 2)):
        raise UsageError(
            f"{source} holds a {type(made).__name__}, expected an autoencoder, a pair of torch modules (encoder, "
            "decoder), or an object with encode and decode, encoder and decoder, or transform and "
            "inverse_transform. Of a whole network in one module the code is not known: give encoder and decoder "
            "as two files or two modules."
        )
    model = Autoencoder.from_object(made, **given)
    note = f"Opened from {source} by running its code, as was allowed."
    model.note = " ".join(part for part in (note, model.note) if part)
    return model
