"""PyTorch checkpoints: weights by name, put into the modules of an architecture. Nothing in the file is run.

`torch.load(weights_only=True)` builds tensors, numbers, strings, lists and dicts, and refuses every other object. The
names in a file are those of the author's classes, so they are compared with the architecture's in three steps, each of
which has to account for every tensor of the file:

1. wrappers are taken off: nested dicts (`state_dict`, `model_state_dict`, `encoder`), and prefixes such as `model.`,
   `module.` (data parallel) and `_orig_mod.` (compiled);
2. what lies behind `encoder.` and `decoder.` has the names of the architecture, up to one more common prefix;
3. or, for stacks of layers, the tensors of each part come in the same order with the same kinds and shapes, and their
   names are in natural order too (`fc1`, `fc2`, or `0`, `3`, `6` where dropout lies between). `note` says so.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeverify.autoencoders.architectures import ARCHITECTURES, MAX_PARAMETERS, Architecture, architecture
from aeverify.autoencoders.files.formats import FileFormat
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

_WRAPPED = ("state_dict", "model_state_dict", "model", "net", "module", "autoencoder", "weights", "params")
_PREFIXES = ("_orig_mod.", "module.", "model.", "net.", "network.", "autoencoder.", "ae.", "vae.")
_PARTS = {"encoder": ("encoder.", "enc.", "encode."), "decoder": ("decoder.", "dec.", "decode.")}
_IGNORED = ("num_batches_tracked",)
_MOST_TENSORS = 10_000
_LISTED = 6


def open_checkpoint(
    path: Path,
    kind: FileFormat,
    spec: str | Architecture | None,
    *,
    trust: bool,
    ambient_dim: int | None,
    latent_dim: int | None,
    device: str,
    batch_size: int | None,
    name: str,
) -> Autoencoder:
    """The architecture with the weights of a checkpoint; see `open_model`.

    Raises:
        ModelFileError: a file that cannot be read without running its code, or weights that do not fit.
        UsageError: no architecture, or one that is not known.
    """
    if kind is FileFormat.TORCH_OLD:
        raise ModelFileError(
            f"{path} is a PyTorch file of the format before version 1.6, whose sizes cannot be checked before it is "
            "read. Load it yourself and save it again: torch.save(torch.load(path, weights_only=True), 'model.pt')."
        )
    content = _content(path, trust)
    from torch import nn

    if isinstance(content, nn.Module):
        from aeverify.autoencoders.objects import from_object

        return from_object(
            content, ambient_dim=ambient_dim, latent_dim=latent_dim, device=device, batch_size=batch_size, name=name
        )
    if spec is None:
        raise UsageError(
            f"{path} holds weights and no architecture. Name one: architecture = 'mlp:hidden=[128,128]' in the claims "
            f"file or architecture= in Python (known: {', '.join(ARCHITECTURES)} and the trained kinds of "
            "'aeverify list kinds'). For any other network, export the model to ONNX."
        )
    tensors = _tensors(path, content)
    modules, n, m, text = _built(spec, ambient_dim, latent_dim)
    note = _filled(path, modules, _parts(path, tensors), text)
    from aeverify.autoencoders.forms import evaluated
    from aeverify.autoencoders.networks import ModuleAutoencoder

    return ModuleAutoencoder(
        *(evaluated(module).eval() for module in modules.values()),
        ambient_dim=n,
        latent_dim=m,
        name=name,
        source=str(path),
        device=device,
        batch_size=batch_size,
        note=note,
    )


def _content(path: Path, trust: bool) -> Any:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=not trust)
    except pickle.UnpicklingError as error:
        found = re.search(r"(?:GLOBAL|global:?) (\w+\.[\w.]+)", str(error))
        what = f"the object {found[1]}" if found else "objects that are no tensors"
        raise ModelFileError(
            f"{path} holds {what} beside tensors, and unpickling that runs code of the file. If you trust its author, "
            "pass --trust-model (trust=True in Python); else save the weights alone: "
            "torch.save(model.state_dict(), path)."
        ) from error
    except (MemoryError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be read: it nests too deeply or asks for too much memory.") from error
    except Exception as error:
        raise ModelFileError(
            f"{path} is not a whole PyTorch checkpoint ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0][:200]}): it is truncated or damaged. Save it again with "
            "torch.save(model.state_dict(), path)."
        ) from error


def _tensors(path: Path, content: Any) -> dict[str, Tensor]:
    """Every tensor of nested dicts under its dotted name, floating and finite, of a bounded size."""
    import torch

    found: dict[str, Tensor] = {}

    def collect(value: Any, prefix: str, depth: int) -> None:
        if isinstance(value, torch.Tensor):
            found[prefix.removesuffix(".")] = value
        elif isinstance(value, Mapping) and depth < 4:
            if len(value) > _MOST_TENSORS:
                raise ModelFileError(f"{path} has a dict of {len(value)} entries; at most {_MOST_TENSORS} are read.")
            for key, each in value.items():
                if isinstance(key, str):
                    collect(each, f"{prefix}{key}.", depth + 1)

    if not isinstance(content, Mapping):
        raise ModelFileError(
            f"{path} holds a {type(content).__name__}, expected a dict of tensors: save model.state_dict()."
        )
    for key in _WRAPPED:  # a checkpoint holds the optimizer's tensors too
        inner = content.get(key)
        if isinstance(inner, Mapping) and inner:
            content = inner
            break
    collect(content, "", 0)
    found = {k: t for k, t in found.items() if not k.endswith(_IGNORED)}
    if not found or len(found) > _MOST_TENSORS:
        raise ModelFileError(f"{path} holds {len(found)} tensors, expected the weights of an encoder and a decoder.")
    if sum(t.numel() for t in found.values()) > MAX_PARAMETERS:
        raise ModelFileError(f"{path} has more than {MAX_PARAMETERS} numbers.")
    for key, tensor in found.items():
        if tensor.layout is not torch.strided or not tensor.dtype.is_floating_point or tensor.is_quantized:
            raise ModelFileError(
                f"{path}: the tensor {key!r} is {tensor.layout} {tensor.dtype}; expected dense real floating point "
                "weights. Give the model before quantisation, or export the quantised one to ONNX."
            )
        if not bool(tensor.isfinite().all()):
            raise ModelFileError(f"{path}: the tensor {key!r} has entries that are NaN or infinite.")
    return found


def _parts(path: Path, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The tensors of encoder and decoder, without the prefix that says which."""
    names = list(tensors)
    while True:
        prefix = next((p for p in _PREFIXES if all(n.startswith(p) for n in names)), None)
        if prefix is None:
            break
        tensors = {n.removeprefix(prefix): t for n, t in tensors.items()}
        names = list(tensors)
    parts: dict[str, dict[str, Tensor]] = {"encoder": {}, "decoder": {}}
    rest = []
    for key, tensor in tensors.items():
        for part, marks in _PARTS.items():
            mark = next((mark for mark in marks if f".{key}".find(f".{mark}") >= 0), None)
            if mark is not None:
                parts[part][key[f".{key}".index(f".{mark}") + len(mark) :]] = tensor
                break
        else:
            rest.append(key)
    if not all(parts.values()) or rest:
        raise ModelFileError(
            f"{path}: the names of the weights do not say which belong to the encoder and which to the decoder: "
            f"{_listed(rest or names)}. Expected names such as encoder.0.weight and decoder.0.weight; rename them, as "
            "in {'encoder': model.first.state_dict(), 'decoder': model.second.state_dict()}, or export to ONNX."
        )
    return parts


