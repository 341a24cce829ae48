"""Evidence producers: numbers and enclosures about one model on one set, never thresholds.

Every function takes (autoencoder, manifold, ...) with the keyword `seed`, draws through named streams of that seed, and
raises `NonFiniteOutputError` with a witness where NaN or infinity comes out on K.
"""

from aeverify.measure.bad_set import bad_set, bad_set_sequential
from aeverify.measure.blame import (
    antipodal_floor,
    encoder_floor_bounds,
    encoder_share,
    shared_code_floor,
)
from aeverify.measure.certified import required, without_enclosure
from aeverify.measure.collisions import collisions, encoder_floor
from aeverify.measure.continuity import continuity
from aeverify.measure.cover import bad_set_cover
from aeverify.measure.deployment import deployment_gap
from aeverify.measure.evaluation import certified_error, reevaluate, witness_point
from aeverify.measure.fibres import fibre_radius_upper
from aeverify.measure.latent_barcodes import (
    Survival,
    latent_features,
    latent_features_confidence,
    surviving_classes,
)
from aeverify.measure.latent_homology import LatentHomology, latent_homology
from aeverify.measure.lipschitz import lipschitz
from aeverify.measure.moments import mean_error, mean_square, quantile_error
from aeverify.measure.order import arc_gap, arc_gap_evidence, code_order
from aeverify.measure.preimages import PreimageCounts, preimage_counts
from aeverify.measure.ranges import Ranges, ranges_of
from aeverify.measure.reconstruction import (
    mean_squared_error,
    root_mean_squared_error,
    share_within,
    training_error,
)
from aeverify.measure.separation import code_separation, injectivity_gap, nearest_codes
from aeverify.measure.slices import slice_maxima
from aeverify.measure.sup_error import sup_error, sup_error_by_component
from aeverify.measure.sweep import Sweep, sweep
from aeverify.measure.tear import Localisation, Tear, localise, tears
from aeverify.measure.winding import winding_number

__all__ = [
    "LatentHomology",
    "Localisation",
    "PreimageCounts",
    "Ranges",
    "Survival",
    "Sweep",
    "Tear",
    "antipodal_floor",
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
    "encoder_floor_bounds",
    "encoder_share",
    "fibre_radius_upper",
    "injectivity_gap",
    "latent_features",
    "latent_features_confidence",
    "latent_homology",
    "lipschitz",
    "localise",
    "mean_error",
    "mean_square",
    "mean_squared_error",
    "nearest_codes",
    "preimage_counts",
    "quantile_error",
    "ranges_of",
    "reevaluate",
    "required",
    "root_mean_squared_error",
    "share_within",
    "shared_code_floor",
    "slice_maxima",
    "sup_error",
    "sup_error_by_component",
    "surviving_classes",
    "sweep",
    "tears",
    "training_error",
    "winding_number",
    "without_enclosure",
    "witness_point",
]
