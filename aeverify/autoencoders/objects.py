"""Objects as autoencoders: `encode`/`decode`, torch modules `encoder`/`decoder`, or `transform`/`inverse_transform`.

A scikit-learn estimator whose two maps are affine is written down as E(x) = A x + a and D(z) = B z + b, read from its
fitted attributes (`affine_estimators`). Estimators are recognised by their exact type, and the two affine maps are
compared with what the estimator itself returns before they are used in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aeverify.autoencoders.callables import CallableAutoencoder, Calling
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

_PAIRS = (("encode", "decode"), ("transform", "inverse_transform"))

AGREEMENT = 1e-9
"""Largest difference, relative to the largest number, between an estimator and its affine maps in float64."""


def from_object(
    model: Any,
    *,
    ambient_dim: int | None = None,
    latent_dim: int | None = None,
    input_shape: Any = None,
    latent_shape: Any = None,
    device: str = "cpu",
    batch_size: int | None = None,
    name: str | None = None,
    continuous: bool | None = None,
) -> Autoencoder:
    """See `Autoencoder.from_object`."""
    if isinstance(model, Autoencoder):
        return model
    if isinstance(model, type):
        raise UsageError(f"{model.__name__} is a class; give an object of it, fitted or trained.")
    if isinstance(model, tuple) and len(model) == 2:
        return Autoencoder.from_modules(
            *model,
            ambient_dim=ambient_dim,
            latent_dim=latent_dim,
            input_shape=input_shape,
            latent_shape=latent_shape,
            device=device,
            batch_size=batch_size,
            name=name or "modules",
        )
    named = name or type(model).__name__
    modules = _modules(model)
    if modules is not None:
        return Autoencoder.from_modules(
            *modules,
            ambient_dim=ambient_dim,
            latent_dim=latent_dim,
            input_shape=input_shape,
            latent_shape=latent_shape,
            device=device,
            batch_size=batch_size,
            name=named,
        )
    pair = next((p for p in _PAIRS if all(callable(getattr(model, f, None)) for f in p)), None)
    if pair is None:
        have = [f for p in _PAIRS for f in p if callable(getattr(model, f, None))]
        raise UsageError(
            f"A {type(model).__name__} is no autoencoder that is known: expected encode and decode, transform and "
            "inverse_transform, or torch modules encoder and decoder; it has "
            f"{', '.join(have) or 'none of these'}. Use Autoencoder.from_callables with two functions."
        )
    if pair[0] == "transform" and hasattr(model, "get_params"):
        found = _estimator(model, pair, ambient_dim, latent_dim, named)
        if isinstance(found, Autoencoder):
            return found
        ambient_dim, latent_dim = found
    calling = Calling.of(ambient_dim, latent_dim, input_shape, latent_shape, batch_size=batch_size)
    encode, decode = (getattr(model, f) for f in pair)
    return CallableAutoencoder(encode, decode, calling.ambient_dim, calling.latent_dim, named, continuous, calling)


def _modules(model: Any) -> tuple[nn.Module, nn.Module] | None:
    """Encoder and decoder of an object of torch: its two methods as modules, or its two children."""
    import sys

    if "torch" not in sys.modules:
        return None  # then it is no torch object
    from torch import nn

    from aeverify.autoencoders.methods import Method

    if isinstance(model, nn.Module) and all(callable(getattr(model, f, None)) for f in ("encode", "decode")):
        return Method(model, "encode"), Method(model, "decode")
    children = [getattr(model, f, None) for f in ("encoder", "decoder")]
    if isinstance(children[0], nn.Module) and isinstance(children[1], nn.Module):
        return children[0], children[1]
    return None


def _estimator(
    model: Any, pair: tuple[str, str], ambient_dim: int | None, latent_dim: int | None, name: str
) -> Autoencoder | tuple[int, int]:
    """A fitted scikit-learn estimator as two affine layers, or else its dimensions."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
        n = ambient_dim or int(model.n_features_in_)
        codes = np.asarray(model.transform(np.zeros((2, n))))
    except NotFittedError as error:
        raise UsageError(
            f"The {type(model).__name__} is not fitted: call fit on the training data first, then give it to aeverify."
        ) from error
    except AttributeError as error:
        raise UsageError(
            f"The {type(model).__name__} does not say how many features it was fitted to ({error}); give ambient_dim=."
        ) from error
    except ValueError as error:
        raise UsageError(f"The {type(model).__name__} does not take {ambient_dim} features: {error}") from error
    try:
        model.inverse_transform(codes)
    except Exception as error:
        raise UsageError(
            f"The {type(model).__name__} has no way back from its codes: inverse_transform raised "
            f"{type(error).__name__}: {error}. Fit it with an inverse, or give two functions to "
            "Autoencoder.from_callables."
        ) from error
    if codes.ndim != 2:
        raise UsageError(
            f"The {type(model).__name__} transforms to shape {codes.shape}; expected one row of codes for each point."
        )
    m = codes.shape[1]
    for what, given, found in (("ambient_dim", ambient_dim, n), ("latent_dim", latent_dim, m)):
        if given not in (None, found):
            raise UsageError(f"{what} {given} was given, and the {type(model).__name__} has {found}; leave it out.")
    from aeverify.autoencoders.affine_estimators import affine_maps

    maps = affine_maps(model, n)
    if maps is None:
        return n, m
    (weight, shift), (back, offset) = maps
    if not _agrees(model, maps, n):
        return n, m
    import torch
    from torch import nn

    from aeverify.autoencoders.networks import ModuleAutoencoder

    layers = []
    for matrix, vector in ((weight, shift), (back, offset)):
        layer = nn.Linear(matrix.shape[1], matrix.shape[0], dtype=torch.float64, device="meta")
        layer.weight = nn.Parameter(torch.from_numpy(np.array(matrix)), requires_grad=False)
        layer.bias = nn.Parameter(torch.from_numpy(np.array(vector)), requires_grad=False)
        layers.append(nn.Sequential(layer))
    note = f"Two affine maps with the numbers that the {type(model).__name__} was fitted to."
    return ModuleAutoencoder(*layers, ambient_dim=n, latent_dim=m, name=name, note=note)


def _agrees(model: Any, maps: Any, n: int) -> bool:
    rng = np.random.Generator(np.random.PCG64(0))
    (weight, shift), (back, offset) = maps
    x = rng.standard_normal((16, n))
    z = rng.standard_normal((16, len(weight)))
    return _close(model.transform(x), x @ weight.T + shift) and _close(model.inverse_transform(z), z @ back.T + offset)


def _close(a: Any, b: FloatArray) -> bool:
    found = np.asarray(a, dtype=np.float64)
    scale = max(1.0, float(np.abs(b).max(initial=0.0)))
    return found.shape == b.shape and bool((np.abs(found - b) <= AGREEMENT * scale).all())