def _built(
    spec: str | Architecture, ambient_dim: int | None, latent_dim: int | None
) -> tuple[dict[str, nn.Module], int, int, str]:
    from aeverify.autoencoders.kinds import TrainedKind, kind

    if isinstance(spec, Architecture) or Spec.parse(spec).name in ARCHITECTURES:
        shape = architecture(spec, ambient_dim=ambient_dim, latent_dim=latent_dim)
        encoder, decoder = shape.build(Seed(0))
        return {"encoder": encoder, "decoder": decoder}, shape.ambient_dim, shape.latent_dim, str(shape)
    found = kind(spec, ambient_dim=ambient_dim, latent_dim=latent_dim)
    if not isinstance(found, TrainedKind):
        raise UsageError(f"{spec!r} is a kind that is computed from points; a checkpoint needs one that is trained.")
    built = found._marked(Seed(0))
    return dict(zip(("encoder", "decoder"), built, strict=True)), found.ambient_dim, found.latent_dim, str(found)


def _filled(
    path: Path, modules: dict[str, nn.Module], parts: dict[str, dict[str, Tensor]], architecture_text: str
) -> str:
    """Put the tensors into the modules; what has to be said of how they were matched."""
    notes, problems = [], []
    for part, module in modules.items():
        expected = {k: tuple(t.shape) for k, t in module.state_dict().items() if not k.endswith(_IGNORED)}
        given = parts[part]
        matched = _by_name(expected, given)
        if matched is None:
            matched = _by_order(expected, given)
            if matched is not None:
                notes.append(f"The weights of the {part} were matched by order and shape, since their names differ.")
        if matched is None:
            problems += _differences(part, expected, given)
            continue
        state = {k: t.detach().clone() for k, t in matched.items()}
        kept = {k: t for k, t in module.state_dict().items() if k.endswith(_IGNORED)}
        module.load_state_dict({**state, **kept}, assign=True)
    if problems:
        raise ModelFileError(
            f"{path} does not fit the architecture {architecture_text}: {'; '.join(problems)}. Name the architecture "
            "that the weights were trained with."
        )
    return " ".join(notes)


