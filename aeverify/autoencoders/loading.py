"""Save and load models as safetensors files: weights, and the architecture as JSON in the metadata. No code is run.

A file has the metadata keys `aeverify` (see below), `name`, `fingerprint` and `training` (JSON, free). The first one
is a JSON object with `schema` "aeverify-model/1", `kind` and, for the kind "stack", `encoder` and `decoder` as lists of
`["linear", in, out, has_bias]` and `[activation, parameter]`; for the kind "pca", `ambient_dim` and `latent_dim`; for
the kind "memoriser", `points` (their number) and `ambient_dim`; for the kind "built", `spec`, a model kind.
The tensors are `encoder.0.weight`, `encoder.0.bias`, ... counted over the linear layers; or `mean` and `directions`; or
`direction`, `codes` and `points`; or, for "built", `encoder.` and `decoder.` before the names that torch has for the
state of the modules that the kind builds.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from aeverify.autoencoders.architectures import MAX_PARAMETERS
from aeverify.autoencoders.kinds.memoriser import MemoriserAutoencoder
from aeverify.autoencoders.layers import ACTIVATIONS
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.validation import is_count, is_real
from aeverify.errors import AeverifyError, ModelFileError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

SCHEMA = "aeverify-model/1"
_MAX_LAYERS = 1000


def save(autoencoder: Autoencoder, path: str | os.PathLike[str], training: Mapping[str, Any] | None = None) -> Path:
    """Write a model to one safetensors file, whole or not at all, and return its path.

    `training` is any JSON object, such as `TrainingResult.record()`. Weights keep their type (float32 stays float32).

    Raises:
        UsageError: a model that is not a stack of Linear layers and known activations nor PCA; `training` is not JSON;
            a folder that is missing or cannot be written.
    """
    import torch
    from safetensors.torch import save as to_bytes

    from aeverify.autoencoders.networks import ModuleAutoencoder
    from aeverify.autoencoders.stacks import describe, linears

    target = Path(path)
    description: dict[str, Any]
    tensors: dict[str, Tensor]
    if isinstance(autoencoder, ModuleAutoencoder):
        parts = {"encoder": autoencoder.encoder, "decoder": autoencoder.decoder}
        described = {part: describe(module) for part, module in parts.items()}
        if autoencoder.stored_dtype not in (torch.float32, torch.float64):
            _refuse_saving(autoencoder)
        if None not in described.values() and not _is_overcomplete(autoencoder):
            description = {"kind": "stack", **described}
            named = {
                f"{part}.{i}.{key}": tensor
                for part, module in parts.items()
                for i, layer in enumerate(linears(module))
                for key, tensor in layer.named_parameters()
            }
        elif autoencoder.spec:
            description = {"kind": "built", "spec": autoencoder.spec}
            named = {f"{part}.{key}": t for part, module in parts.items() for key, t in module.state_dict().items()}
        else:
            _refuse_saving(autoencoder)
        tensors = {key: t.detach().to(autoencoder.stored_dtype).contiguous() for key, t in named.items()}
        if description["kind"] == "built":
            rebuilt = _built(autoencoder.spec, tensors, autoencoder.name, "")
            if rebuilt.fingerprint() != autoencoder.fingerprint():
                _refuse_saving(autoencoder)
    elif isinstance(autoencoder, PcaAutoencoder):
        description = {
            "kind": "pca",
            "ambient_dim": autoencoder.ambient_dim,
            "latent_dim": autoencoder.latent_dim,
        }
        tensors = {
            "mean": torch.from_numpy(autoencoder.mean.copy()),
            "directions": torch.from_numpy(autoencoder.directions.copy()),
        }
    elif isinstance(autoencoder, MemoriserAutoencoder):
        description = {"kind": "memoriser", "points": len(autoencoder.codes), "ambient_dim": autoencoder.ambient_dim}
        arrays = {"direction": autoencoder.direction, "codes": autoencoder.codes, "points": autoencoder.points}
        tensors = {key: torch.from_numpy(array.copy()) for key, array in arrays.items()}
    else:
        _refuse_saving(autoencoder)
    try:
        record = json.dumps(dict(training or {}), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"The training record of {autoencoder.name} is not JSON: {error}.") from error
    metadata = {
        "aeverify": json.dumps({"schema": SCHEMA, **description}, sort_keys=True),
        "name": autoencoder.name,
        "fingerprint": autoencoder.fingerprint(),
        "training": record,
    }
    _write(target, to_bytes(tensors, metadata))
    return target


def _is_overcomplete(autoencoder: Autoencoder) -> bool:
    return autoencoder.latent_dim > autoencoder.ambient_dim


def _refuse_saving(autoencoder: Autoencoder) -> NoReturn:
    raise UsageError(
        f"{autoencoder.name} cannot be saved: only stacks (nn.Sequential) of nn.Linear in float32 or float64 with the "
        f"activations {', '.join(ACTIVATIONS)}, trained model kinds, the memoriser and PCA have a file form. Keep the "
        "code that builds it instead."
    )


def _write(target: Path, content: bytes) -> None:
    """Write to a temporary file in the same folder, then rename: a reader sees the old file or the new one."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise UsageError(
            f"Cannot write {target}: {error.strerror or error}. Name a folder that exists and is writable."
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise UsageError(f"Cannot write {target}: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Autoencoder:
    """The model of a file that `save` wrote; its `source` is the path. Nothing in the file is executed.

    Raises:
        ModelFileError: the file is missing, unreadable, truncated, of another format or schema, too large, has weights
            that do not fit its architecture or are not finite, or differs from its own fingerprint.
    """
    target = Path(path)
    metadata, tensors = _read(target)
    try:
        description = json.loads(metadata["aeverify"])
        schema = description["schema"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{target} is a safetensors file without the description of an aeverify model in its metadata "
            f"({type(error).__name__}: {error}). Build the modules yourself and use Autoencoder.from_modules."
        ) from error
    if schema != SCHEMA:
        raise ModelFileError(f"{target} has the schema {schema!r}, and this version reads {SCHEMA!r} only.")
    name = str(metadata.get("name", "")) or target.stem
    try:
        model = _build(description, tensors, name, str(target))
    except ModelFileError as error:
        raise ModelFileError(f"{target}: {error}") from error
    except AeverifyError as error:
        raise ModelFileError(f"{target} does not describe an autoencoder: {error}") from error
    if metadata.get("fingerprint", "") != model.fingerprint():
        raise ModelFileError(
            f"{target} does not hold the weights that it was saved with: its fingerprint is "
            f"{str(metadata.get('fingerprint', 'missing'))[:16]}, its content gives {model.fingerprint()[:16]}. "
            "The file was changed or damaged; fetch or save it again."
        )
    return model


def training_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save` was told about the training of the model in a file; {} if nothing.

    Raises:
        ModelFileError: the file cannot be read or its record is not a JSON object.
    """
    metadata, _ = _read(Path(path))
    try:
        record = json.loads(metadata.get("training", "{}"))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The training record in {path} is not JSON: {error}.") from error
    if not isinstance(record, dict):
        raise ModelFileError(f"The training record in {path} is not a JSON object.")
    return record


def _read(target: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        if not target.is_file():
            what = "is a folder" if target.is_dir() else "does not exist"
            raise ModelFileError(f"The model file {target} {what}: give the path of a file that aeverify saved.")
        with safe_open(target, framework="pt") as file:
            names = list(file.keys())
            if len(names) > 2 * 2 * _MAX_LAYERS:
                raise ModelFileError(f"{target} has {len(names)} tensors, more than any model that aeverify saves.")
            return dict(file.metadata() or {}), {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ModelFileError(
            f"{target} is not a whole safetensors file ({error}): it is truncated, damaged or of another format. "
            "Save it again with aeverify.autoencoders.loading.save."
        ) from error
    except OSError as error:
        raise ModelFileError(f"The model file {target} cannot be read: {error.strerror or error}.") from error


def _build(description: Mapping[str, Any], tensors: Mapping[str, Tensor], name: str, source: str) -> Autoencoder:
    from aeverify.autoencoders.networks import ModuleAutoencoder

    for key, tensor in tensors.items():
        if tensor.dtype not in _float_types():
            raise ModelFileError(f"the tensor {key!r} has type {tensor.dtype}; expected float32 or float64.")
        if not bool(tensor.isfinite().all()):
            raise ModelFileError(f"the tensor {key!r} has entries that are NaN or infinite.")
    kind = description.get("kind")
    if kind == "pca":
        n, m = description.get("ambient_dim"), description.get("latent_dim")
        _expect(tensors, {"mean": (n,), "directions": (n, m)})
        return PcaAutoencoder(tensors["mean"].numpy(), tensors["directions"].numpy(), name, source)
    if kind == "memoriser":
        n, count = description.get("ambient_dim"), description.get("points")
        _expect(tensors, {"direction": (n,), "codes": (count,), "points": (count, n)})
        arrays = [tensors[key].numpy() for key in ("direction", "codes", "points")]
        return MemoriserAutoencoder(arrays[0], arrays[1], arrays[2], name, source)
    if kind == "built":
        return _built(description.get("spec"), tensors, name, source)
    if kind != "stack":
        raise ModelFileError(f"unknown kind of model {kind!r}; known: stack, pca, memoriser, built.")
    parts = {part: _layers(description.get(part), part) for part in ("encoder", "decoder")}
    shapes: dict[str, tuple[Any, ...]] = {}
    for part, layers in parts.items():
        for i, (_, before, after, has_bias) in enumerate(layer for layer in layers if layer[0] == "linear"):
            shapes[f"{part}.{i}.weight"] = (after, before)
            if has_bias:
                shapes[f"{part}.{i}.bias"] = (after,)
    if sum(_size(shape) for shape in shapes.values()) > MAX_PARAMETERS:
        raise ModelFileError(f"the architecture has more than {MAX_PARAMETERS} parameters.")
    _expect(tensors, shapes)
    modules = [_stack(layers, part, tensors) for part, layers in parts.items()]
    return ModuleAutoencoder(*modules, name=name, source=source)


def _float_types() -> tuple[Any, ...]:
    import torch

    return (torch.float32, torch.float64)


def _size(shape: tuple[Any, ...]) -> int:
    size = 1
    for width in shape:
        size *= width
    return size


def _layers(described: Any, part: str) -> list[list[Any]]:
    if not isinstance(described, list) or not 1 <= len(described) <= _MAX_LAYERS:
        raise ModelFileError(f"the {part} is not a list of 1 to {_MAX_LAYERS} layers.")
    for layer in described:
        linear = (
            isinstance(layer, list)
            and len(layer) == 4
            and layer[0] == "linear"
            and is_count(layer[1])
            and is_count(layer[2])
            and layer[3] in (True, False)
        )
        known = isinstance(layer, list) and len(layer) == 2 and isinstance(layer[0], str) and layer[0] in ACTIVATIONS
        if not linear and not (known and is_real(layer[1])):
            raise ModelFileError(f"the {part} has a layer that is not known: {str(layer)[:80]}.")
    return described


def _expect(tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[Any, ...]]) -> None:
    for key, shape in shapes.items():
        if key not in tensors:
            raise ModelFileError(f"the tensor {key!r} is missing.")
        if tuple(tensors[key].shape) != shape:
            raise ModelFileError(f"the tensor {key!r} has shape {tuple(tensors[key].shape)}; expected {shape}.")
    extra = sorted(set(tensors) - set(shapes))
    if extra:
        raise ModelFileError(f"the tensor {extra[0]!r} belongs to no layer of the architecture.")


def _built(spec: object, tensors: Mapping[str, Tensor], name: str, source: str) -> Autoencoder:
    """The model kind of a spec with the weights of a file."""
    from aeverify.autoencoders.forms import evaluated, marked
    from aeverify.autoencoders.kinds import TrainedKind, kind
    from aeverify.autoencoders.networks import ModuleAutoencoder
    from aeverify.core.seeds import Seed

    found = kind(spec) if isinstance(spec, str) else None
    if not isinstance(found, TrainedKind):
        raise ModelFileError(f"{str(spec)[:80]!r} is not a model kind that is trained.")
    modules = {part: evaluated(m) for part, m in zip(("encoder", "decoder"), found.build(Seed(0)), strict=True)}
    states = {f"{part}.{k}": t for part, module in modules.items() for k, t in module.state_dict().items()}
    _expect(tensors, {k: tuple(t.shape) for k, t in states.items()})
    for part, module in modules.items():
        mark = f"{part}."
        own = {k.removeprefix(mark): t for k, t in tensors.items() if k.startswith(mark)}
        module.load_state_dict(own, assign=True)
    marked(modules["encoder"], str(spec))
    return ModuleAutoencoder(
        modules["encoder"],
        modules["decoder"],
        ambient_dim=found.ambient_dim,
        latent_dim=found.latent_dim,
        name=name,
        source=source,
    )


def _stack(layers: list[list[Any]], part: str, tensors: Mapping[str, Tensor]) -> nn.Sequential:
    from torch import nn

    from aeverify.autoencoders.building import activation_module

    modules: list[nn.Module] = []
    count = 0
    for layer in layers:
        if layer[0] != "linear":
            modules.append(activation_module(layer[0], float(layer[1])))
            continue
        key = f"{part}.{count}"
        linear = nn.Linear(layer[1], layer[2], bias=layer[3], device="meta")
        linear.weight = nn.Parameter(tensors[f"{key}.weight"])
        if layer[3]:
            linear.bias = nn.Parameter(tensors[f"{key}.bias"])
        modules.append(linear)
        count += 1
    return nn.Sequential(*modules)
