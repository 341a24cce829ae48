"""Opening ONNX models: one graph or two, rebuilt as torch modules where that gives the same function."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from aeverify.autoencoders.onnx.graphs import Graph
from aeverify.autoencoders.onnx.reading import read_graph
from aeverify.autoencoders.onnx.rebuilding import NotRebuilt, rebuild
from aeverify.autoencoders.onnx.running import OnnxAutoencoder
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.errors import ModelFileError

TOLERANCE = 1e-4
"""Largest difference between the rebuilt network and onnxruntime that counts as rounding of float32, relative to the
largest number that either returns (and to 1)."""

_LATENT_NAMES = ("latent", "bottleneck", "encoded", "embedding", "code")
_LISTED = 8


def open_onnx(
    path: Path,
    decoder: Path | None,
    *,
    latent: str | None,
    ambient_dim: int | None,
    latent_dim: int | None,
    device: str,
    batch_size: int | None,
    name: str,
) -> Autoencoder:
    """The autoencoder of one ONNX graph or of two; see `open_model`."""
    if decoder is None:
        whole = read_graph(path, ambient_dim)
        first, second, note = _split(whole, latent, latent_dim)
    else:
        first, second, note = read_graph(path, ambient_dim), read_graph(decoder, latent_dim), ""
        for graph in (first, second):
            if len(graph.outputs) != 1:
                raise ModelFileError(
                    f"{graph.path} has {len(graph.outputs)} outputs ({', '.join(graph.outputs[:6])}), expected "
                    "one. Of a variational encoder export the mean alone."
                )
    for what, given, found in (
        ("ambient_dim", ambient_dim, math.prod(first.shapes[first.input][1:])),
        ("latent_dim", latent_dim, first.size(first.outputs[0])),
    ):
        if given not in (None, found):
            raise ModelFileError(f"{path} has {what} {found}, and {given} is needed here. Give the file that fits.")
    run = OnnxAutoencoder(first, second, name=name, source=str(path), batch_size=batch_size)
    _require_separate_rows(run, path)
    try:
        encoder_module, decoder_module = rebuild(first), rebuild(second)
    except NotRebuilt as reason:
        run.evaluate_on(device)
        return _noted(run, f"{note} {_run_by(first)}, since {reason}; nothing about it can be enclosed.")
    from aeverify.autoencoders.networks import ModuleAutoencoder

    built = ModuleAutoencoder(
        encoder_module,
        decoder_module,
        ambient_dim=run.ambient_dim,
        latent_dim=run.latent_dim,
        name=name,
        source=str(path),
        device=device,
        batch_size=batch_size,
    )
    gap = _difference(run, built)
    if not gap <= TOLERANCE:
        run.evaluate_on(device)
        return _noted(
            run,
            f"{note} {_run_by(first)}, since the torch modules rebuilt from the graph differ from it by {gap:.2g} "
            f"(relative; {TOLERANCE:g} is allowed) and are not the same function.",
        )
    return _noted(
        built,
        f"{note} Rebuilt from ONNX as torch modules: the real function of the weights in the file, evaluated in "
        f"float64. onnxruntime in {first.type} differs by {gap:.1g} (relative) at 64 random points.",
    )


def _noted(model: Autoencoder, note: str) -> Autoencoder:
    model.note = " ".join(part for part in (note.strip(), model.note) if part)
    return model


def _run_by(graph: Graph) -> str:
    return f"Run by onnxruntime in {graph.type}, which is the function that is judged"


def _split(graph: Graph, latent: str | None, latent_dim: int | None) -> tuple[Graph, Graph, str]:
    """The graph cut in two at its code."""
    n = math.prod(graph.shapes[graph.input][1:])
    outputs = [o for o in graph.outputs if graph.size(o) == n and o != latent]
    if not outputs:
        sizes = ", ".join(f"{o!r} ({graph.size(o)})" for o in graph.outputs[:_LISTED])
        raise ModelFileError(
            f"{graph.path} takes {n} numbers and has no output of {n}: {sizes}. If it is an encoder, give the "
            "decoder's file too (decoder=, --decoder)."
        )
    if len(outputs) > 1:
        raise ModelFileError(
            f"{graph.path} has {len(outputs)} outputs of {n} numbers ({', '.join(outputs)}); export the reconstruction "
            "alone, or name the one that is the code (latent=)."
        )
    target = outputs[0]
    cuts = graph.cuts(target)
    if latent is not None:
        if latent not in cuts:
            raise ModelFileError(
                f"{graph.path} has no tensor {latent!r} through which everything passes; such are: "
                f"{_cuts(graph, cuts)}. Name one of them."
            )
        chosen = latent
    else:
        chosen = _narrowest(graph, cuts, latent_dim, n)
    note = f"The code is the tensor {chosen!r} of the graph."
    return graph.between(graph.input, chosen), graph.between(chosen, target), note


def _narrowest(graph: Graph, cuts: tuple[str, ...], latent_dim: int | None, n: int) -> str:
    """The last tensor before the graph widens again, of those of the asked or of the least size."""
    wanted = latent_dim or min((graph.size(c) for c in cuts), default=n)
    found = [c for c in cuts if graph.size(c) == wanted]
    if not found or (latent_dim is None and wanted >= n):
        raise ModelFileError(
            f"{graph.path} has no tensor of {'fewer than ' + str(n) if latent_dim is None else latent_dim} numbers "
            f"through which everything passes: it is a reconstruction whose code cannot be found. Tensors that can be "
            f"one: {_cuts(graph, cuts)}. Name it (latent=), or export encoder and decoder as two files."
        )
    named = [c for c in found if c in graph.outputs or any(word in c.lower() for word in _LATENT_NAMES)]
    return (named or found)[-1]


def _cuts(graph: Graph, cuts: tuple[str, ...]) -> str:
    return ", ".join(f"{c!r} ({graph.size(c)} numbers)" for c in cuts[:_LISTED]) or "none"


def _points(model: Autoencoder) -> FloatArray:
    rng = np.random.Generator(np.random.PCG64(0))
    return np.concatenate([rng.standard_normal((32, model.ambient_dim)), rng.random((32, model.ambient_dim))])


def _relative(a: FloatArray, b: FloatArray) -> float:
    scale = max(1.0, float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    return float(np.abs(a - b).max(initial=0.0)) / scale


def _difference(run: Autoencoder, built: Autoencoder) -> float:
    """Largest relative difference of codes and of decoded points; NaN where either is not finite."""
    x = _points(run)
    codes = run.encode(x)
    rng = np.random.Generator(np.random.PCG64(1))
    z = np.concatenate([codes, rng.standard_normal((32, run.latent_dim))])
    pairs: tuple[tuple[Callable[[Autoencoder], FloatArray]], ...] = ((lambda m: m.encode(x),), (lambda m: m.decode(z),))
    gaps = [_relative(f(run), f(built)) for (f,) in pairs]
    return max(gaps) if all(math.isfinite(g) for g in gaps) else math.nan


def _require_separate_rows(run: OnnxAutoencoder, path: Path) -> None:
    """What a graph returns for a row must not depend on the rows beside it."""
    x = _points(run)
    together = run.reconstruct(x)
    alone = np.concatenate([run.reconstruct(x[i : i + 1]) for i in (0, 40)])
    if not np.isfinite(together).all():
        return  # what that means is decided on points of K
    if _relative(together[[0, 40]], alone) > TOLERANCE:
        raise ModelFileError(
            f"{path} returns other numbers for a point when other points are in the same call: it mixes the rows of a "
            "batch, so that it is no function of one point. Export it in eval mode, with the batch as first axis."
        )