def _by_name(expected: dict[str, tuple[int, ...]], given: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """The tensors under the expected names, where these differ from the given ones by one common prefix at most."""
    for prefix in {"", *(f"{k[: -len(e)]}" for k in list(given)[:1] for e in expected if k.endswith(f".{e}"))}:
        names = {k.removeprefix(prefix): t for k, t in given.items() if k.startswith(prefix)}
        if len(names) == len(given) and {k: tuple(t.shape) for k, t in names.items()} == expected:
            return names
    return None


def _by_order(expected: dict[str, tuple[int, ...]], given: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """The tensors in their order under the expected names, where kinds and shapes agree and the order is natural."""

    def kinds(names: Any) -> list[str]:
        return [name.rpartition(".")[2] for name in names]

    layers = [name.rpartition(".")[0] for name in given]
    natural = sorted(dict.fromkeys(layers), key=lambda n: [int(x) if x.isdecimal() else x for x in _split(n)])
    in_order = list(dict.fromkeys(layers)) == natural and len({re.sub(r"\d+", "#", n) for n in layers}) == 1
    same = [tuple(t.shape) for t in given.values()] == list(expected.values()) and kinds(given) == kinds(expected)
    return dict(zip(expected, given.values(), strict=True)) if same and in_order else None


def _split(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def _differences(part: str, expected: dict[str, tuple[int, ...]], given: dict[str, Tensor]) -> list[str]:
    problems = []
    missing, extra = [k for k in expected if k not in given], [k for k in given if k not in expected]
    if missing:
        problems.append(f"missing in the {part}: {_listed(missing)}")
    if extra:
        problems.append(f"unexpected in the {part}: {_listed(extra)}")
    for key, shape in expected.items():
        if key in given and tuple(given[key].shape) != shape:
            problems.append(f"{part}.{key} has shape {tuple(given[key].shape)}, expected {shape}")
    if len(problems) > _LISTED:
        problems = [*problems[:_LISTED], f"and {len(problems) - _LISTED} more"]
    return problems


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
