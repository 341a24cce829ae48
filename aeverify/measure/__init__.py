"""Evidence producers: numbers and enclosures about one model on one set, never thresholds.

Every function takes (autoencoder, manifold, ...) with the keyword `seed`, draws through named streams of that seed, and
raises `NonFiniteOutputError` with a witness where NaN or infinity comes out on K.
"""

from aeverify.measure.bad_set import bad_set, bad_set_sequential, mean_error, quantile_error
from aeverify.measure.collisions import collisions, encoder_floor
from aeverify.measure.continuity import continuity
from aeverify.measure.evaluation import certified_error, reevaluate, witness_point
from aeverify.measure.latent_homology import LatentHomology, latent_homology
from aeverify.measure.order import arc_gap, arc_gap_evidence, code_order
from aeverify.measure.reconstruction import (
    mean_squared_error,
    root_mean_squared_error,
    share_within,
    training_error,
)
from aeverify.measure.sup_error import sup_error, sup_error_by_component

__all__ = [
    "LatentHomology",
    "arc_gap",
    "arc_gap_evidence",
    "bad_set",
    "bad_set_sequential",
    "certified_error",
    "code_order",
    "collisions",
    "continuity",
    "encoder_floor",
    "latent_homology",
    "mean_error",
    "mean_squared_error",
    "quantile_error",
    "reevaluate",
    "root_mean_squared_error",
    "share_within",
    "sup_error",
    "sup_error_by_component",
    "training_error",
    "witness_point",
]
