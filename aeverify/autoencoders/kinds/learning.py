"""From the spec of a kind, or of an architecture, to what training takes, and to a model."""

from __future__ import annotations

from aeverify.autoencoders.architectures import ARCHITECTURES, Architecture, architecture
from aeverify.autoencoders.kinds.base import FittedKind, Kind, TrainedKind, kind
from aeverify.autoencoders.members import Modules, checked_points
from aeverify.autoencoders.protocol import Autoencoder, FloatArray
from aeverify.autoencoders.recipes import Recipe
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import ModelError, UsageError


def network(
    spec: str | Architecture | Kind, *, ambient_dim: int | None = None, latent_dim: int | None = None
) -> Architecture | Modules:
    """What `train`, `train_restarts` and `train_ensemble` take, from the spec of an architecture (`paper`, `mlp:...`)
    or of a trained kind (`variational:beta=0.1`).

    Raises:
        UnknownNameError: neither an architecture nor a kind.
        SpecError: an unknown, missing or unusable setting, or one that disagrees with the data.
        UsageError: a kind that is fitted and not trained.
    """
    if isinstance(spec, Architecture) or (isinstance(spec, str) and Spec.parse(spec).name in ARCHITECTURES):
        return architecture(spec, ambient_dim=ambient_dim, latent_dim=latent_dim)
    found = kind(spec, ambient_dim=ambient_dim, latent_dim=latent_dim)
    if not isinstance(found, TrainedKind):
        raise UsageError(f"{found.name} is computed from the points and not trained by a recipe: use its method fit.")
    return found.network()


def learn(
    spec: str | Kind,
    points: FloatArray,
    how: str | Recipe = "default",
    seed: Seed | int = 0,
    *,
    latent_dim: int | None = None,
    name: str | None = None,
) -> Autoencoder:
    """The model of a kind, trained by a recipe on points (N, n) or computed from them, whichever the kind is.

    A kind with a loss of its own replaces the recipe's; such a recipe must not have penalties or noise of its own.

    Raises:
        UsageError: unusable points or settings.
        ModelError: training diverged.
    """
    from aeverify.autoencoders.training import train

    x = checked_points(points)
    found = kind(spec, ambient_dim=x.shape[1], latent_dim=latent_dim)
    if isinstance(found, FittedKind):
        return found.fit(x, seed)
    assert isinstance(found, TrainedKind)
    result = train(found.network(), x, how, seed, name=name or str(found))
    if result.model is None:
        raise ModelError(f"Training {found} {result.note}: choose a smaller learning rate, or check the data.")
    return result.model
