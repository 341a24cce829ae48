"""Affine scikit-learn estimators as matrices: transform(x) = A x + a and inverse_transform(z) = B z + b.

Each rule is the formula of the estimator's documentation in its fitted attributes, for exact types only. Pipelines are
composed: (B, b) after (A, a) is (B A, B a + b), in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aeverify.autoencoders.protocol import FloatArray

Map = tuple[FloatArray, FloatArray]
Maps = tuple[Map, Map]


def affine_maps(model: Any, features: int) -> Maps | None:
    """The maps of `transform` and `inverse_transform` of a fitted estimator; None where it is not known to
    be affine."""
    from sklearn.pipeline import Pipeline

    if model is None or (isinstance(model, str) and model == "passthrough"):
        return _identity(features), _identity(features)
    if type(model) is Pipeline:
        forward, backward = _identity(features), _identity(features)
        for _, step in model.steps:
            found = affine_maps(step, len(forward[0]))
            if found is None:
                return None
            forward, backward = _after(found[0], forward), _after(backward, found[1])
        return forward, backward
    rule = _rules().get(type(model))
    return None if rule is None else rule(model, features)


def _identity(n: int) -> Map:
    return np.eye(n), np.zeros(n)


def _after(second: Map, first: Map) -> Map:
    return second[0] @ first[0], second[0] @ first[1] + second[1]


def _rules() -> dict[type, Callable[[Any, int], Maps | None]]:
    from sklearn import decomposition, preprocessing

    return {
        preprocessing.StandardScaler: _standard,
        preprocessing.MinMaxScaler: _min_max,
        preprocessing.MaxAbsScaler: lambda e, n: _diagonal(1.0 / e.scale_, np.zeros(n), e.scale_),
        preprocessing.RobustScaler: _robust,
        decomposition.PCA: _pca,
        decomposition.IncrementalPCA: _pca,
        decomposition.TruncatedSVD: lambda e, n: (
            (e.components_, np.zeros(len(e.components_))),
            (e.components_.T, np.zeros(n)),
        ),
        decomposition.FastICA: _ica,
    }


def _diagonal(factor: Any, shift: Any, back: Any) -> Maps:
    """x -> factor x + shift and its inverse, with back = 1/factor as the estimator stores it."""
    factor, shift, back = (np.asarray(a, dtype=np.float64) for a in (factor, shift, back))
    return (np.diag(factor), shift), (np.diag(back), -back * shift)


def _standard(e: Any, n: int) -> Maps:
    scale = np.ones(n) if e.scale_ is None else e.scale_
    mean = np.zeros(n) if not e.with_mean or e.mean_ is None else e.mean_
    return (np.diag(1.0 / scale), -mean / scale), (np.diag(scale), np.asarray(mean, dtype=np.float64))


def _min_max(e: Any, n: int) -> Maps | None:
    if e.clip:  # then transform is piecewise affine
        return None
    return (np.diag(e.scale_), e.min_), (np.diag(1.0 / e.scale_), -e.min_ / e.scale_)


def _robust(e: Any, n: int) -> Maps:
    scale = np.ones(n) if e.scale_ is None else e.scale_
    center = np.zeros(n) if e.center_ is None else e.center_
    return (np.diag(1.0 / scale), -center / scale), (np.diag(scale), np.asarray(center, dtype=np.float64))


def _pca(e: Any, n: int) -> Maps:
    components = np.asarray(e.components_, dtype=np.float64)
    mean = np.zeros(n) if e.mean_ is None else np.asarray(e.mean_, dtype=np.float64)
    down, up = components, components.T
    if e.whiten:
        # the least variance that is divided by is clipped to the machine epsilon
        root = np.sqrt(np.maximum(e.explained_variance_, np.finfo(e.explained_variance_.dtype).eps))
        down, up = components / root[:, None], (np.sqrt(e.explained_variance_)[:, None] * components).T
    return (down, -down @ mean), (up, mean)


def _ica(e: Any, n: int) -> Maps:
    mean = np.zeros(n) if not e.whiten else np.asarray(e.mean_, dtype=np.float64)
    down, up = np.asarray(e.components_, dtype=np.float64), np.asarray(e.mixing_, dtype=np.float64)
    return (down, -down @ mean), (up, mean)
