"""Evidence producers: numbers and enclosures about one model on one set, never thresholds.

Every function takes (autoencoder, manifold, ...) with the keyword `seed`, draws through named streams of that seed, and
raises `NonFiniteOutputError` with a witness where NaN or infinity comes out on K.
"""

from aeverify.measure.bad_set import bad_set, bad_set_sequential
from aeverify.measure.certified import required, without_enclosure
from aeverify.measure.collisions import collisions, encoder_floor
from aeverify.measure.continuity import continuity
from aeverify.measure.cover import bad_set_cover
from aeverify.measure.deployment import deployment_gap
from aeverify.measure.evaluation import certified_error, reevaluate, witness_point
from aeverify.measure.latent_homology import LatentHomology, latent_homology
from aeverify.measure.lipschitz import lipschitz
from aeverify.measure.moments import mean_error, mean_square, quantile_error
from aeverify.measure.order import arc_gap, arc_gap_evidence, code_order
from aeverify.measure.reconstruction import (
    mean_squared_error,
    root_mean_squared_error,
    share_within,
    training_error,
)
from aeverify.measure.separation import code_separation, injectivity_gap, nearest_codes
from aeverify.measure.sup_error import sup_error, sup_error_by_component

__all__ = [
    "LatentHomology",
    "arc_gap",
    "arc_gap_evidence",
    "bad_set",
    "bad_set_cover",
    "bad_set_sequential",
    "certified_error",
    "code_order",
    "code_separation",
    "collisions",
    "continuity",
    "deployment_gap",
    "encoder_floor",
    "injectivity_gap",
    "latent_homology",
    "lipschitz",
    "mean_error",
    "mean_square",
    "mean_squared_error",
    "nearest_codes",
    "quantile_error",
    "reevaluate",
    "required",
    "root_mean_squared_error",
    "share_within",
    "sup_error",
    "sup_error_by_component",
    "training_error",
    "without_enclosure",
    "witness_point",
]
