"""Evidence producers: numbers and enclosures about one model on one set, never thresholds.

Every function takes (autoencoder, manifold, ...) with the keyword `seed`, draws through named streams of that seed, and
raises `NonFiniteOutputError` with a witness where NaN or infinity comes out on K.
"""

from aeverify.measure.anomaly import Anomalies, anomalies, anomaly_threshold, auroc, detection_rate
from aeverify.measure.bad_set import bad_set, bad_set_sequential
from aeverify.measure.batches import batch_gap
from aeverify.measure.blame import (
    antipodal_floor,
    encoder_floor_bounds,
    encoder_share,
    shared_code_floor,
)
from aeverify.measure.certified import required, without_enclosure
from aeverify.measure.code_path import decoder_travel
from aeverify.measure.collisions import collisions, encoder_floor
from aeverify.measure.continuity import continuity
from aeverify.measure.contraction import has_jacobian, stretched_share
from aeverify.measure.cover import bad_set_cover
from aeverify.measure.deployment import deployment_gap
from aeverify.measure.evaluation import certified_error, reevaluate, witness_point
from aeverify.measure.fibres import fibre_radius_upper
from aeverify.measure.generation import farthest_between, generated_far_share, nearest_reconstructions
from aeverify.measure.latent_barcodes import (
    Survival,
    latent_features,
    latent_features_confidence,
    surviving_classes,
)
from aeverify.measure.latent_homology import LatentHomology, latent_homology
from aeverify.measure.latent_quality import (
    LatentQuality,
    QualitySettings,
    code_dimension,
    coranking_matrix,
    latent_quality,
    mean_score,
    missed_share,
    quality_of_codes,
    worst_score,
)
from aeverify.measure.lipschitz import lipschitz
from aeverify.measure.moments import mean_error, mean_square, quantile_error
from aeverify.measure.order import arc_gap, arc_gap_evidence, code_order
from aeverify.measure.perturbation import copy_share, denoising_share, masked_bad_share, noisy_bad_share
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
from aeverify.measure.sparsity import sparse_share
from aeverify.measure.subspace import eigengap, principal_angle
from aeverify.measure.sup_error import sup_error, sup_error_by_component
from aeverify.measure.sweep import Sweep, sweep
from aeverify.measure.tear import Localisation, Tear, localise, tears
from aeverify.measure.trend import kendall_tau
from aeverify.measure.winding import winding_number

__all__ = [
    "Anomalies",
    "LatentHomology",
    "LatentQuality",
    "Localisation",
    "PreimageCounts",
    "QualitySettings",
    "Ranges",
    "Survival",
    "Sweep",
    "Tear",
    "anomalies",
    "anomaly_threshold",
    "antipodal_floor",
    "arc_gap",
    "arc_gap_evidence",
    "auroc",
    "bad_set",
    "bad_set_cover",
    "bad_set_sequential",
    "batch_gap",
    "certified_error",
    "code_dimension",
    "code_order",
    "code_separation",
    "collisions",
    "continuity",
    "copy_share",
    "coranking_matrix",
    "decoder_travel",
    "denoising_share",
    "deployment_gap",
    "detection_rate",
    "eigengap",
    "encoder_floor",
    "encoder_floor_bounds",
    "encoder_share",
    "farthest_between",
    "fibre_radius_upper",
    "generated_far_share",
    "has_jacobian",
    "injectivity_gap",
    "kendall_tau",
    "latent_features",
    "latent_features_confidence",
    "latent_homology",
    "latent_quality",
    "lipschitz",
    "localise",
    "masked_bad_share",
    "mean_error",
    "mean_score",
    "mean_square",
    "mean_squared_error",
    "missed_share",
    "nearest_codes",
    "nearest_reconstructions",
    "noisy_bad_share",
    "preimage_counts",
    "principal_angle",
    "quality_of_codes",
    "quantile_error",
    "ranges_of",
    "reevaluate",
    "required",
    "root_mean_squared_error",
    "share_within",
    "shared_code_floor",
    "slice_maxima",
    "sparse_share",
    "stretched_share",
    "sup_error",
    "sup_error_by_component",
    "surviving_classes",
    "sweep",
    "tears",
    "training_error",
    "winding_number",
    "without_enclosure",
    "witness_point",
    "worst_score",
]
