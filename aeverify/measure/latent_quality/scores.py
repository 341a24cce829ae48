"""The scores of latent quality: for each its range, which end of it is good, its premises and its source.

A score of one sample is a number without a side: it bounds nothing, is no Interval and decides nothing. Those marked
`over_set` are also means, probabilities or functions of one independent draw of K, and `population` encloses them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, final

from aeverify.core.evidence import Citation
from aeverify.errors import UnknownNameError
from aeverify.manifolds.cloud import LEVINA_BICKEL, TWO_NN


@final
@dataclass(frozen=True)
class Score:
    """One score.

    Attributes:
        name: by which it is asked for.
        meaning: what the number is, in one sentence.
        lowest, highest: ends of its range.
        better: which end is good; "" where the number describes and does not rate.
        premise: what it needs; a sample without it is refused.
        citation: where it is defined.
        pointwise: every point has a value of its own, so that there are worst points.
        mean: the score of a sample is the mean of its points' values, each of them in the whole range.
        over_set: it can be enclosed over a manifold from independent draws.
    """

    name: str
    meaning: str
    lowest: float
    highest: float
    better: Literal["higher", "lower", ""]
    premise: str
    citation: Citation
    pointwise: bool = False
    mean: bool = False
    over_set: bool = False


VENNA_KASKI = Citation(
    "J. Venna and S. Kaski, Neighborhood preservation in nonlinear projection methods, ICANN 2001",
    "",
    "trustworthiness and continuity: ranks of the points that entered or left the k-neighbourhoods",
)
LEE_VERLEYSEN = Citation(
    "J. A. Lee and M. Verleysen, Quality assessment of dimensionality reduction: rank-based criteria, "
    "Neurocomputing 72 (2009)",
    "",
    "the co-ranking matrix, mean relative rank errors and Q_NX",
)
SCALE_INDEPENDENT = Citation(
    "J. A. Lee and M. Verleysen, Scale-independent quality criteria for dimensionality reduction, Pattern Recognition "
    "Letters 31 (2010)",
    "",
    "the neighbourhood size that splits Q_NX into a local and a global part",
)
LEE_2015 = Citation(
    "J. A. Lee, D. H. Peluffo-Ordonez and M. Verleysen, Multi-scale similarities in stochastic neighbour embedding, "
    "Neurocomputing 169 (2015)",
    "",
    "the area under R_NX on a logarithmic scale of neighbourhood sizes",
)
MOOR = Citation(
    "M. Moor, M. Horn, B. Rieck and K. Borgwardt, Topological autoencoders, ICML 2020",
    "",
    "the divergence KL_sigma of Gaussian density estimates in the two spaces",
)
KRUSKAL = Citation(
    "J. B. Kruskal, Multidimensional scaling by optimizing goodness of fit to a nonmetric hypothesis, Psychometrika 29 "
    "(1964)",
    "",
    "stress: root of the squared differences of distances over the squared distances",
)
SMELSER = Citation(
    "K. Smelser, J. Miller and S. Kobourov, Normalized stress is not normalized: how to interpret stress correctly, "
    "BELIV 2024",
    "",
    "the least normalised stress over all scales of the codes",
)
SHEPARD = Citation(
    "R. N. Shepard, The analysis of proximities, Psychometrika 27 (1962)",
    "",
    "the diagram of distances in one space against distances in the other",
)
TRIPLETS = Citation(
    "Y. Wang, H. Huang, C. Rudin and Y. Shaposhnik, Understanding how dimension reduction tools work, JMLR 22 (2021)",
    "",
    "the share of triplets whose two distances have the same order in both spaces",
)
PULLBACK = Citation(
    "Y. Lee, S. Yoon, M. Son and F. C. Park, Regularized autoencoders for isometric representation learning, ICLR 2022",
    "",
    "the condition number of the metric J^T J that the decoder pulls back",
)
NAZARI = Citation(
    "P. Nazari, S. Damrich and F. A. Hamprecht, Geometric autoencoders - what you see is what you decode, ICML 2023",
    "",
    "the spread of the logarithm of the generalised Jacobian determinant",
)
BURDA = Citation(
    "Y. Burda, R. Grosse and R. Salakhutdinov, Importance weighted autoencoders, ICLR 2016",
    "",
    "a unit is active where the variance of its mean over the data exceeds 0.01",
)

_HALF = "1 <= k < n/2"
_THIRD = "1 <= k <= n/3"
_ANY = "n >= 4"

_LIST = (
    Score(
        "trustworthiness",
        "1 less the normalised ranks in the data of code neighbours that are none in the data.",
        *(0.0, 1.0, "higher", _HALF, VENNA_KASKI, True, True, True),
    ),
    Score(
        "continuity",
        "1 less the normalised ranks in the codes of data neighbours that are none in the codes.",
        *(0.0, 1.0, "higher", _HALF, VENNA_KASKI, True, True, True),
    ),
    Score(
        "mrre_false",
        "Mean relative rank error over the neighbours in the codes.",
        *(0.0, 1.0, "lower", _THIRD, LEE_VERLEYSEN, True, True, True),
    ),
    Score(
        "mrre_missing",
        "Mean relative rank error over the neighbours in the data.",
        *(0.0, 1.0, "lower", _THIRD, LEE_VERLEYSEN, True, True, True),
    ),
    Score(
        "neighbours_kept",
        "Q_NX(k), the share of the k nearest neighbours that are so in both spaces.",
        *(0.0, 1.0, "higher", _HALF, LEE_VERLEYSEN, True, True, True),
    ),
    Score("q_nx_area", "Mean of Q_NX over all neighbourhood sizes.", 0.0, 1.0, "higher", _ANY, LEE_VERLEYSEN),
    Score("q_nx_local", "Mean of Q_NX up to the size that splits it.", 0.0, 1.0, "higher", _ANY, SCALE_INDEPENDENT),
    Score("q_nx_global", "Mean of Q_NX from the size that splits it.", 0.0, 1.0, "higher", _ANY, SCALE_INDEPENDENT),
    Score(
        "r_nx_log_area",
        "Mean of R_NX weighted by 1/k: 0 for random codes, 1 for perfect ones.",
        *(-1.0, 1.0, "higher", _ANY, LEE_2015),
    ),
    Score(
        "density_kl",
        "Kullback-Leibler divergence of the codes' density from the data's, the largest over the sweep of sigma.",
        *(0.0, math.inf, "lower", _ANY, MOOR),
    ),
    Score(
        "stress",
        "Root of the squared differences of distances over the squared distances of the data; depends on the scale.",
        *(0.0, math.inf, "lower", _ANY, KRUSKAL),
    ),
    Score("scale_free_stress", "The least stress over all scales of the codes.", 0.0, 1.0, "lower", _ANY, SMELSER),
    Score(
        "shepard_pearson",
        "Pearson's correlation of the distances in the two spaces.",
        *(-1.0, 1.0, "higher", "distances differ", SHEPARD),
    ),
    Score(
        "shepard_spearman",
        "Spearman's rank correlation of the distances in the two spaces.",
        *(-1.0, 1.0, "higher", "distances differ", SHEPARD, False, False, True),
    ),
    Score(
        "triplet_accuracy",
        "Probability that of two points the same one is nearer to a third in both spaces.",
        *(0.0, 1.0, "higher", _ANY, TRIPLETS, False, False, True),
    ),
    Score(
        "decoder_condition",
        "Condition number of the metric J^T J that the decoder pulls back to the codes; 1: angles are kept.",
        *(1.0, math.inf, "lower", "n >= m", PULLBACK, True, False, True),
    ),
    Score(
        "encoder_condition",
        "Condition number of the metric that the encoder induces on the tangent spaces of K; 1: angles are kept.",
        *(1.0, math.inf, "lower", "a chart, and m >= dim K", PULLBACK, True, False, True),
    ),
    Score(
        "decoder_area_distortion",
        "Standard deviation of log sqrt(det J^T J) of the decoder; 0: volumes are kept up to a constant.",
        *(0.0, math.inf, "lower", "n >= m", NAZARI),
    ),
    Score(
        "encoder_area_distortion",
        "Standard deviation of the logarithm of the encoder's volume factor on the tangent spaces of K.",
        *(0.0, math.inf, "lower", "a chart, and m >= dim K", NAZARI),
    ),
    Score(
        "code_dimension_two_nn",
        "Intrinsic dimension of the codes from two neighbours, by maximum likelihood.",
        *(0.0, math.inf, "", "3 different codes", TWO_NN),
    ),
    Score(
        "code_dimension_levina_bickel",
        "Intrinsic dimension of the codes from k neighbours, by maximum likelihood.",
        *(0.0, math.inf, "", "more than k different codes, k >= 2", LEVINA_BICKEL),
    ),
    Score(
        "active_units",
        "Number of code coordinates whose variance over the data exceeds the threshold.",
        *(0.0, math.inf, "", "n >= 2", BURDA),
    ),
)

SCORES: Mapping[str, Score] = MappingProxyType({s.name: s for s in _LIST})
"""All scores by name, in the order of the documentation."""


def score_named(name: str) -> Score:
    """The score of that name.

    Raises:
        UnknownNameError: there is none; the message lists the nearest ones.
    """
    if name not in SCORES:
        raise UnknownNameError("score of latent quality", name, SCORES)
    return SCORES[name]
