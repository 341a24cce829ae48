"""Diagnosis: in a few words, what a model does to K. It wraps, folds, tears, collapses, jumps, copies or reconstructs.

The words are read off the evidence that the claims are decided by, in an order in which each rules out those after it.
They are for the reader and decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from aeverify import measure
from aeverify.claims.encoder_evidence import closed_parts, encoder_floor, localisation, preimages, winding
from aeverify.claims.study import Study
from aeverify.errors import NonFiniteOutputError

_OFF_POINTS = 200
_EXACT = 1e-9
_TIMES = {1: "once", 2: "twice", 3: "three times", 4: "four times"}


class Behaviour(StrEnum):
    """What a model does to one component of K, or to all of it."""

    NON_FINITE = "returns NaN or infinity"
    JUMPS = "jumps"
    IDENTITY = "identity"
    RECONSTRUCTS = "reconstructs"
    COLLAPSES = "collapses"
    WRAPS = "wraps"
    TEARS = "tears"
    FOLDS = "folds"
    MISDECODES = "misdecodes"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Diagnosis:
    """What a model does to one component.

    Attributes:
        component: index of the component; None where it is said of the model as a whole.
        behaviour: the kind.
        words: one clause with its numbers, such as "is torn at t = 0.5 (0.0982 of 6.283 units of length)"; its
            subject is the component, or the model where `component` is None.
    """

    component: int | None
    behaviour: Behaviour
    words: str


def diagnose(study: Study, epsilon: float = 0.1) -> tuple[Diagnosis, ...]:
    """What the model does to each component of K; one entry for all of K where it returns NaN, jumps, or copies every
    point of the space.

    Args:
        study: the model on the set.
        epsilon: the largest error that counts as a reconstruction, in the units of the data.
    """
    try:
        continuous = study.continuity()
        if continuous.holds is False:
            return (Diagnosis(None, Behaviour.JUMPS, f"the model jumps: it is not continuous{_place(continuous)}"),)
        study.sup_errors()
    except NonFiniteOutputError:
        return (Diagnosis(None, Behaviour.NON_FINITE, "the model returns NaN or infinity on K"),)
    if _copies(study):
        return (
            Diagnosis(None, Behaviour.IDENTITY, "the model is the identity: it copies every point, on K and off it"),
        )
    return tuple(_component(study, i, epsilon) for i in range(len(study.manifold.components)))


def describe(study: Study, epsilon: float = 0.1) -> str:
    """The diagnosis as one line; components that share their words are named together."""
    grouped: dict[str, list[str]] = {}
    for found in diagnose(study, epsilon):
        grouped.setdefault(found.words, []).append("" if found.component is None else str(found.component))
    parts = []
    for words, owners in grouped.items():
        if not owners[0]:
            parts.append(words)
        elif len(study.manifold.components) == 1:
            parts.append(f"K {words}")
        elif len(owners) == 1:
            parts.append(f"component {owners[0]} {words}")
        else:
            parts.append(f"each of the components {', '.join(owners[:-1])} and {owners[-1]} {words}")
    return "; ".join(parts)


def _place(premise: object) -> str:
    evidence = getattr(premise, "evidence", None)
    points = evidence.witness.points if evidence is not None and evidence.witness is not None else ()
    parameters = next((p.parameters for p in points if p.parameters), ())
    return f" (at t = {', '.join(f'{t:.4g}' for t in parameters)})" if parameters else ""


def _copies(study: Study) -> bool:
    """Whether random points round K, off it, are their own reconstructions."""
    rng = np.random.Generator(np.random.PCG64(study.seed.child("diagnosis").value))
    points = np.concatenate([part.grid(64).points for part in study.manifold.components])
    center, radius = points.mean(axis=0), float(np.ptp(points, axis=0).max())
    off = center + radius * rng.standard_normal((_OFF_POINTS, study.manifold.ambient_dim))
    errors = study.autoencoder.errors(off)
    return bool(np.isfinite(errors).all() and errors.max() <= _EXACT * (1.0 + np.abs(off).max()))


def _component(study: Study, i: int, epsilon: float) -> Diagnosis:
    part, model = study.manifold.components[i], study.autoencoder
    worst = study.sup_errors()[i]
    codes = model.encode(part.grid(512).points)
    if float(np.ptp(codes, axis=0).max()) <= _EXACT * (1.0 + float(np.abs(codes).max())):
        return Diagnosis(i, Behaviour.COLLAPSES, f"is collapsed to one code, with errors up to {worst.lower:.4g}")
    if worst.lower <= epsilon:
        return Diagnosis(i, Behaviour.RECONSTRUCTS, f"is reconstructed: no error above {worst.lower:.3g} was found")
    if study.latent_dim == 2 and i in closed_parts(study.manifold, 1):
        times = int(winding(study, i).lower)
        if times >= 2:
            words = f"is wrapped {_TIMES.get(times, f'{times} times')} round the hole of its codes"
            return Diagnosis(i, Behaviour.WRAPS, words)
    torn = _torn(study, i, epsilon)
    if torn is not None:
        return Diagnosis(i, Behaviour.TEARS, torn)
    floor = encoder_floor(study)
    if floor.upper < 0.5 * worst.lower:
        words = (
            f"is misdecoded: its codes are apart (no decoder need err by more than {floor.upper:.3g}), and the error "
            f"reaches {worst.lower:.4g}"
        )
        return Diagnosis(i, Behaviour.MISDECODES, words)
    if i in closed_parts(study.manifold, study.latent_dim) and study.latent_dim <= 2:
        times = preimages(study, i).typical
        if times >= 2:
            words = f"is folded: a typical code belongs to {times} of its points, and errors reach {worst.lower:.4g}"
            return Diagnosis(i, Behaviour.FOLDS, words)
    if floor.lower > epsilon:
        words = f"is folded: points {2 * floor.lower:.4g} apart share a code"
        return Diagnosis(i, Behaviour.FOLDS, words)
    return Diagnosis(i, Behaviour.UNCLEAR, f"has errors up to {worst.lower:.4g} for no reason that was found")


def _torn(study: Study, i: int, epsilon: float) -> str | None:
    """Where a curve is torn, if the error is small on most of it; for other dimensions how much of it is bad."""
    part = study.manifold.components[i]
    if part.truth.dimension != 1:
        share = study.bad_set(epsilon, i)
        if share.upper > 0.25:
            return None
        return f"is torn on a share of {share.interval}, with errors up to {study.sup_errors()[i].lower:.4g}"
    found = measure.tears(localisation(study, i, epsilon), study.manifold)
    total, length = sum(t.length.upper for t in found), part.truth.volume.upper
    if not found or total > 0.25 * length:
        return None
    places = ", ".join(f"{_middle(t):.6g}" for t in found[:3]) + (" ..." if len(found) > 3 else "")
    return f"is torn at t = {places} ({total:.3g} of {length:.4g} units of length)"


def _middle(tear: measure.Tear) -> float:
    return (tear.outer.lower + tear.outer.upper) / 2
