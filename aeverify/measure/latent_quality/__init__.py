"""Latent quality: how well codes keep neighbours, distances, densities and shape, in the scores that users know.

A mean score cannot see a tear. A circle that is cut open and laid on a line has a mean trustworthiness above 0.9999: no
code has a wrong neighbour but in the tear, which hardly a sample hits. The points at its ends lost half of their
neighbours, and their own continuity says so: look at the worst points, and at `missed_share`.
"""

from aeverify.measure.latent_quality.dimension import code_dimension
from aeverify.measure.latent_quality.geodesics import geodesic_distances
from aeverify.measure.latent_quality.population import mean_score, missed_share, worst_score
from aeverify.measure.latent_quality.ranks import coranking_matrix
from aeverify.measure.latent_quality.record import LatentQuality, QualitySettings, latent_quality, quality_of_codes
from aeverify.measure.latent_quality.scores import SCORES, Score, score_named
from aeverify.measure.latent_quality.worst import WorstPoint

__all__ = [
    "SCORES",
    "LatentQuality",
    "QualitySettings",
    "Score",
    "WorstPoint",
    "code_dimension",
    "coranking_matrix",
    "geodesic_distances",
    "latent_quality",
    "mean_score",
    "missed_share",
    "quality_of_codes",
    "score_named",
    "worst_score",
]
