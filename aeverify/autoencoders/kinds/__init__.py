"""Model kinds: `kind("variational:beta=0.1", ambient_dim=3, latent_dim=1)`, `KINDS`, `network`, `learn`."""

from __future__ import annotations

from aeverify.autoencoders.kinds.base import KINDS, FittedKind, Kind, KindEntry, TrainedKind, kind
from aeverify.autoencoders.kinds.convolutional import Convolutional, UNet
from aeverify.autoencoders.kinds.dense import Linear, Overcomplete, Replicator, Tied, Undercomplete, is_overcomplete
from aeverify.autoencoders.kinds.fitted import Memoriser, Pca, Recirculation
from aeverify.autoencoders.kinds.learning import learn, network
from aeverify.autoencoders.kinds.recurrent import Recurrent
from aeverify.autoencoders.kinds.regularised import Contractive, Denoising, Masked, Sparse, Topological
from aeverify.autoencoders.kinds.variational import Variational

__all__ = [
    "KINDS",
    "Contractive",
    "Convolutional",
    "Denoising",
    "FittedKind",
    "Kind",
    "KindEntry",
    "Linear",
    "Masked",
    "Memoriser",
    "Overcomplete",
    "Pca",
    "Recirculation",
    "Recurrent",
    "Replicator",
    "Sparse",
    "Tied",
    "Topological",
    "TrainedKind",
    "UNet",
    "Undercomplete",
    "Variational",
    "is_overcomplete",
    "kind",
    "learn",
    "network",
]
