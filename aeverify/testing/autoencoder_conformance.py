"""Conformance of an autoencoder: what it says of itself held against what it does, part by part.

`check_autoencoder` runs every part on any `Autoencoder`, of this package or of a third party; each part can be run
alone. A part that fails raises AssertionError with the model, what was found and what was said. The parts look at
points: they can refute what a model says of itself, and prove nothing.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np

from aeverify import measure
from aeverify.autoencoders.protocol import Autoencoder, Continuity, FloatArray, Part
from aeverify.core.evidence import Rigor
from aeverify.core.seeds import Seed, as_seed
from aeverify.errors import ModelError, UsageError
from aeverify.manifolds import Manifold, manifold

P = ParamSpec("P")

_POINTS = 64
_STEPS = (1e-1, 1e-2, 1e-3, 1e-4)
_ROUNDING = 1e-9


def check_autoencoder(
    model: Autoencoder,
    on: Manifold | str,
    *,
    rebuild: Callable[[str], Autoencoder] | None = None,
    seed: Seed | int = 0,
    tolerance: float = _ROUNDING,
) -> None:
    """Run every part on a model.

    Args:
        model: the subject.
        on: the set at whose points it is looked at, or its specification.
        rebuild: makes a model of its `source`, where that is to be checked too.
        seed: of the points.
        tolerance: difference, relative to the size of the values, that rounding may make between two ways of computing
            one number; 1e-4 or so for a model that computes in float32.

    Raises:
        AssertionError: a part fails.
        UsageError: the set lies in another space than the model's points.

    Cost: some thousand evaluations, and those of the probe for jumps (`measure.continuity`).
    """
    __tracebackhide__ = True
    K = manifold(on)
    if K.ambient_dim != model.ambient_dim:
        raise UsageError(
            f"{model.name} takes points of R^{model.ambient_dim}, but {K} lies in R^{K.ambient_dim}. Look at the model "
            "on a set of its own space."
        )
    check_identity(model, K, rebuild=rebuild, seed=seed, tolerance=tolerance)
    for part in AUTOENCODER_PARTS:
        part(model, K, seed=seed, tolerance=tolerance)


def _asserting(part: Callable[P, None]) -> Callable[P, None]:
    """The part, in which a model that crashes, or returns another shape, fails like one that breaks its word."""

    @functools.wraps(part)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        __tracebackhide__ = True
        try:
            part(*arguments, **named)
        except ModelError as error:
            raise AssertionError(f"{getattr(arguments[0], 'name', 'the model')}: expected values; {error}") from error

    return run


@_asserting
def check_identity(
    model: Autoencoder,
    on: Manifold,
    *,
    rebuild: Callable[[str], Autoencoder] | None = None,
    seed: Seed | int = 0,
    tolerance: float = _ROUNDING,
) -> None:
    """Names, dimensions and fingerprint: the fingerprint is a SHA-256 that evaluating does not change, and the model
    that `source` rebuilds has the same one and the same values.

    Raises:
        AssertionError: they are not what the protocol asks for.
    """
    _require(isinstance(model.name, str) and model.name.strip() != "", model, f"a name, got {model.name!r}")
    _require("\n" not in model.name, model, "its name is one line")
    dims = (model.ambient_dim, model.latent_dim)
    _require(all(type(d) is int and d >= 1 for d in dims), model, f"dimensions are positive integers, got {dims}")
    before = model.fingerprint()
    _require(bool(re.fullmatch("[0-9a-f]{64}", str(before))), model, f"a SHA-256 in hex, got {before!r}")
    x = _points(model, on, seed, 5)
    values = model.reconstruct(x)
    _require(model.fingerprint() == before, model, "one fingerprint, and it changed when the model was evaluated")
    _require(isinstance(model.source, str), model, f"a source that is a string, got {type(model.source).__name__}")
    if rebuild is not None:
        _require(model.source != "", model, "a source, from which it can be rebuilt")
        again = rebuild(model.source)
        _require(again.fingerprint() == before, model, f"its source {model.source!r} rebuilds another fingerprint")
        off = _off(again.reconstruct(x), values)
        _require(off <= tolerance, model, f"its source {model.source!r} rebuilds a model that is off by {off:.3g}")


@_asserting
def check_shapes(model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING) -> None:
    """Rows in, as many rows out, in float64: of one row and of several; `reconstruct` is D after E, and `errors` the
    Euclidean distances.

    Raises:
        AssertionError: they are not.
    """
    n, m = model.ambient_dim, model.latent_dim
    for count in (1, 2, 7):
        x = _points(model, on, seed, count)
        z = model.encode(x)
        y = model.decode(z)
        for what, rows, width in (("codes", z, m), ("reconstructions", y, n)):
            _require(
                isinstance(rows, np.ndarray) and rows.shape == (count, width) and rows.dtype == np.float64,
                model,
                f"{what} of {count} points are float64 of shape ({count}, {width}), got {_kind(rows)}",
            )
        off = _off(model.reconstruct(x), y)
        _require(off <= tolerance, model, f"reconstruct is decode after encode, and is off by {off:.3g}")
        off = _off(model.errors(x), np.linalg.norm(y - x, axis=1))
        _require(off <= tolerance, model, f"errors are |D(E(x)) - x|, and are off by {off:.3g}")


@_asserting
def check_determinism(model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING) -> None:
    """The same points give the same numbers to the last bit, whatever was evaluated in between.

    Raises:
        AssertionError: they do not (dropout that is on, noise that is drawn, statistics that are updated).
    """
    x, other = _points(model, on, seed, _POINTS), _points(model, on, as_seed(seed).child("other"), 3)
    first_codes, first = model.encode(x), model.reconstruct(x)
    model.reconstruct(other)
    for what, before, after in (
        ("codes", first_codes, model.encode(x)),
        ("reconstructions", first, model.reconstruct(x)),
    ):
        same = np.array_equal(before, after, equal_nan=True)
        _require(same, model, f"the same {what} of the same points, and they differ by {_off(after, before):.3g}")


@_asserting
def check_batch_independence(
    model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING
) -> None:
    """A row gives the same alone, among others and in another order, up to rounding.

    Raises:
        AssertionError: it does not (batch norm in train mode, a whole-batch normalisation).
    """
    x = _points(model, on, seed, _POINTS)
    for what, function, rows in (("code", model.encode, x), ("decoded point", model.decode, model.encode(x))):
        together = function(rows)
        alone = np.concatenate([function(rows[i : i + 1]) for i in range(0, len(rows), 7)])
        off = _off(alone, together[::7])
        _require(off <= tolerance, model, f"one {what} alone and among others, and they differ by {off:.3g}")
        off = _off(function(rows[::-1])[::-1], together)
        _require(off <= tolerance, model, f"one {what} in any order of the rows, and they differ by {off:.3g}")


@_asserting
def check_purity(model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING) -> None:
    """Evaluating changes no input, and takes arrays that are read-only or not contiguous.

    Raises:
        AssertionError: it does, or does not take them.
    """
    x = _points(model, on, seed, 9)
    for what, function, rows in (("encoder", model.encode, x), ("decoder", model.decode, model.encode(x))):
        kept = rows.copy()
        values = function(rows).copy()
        _require(np.array_equal(rows, kept, equal_nan=True), model, f"the {what} leaves its input as it is")
        fixed = kept.copy()
        fixed.flags.writeable = False
        wide = np.empty((len(kept), 2 * kept.shape[1]))
        wide[:, ::2] = kept
        for kind, given in (("a read-only array", fixed), ("an array that is not contiguous", wide[:, ::2])):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    off = _off(function(given), values)
            except Exception as error:
                raise AssertionError(f"{model.name}: expected that the {what} takes {kind}; {error}") from error
            _require(off <= tolerance, model, f"the {what} gives the same for {kind}, and is off by {off:.3g}")


@_asserting
def check_continuity_declaration(
    model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING
) -> None:
    """A model that is known, or declared, to be continuous shows no jump to the probe.

    Raises:
        AssertionError: it does, or says something else than a `Continuity`.
    """
    said = model.continuity
    _require(isinstance(said, Continuity), model, f"a Continuity, got {said!r}")
    if said not in (Continuity.KNOWN, Continuity.DECLARED):
        return
    found = measure.continuity(_Opaque(model), on, seed=as_seed(seed).child("continuity"))
    jump = f"{found.evidence.lower:.6g}" if found.evidence is not None else "unknown size"
    _require(found.holds is not False, model, f"continuous ({said}), and a jump of {jump} was found")


@_asserting
def check_lipschitz_declaration(
    model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING
) -> None:
    """No two points are farther apart after E, D or D after E than the declared Lipschitz constant allows, which is one
    for all of space: points on K and near it are looked at.

    Raises:
        AssertionError: some are, or a bound is not one (no upper end, an estimate).
    """
    rng = _generator(seed, "lipschitz")
    x = _points(model, on, seed, 4 * _POINTS)
    size = float(np.abs(x).max()) + 1e-300
    x = np.concatenate([x, x + 0.1 * size * rng.standard_normal(x.shape)])
    z = model.encode(x)
    for part, function, rows in (
        (Part.ENCODER, model.encode, x),
        (Part.DECODER, model.decode, z[np.isfinite(z).all(axis=1)]),
        (Part.RECONSTRUCTION, model.reconstruct, x),
    ):
        said = model.lipschitz(part)
        if said is None or not len(rows):
            continue
        _require(said.rigor in (Rigor.CERTIFIED, Rigor.EXACT), model, f"a bound of the {part} that holds, got {said}")
        _require(said.lower <= said.upper and said.upper >= 0.0, model, f"a bound of the {part}, got {said}")
        scale = float(np.abs(rows - rows.mean(axis=0)).max()) + 1e-300
        pairs = [(rows, rows[rng.permutation(len(rows))])]
        pairs += [(rows, rows + step * scale * rng.standard_normal(rows.shape)) for step in _STEPS]
        for a, b in pairs:
            before = np.linalg.norm(a - b, axis=1)
            fa, fb = function(a), function(b)
            # each value is within its rounding of the real one
            slack = tolerance * (np.abs(fa).max(axis=1) + np.abs(fb).max(axis=1) + size)
            steepness = np.where(before > 0.0, (np.linalg.norm(fa - fb, axis=1) - slack) / (before + 1e-300), 0.0)
            steepest = float(steepness.max())
            _require(
                steepest <= said.upper,
                model,
                f"a Lipschitz constant of the {part} of at most {said.upper:.6g}, found {steepest:.6g}",
            )


@_asserting
def check_affine_declaration(
    model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING
) -> None:
    """A decoder that is declared affine maps midpoints to midpoints, and points on lines beyond them too.

    Raises:
        AssertionError: it does not.
    """
    if not model.affine_decoder:
        return
    z = model.encode(_points(model, on, seed, _POINTS))
    other = z[_generator(seed, "affine").permutation(len(z))]
    a, b = model.decode(z), model.decode(other)
    for t in (0.5, -1.0, 2.0):
        off = _off(model.decode((1 - t) * z + t * other), (1 - t) * a + t * b)
        _require(off <= max(tolerance, _ROUNDING), model, f"an affine decoder, and it is off by {off:.3g}")


@_asserting
def check_balls(model: Autoencoder, on: Manifold, *, seed: Seed | int = 0, tolerance: float = _ROUNDING) -> None:
    """Where the model is evaluated in ball arithmetic, the ball of a point contains what the model gives there, and the
    ball of a box what it gives at points of the box, up to the rounding of the float64 evaluation.

    Raises:
        AssertionError: it does not.
    """
    from flint import arb

    rng = _generator(seed, "balls")
    x = _points(model, on, seed, 8)
    size = float(np.abs(x).max()) + 1e-300
    for what, balls, function in (
        ("E(x)", model.encode_balls, model.encode),
        ("D(E(x))", model.reconstruct_balls, model.reconstruct),
    ):
        if balls([arb(float(v)) for v in x[0]]) is None:
            continue
        for radius in (0.0, 1e-6 * size, 1e-2 * size):
            for row in x:
                enclosed = balls([arb(float(v), radius) for v in row])
                inside = row + radius * rng.uniform(-0.99, 0.99, size=(9, len(row)))
                values = function(np.vstack([row, inside]))
                _require(
                    enclosed is not None and len(enclosed) == values.shape[1],
                    model,
                    f"{values.shape[1]} balls of {what}, got {_kind(enclosed)}",
                )
                off = max(_outside(ball, column) for ball, column in zip(enclosed or (), values.T, strict=True))
                said = f"balls of {what} over a box of radius {radius:.3g} contain its values"
                _require(off <= tolerance, model, f"{said}, and one is off by {off:.3g}")


class _Opaque(Autoencoder):
    """The same functions, of which nothing is said, so that the probe looks for itself."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__(model.name, model.ambient_dim, model.latent_dim)
        self._model = model

    def _encode(self, points: FloatArray) -> FloatArray:
        return self._model.encode(points)

    def _decode(self, codes: FloatArray) -> FloatArray:
        return self._model.decode(codes)

    def fingerprint(self) -> str:
        return self._model.fingerprint()


