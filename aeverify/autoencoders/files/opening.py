"""open_model: one entry for every file that can hold an autoencoder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeverify.autoencoders.files.formats import FileFormat, file_format
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from aeverify.autoencoders.architectures import Architecture

_KERAS = (
    "{path} is a {format}, whose layers can hold code (Lambda layers, custom objects) that loading would run; aeverify "
    "does not open it, trusted or not. Export it to ONNX, with tf2onnx installed, and check these files instead: "
    "python -c \"import keras; m = keras.saving.load_model('{path}'); m.export('model.onnx', format='onnx')\"; "
    "or export encoder and decoder, each with encoder.export('encoder.onnx', format='onnx')."
)

_RUNS_CODE = {
    FileFormat.TORCHSCRIPT: "torch.jit.load runs the program that it holds",
    FileFormat.EXPORTED: "torch.export.load evaluates expressions of the file",
    FileFormat.PICKLE: "unpickling runs whatever the file says",
}


def open_model(
    path: str | os.PathLike[str],
    *,
    decoder: str | os.PathLike[str] | None = None,
    architecture: str | Architecture | None = None,
    ambient_dim: int | None = None,
    latent_dim: int | None = None,
    latent: str | None = None,
    trust: bool = False,
    device: str = "cpu",
    batch_size: int | None = None,
    name: str | None = None,
) -> Autoencoder:
    """The autoencoder of a file, of whatever format; no code of the file is run unless `trust` is given.

    What is opened, recognised by content:

    - safetensors files that aeverify saved;
    - weights-only PyTorch checkpoints (a state dict, or a Lightning checkpoint), with `architecture`;
    - ONNX: one graph of the whole autoencoder, or the encoder at `path` and the decoder at `decoder`. Where all
      operators have a torch form, the network is rebuilt and evaluated in float64 as the real function of its stored
      weights; else onnxruntime runs it, in the type that the graph has (float32 as a rule). `note` says which;
    - with `trust=True` only: TorchScript archives, `.pt2` programs, pickles, and `package.module:factory`, whose
      result is an autoencoder, a pair of torch modules, or an object (see `Autoencoder.from_object`).

    Args:
        path: the file, or `package.module:factory`.
        decoder: the second file of a pair (ONNX, TorchScript, `.pt2`).
        architecture: spec of an architecture or a trained model kind, for PyTorch checkpoints.
        ambient_dim, latent_dim: n and m, where the file leaves them open; checked where it does not.
        latent: in one ONNX graph, the name of the tensor that is the code; "" and None look for the narrowest.
        trust: allow formats that run code of the file.
        device: "cpu", "cuda", "cuda:1"; where the model is evaluated.
        batch_size: most rows that are handed to the model at once.
        name: how reports call the model; the file's name if not given.

    Raises:
        ModelFileError: the file is missing, damaged, too large, of a format that is unknown or not trusted, or does not
            fit the architecture or the dimensions.
        UsageError: an argument that makes no sense for that format; a device that is not there; a package that the
            format needs is not installed.
    """
    text = os.fspath(path)
    target = Path(text)
    module, colon, factory = text.partition(":")
    named = name or target.stem
    given: dict[str, Any] = {"ambient_dim": ambient_dim, "latent_dim": latent_dim, "device": device}
    if colon and _is_dotted(module) and _is_dotted(factory) and not target.exists():
        _require_trust(trust, text, "importing it runs its module")
        from aeverify.autoencoders.files.trusted import from_factory

        return from_factory(module, factory, name=name or text, batch_size=batch_size, **given)
    kind = file_format(target)
    if kind in (FileFormat.KERAS, FileFormat.HDF5):
        raise ModelFileError(_KERAS.format(path=target, format=kind))
    if kind in _RUNS_CODE:
        _require_trust(trust, str(target), _RUNS_CODE[kind])
    if architecture is not None and kind not in (FileFormat.TORCH, FileFormat.TORCH_OLD):
        raise UsageError(f"{target} is a {kind} file, which holds its own architecture; leave architecture= out.")
    if decoder is not None and kind in (FileFormat.SAFETENSORS, FileFormat.TORCH, FileFormat.PICKLE):
        raise UsageError(f"{target} is a {kind} file, which holds encoder and decoder; leave the decoder file out.")
    if latent and (kind is not FileFormat.ONNX or decoder is not None):
        raise UsageError("The name of a latent tensor is for one ONNX graph that holds the whole autoencoder.")
    given |= {"name": named, "batch_size": batch_size}
    if kind is FileFormat.SAFETENSORS:
        return _saved(target, name, given)
    if kind in (FileFormat.TORCH, FileFormat.TORCH_OLD):
        from aeverify.autoencoders.files.state_dicts import open_checkpoint

        return open_checkpoint(target, kind, architecture, trust=trust, **given)
    second = None if decoder is None else Path(decoder)
    if kind is FileFormat.ONNX:
        from aeverify.autoencoders.onnx.opening import open_onnx

        if second is not None and file_format(second) is not FileFormat.ONNX:
            raise UsageError(f"{target} is ONNX and {second} is not; give the decoder in the same format.")
        return open_onnx(target, second, latent=latent or None, **given)
    from aeverify.autoencoders.files.trusted import open_trusted

    if second is not None and file_format(second) is not kind:
        raise UsageError(f"{target} is a {kind} and {second} is not; give the decoder in the same format.")
    return open_trusted(target, second, kind, **given)


def _is_dotted(text: str) -> bool:
    return bool(text) and all(part.isidentifier() for part in text.split("."))


def _require_trust(trust: bool, what: str, why: str) -> None:
    if not trust:
        raise ModelFileError(
            f"{what} is not opened, because {why}: a model from somebody else could do anything on this machine. "
            "If you trust its author, pass --trust-model (trust=True in Python); else export the model to ONNX, "
            "or save its state dict with torch.save(model.state_dict(), path) and name its architecture."
        )


def _saved(target: Path, name: str | None, given: dict[str, Any]) -> Autoencoder:
    from aeverify.autoencoders.loading import load
    from aeverify.autoencoders.networks import ModuleAutoencoder

    model = load(target)
    for key in ("ambient_dim", "latent_dim"):
        if given[key] is not None and getattr(model, key) != given[key]:
            raise ModelFileError(f"{target} has {key} {getattr(model, key)}, and {given[key]} is needed here.")
    if isinstance(model, ModuleAutoencoder):
        model.evaluate_on(given["device"], given["batch_size"])
    elif given["device"] != "cpu":
        raise UsageError(f"{target} holds no network; it is evaluated on the CPU, leave the device out.")
    if name is not None:
        model.name = name
    return model