AUTOENCODER_PARTS = (
    check_shapes,
    check_determinism,
    check_batch_independence,
    check_purity,
    check_continuity_declaration,
    check_lipschitz_declaration,
    check_affine_declaration,
    check_balls,
)
"""Every part but `check_identity`, in the order in which `check_autoencoder` runs them."""


def _require(holds: bool, model: Autoencoder, what: str) -> None:
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{model.name}: expected {what}.")


def _points(model: Autoencoder, on: Manifold, seed: Seed | int, count: int) -> FloatArray:
    points: FloatArray = on.sample(count, as_seed(seed).child("conformance", "points")).points.copy()
    return points


def _generator(seed: Seed | int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(as_seed(seed).child("conformance", name).value))


def _off(found: FloatArray, expected: FloatArray) -> float:
    """Largest difference, relative to the size of the expected values; infinite where one is NaN and the other not."""
    if found.shape != expected.shape:
        return float("inf")
    lost = np.isnan(found) != np.isnan(expected)
    with np.errstate(invalid="ignore"):
        apart = np.where(found == expected, 0.0, np.abs(found - expected))
    size = 1.0 + float(np.abs(np.where(np.isfinite(expected), expected, 0.0)).max(initial=0.0))
    apart = np.where(np.isnan(apart), np.where(lost, np.inf, 0.0), apart)
    return float(apart.max(initial=0.0)) / size


def _outside(ball: Any, values: FloatArray) -> float:
    """How far the values lie outside of a ball, relative to their size; 0 for a ball that is the whole line."""
    low, high = float(ball.lower()), float(ball.upper())
    if np.isnan(low) or np.isnan(high):
        return 0.0
    beyond = np.maximum(np.maximum(low - values, values - high), 0.0)
    return float((beyond / (1.0 + np.abs(values))).max())


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    return f"{type(value).__name__}{f' of length {len(value)}' if isinstance(value, list | tuple) else ''}"


__all__ = [
    "AUTOENCODER_PARTS",
    "check_affine_declaration",
    "check_autoencoder",
    "check_balls",
    "check_batch_independence",
    "check_continuity_declaration",
    "check_determinism",
    "check_identity",
    "check_lipschitz_declaration",
    "check_purity",
    "check_shapes",
]
