"""The claims that can be asked for by name."""

from __future__ import annotations

from aeverify.claims.anomaly_detection import AnomalyDetection
from aeverify.claims.base import Check
from aeverify.claims.code_continuity import CodeContinuity
from aeverify.claims.contraction import Contraction
from aeverify.claims.copying import NoCopying, UntrainedDenoising
from aeverify.claims.data_specificity import DataSpecificity
from aeverify.claims.encoder_blame import EncoderBlame
from aeverify.claims.encoder_degree import EncoderDegree
from aeverify.claims.error_bound import ErrorBound
from aeverify.claims.even_preimages import EvenPreimages
from aeverify.claims.generation import CompletenessObstruction, GeneratedSamples
from aeverify.claims.latent_price import LatentPrice
from aeverify.claims.latent_quality import LatentQualityBound
from aeverify.claims.latent_survival import LatentHomologySurvives
from aeverify.claims.latent_topology import LatentTopology
from aeverify.claims.lipschitz_price import LipschitzPrice
from aeverify.claims.memorisation import CodeRangePrice, Memorisation
from aeverify.claims.mse_floor import MseFloor
from aeverify.claims.order_preservation import OrderPreservation
from aeverify.claims.paradox import Paradox
from aeverify.claims.pca_floor import PcaFloor, PcaPublished
from aeverify.claims.pca_subspace import BeatsPca, PcaSubspace
from aeverify.claims.retracing import Retracing
from aeverify.claims.robustness import MissingInputRobustness, NoiseRobustness
from aeverify.claims.separation import InjectivityGap, LatentSeparation
from aeverify.claims.tear_sweep import TearEverySlice, TearSweep
from aeverify.claims.theorem_1 import Theorem1
from aeverify.claims.theorem_2 import Theorem2
from aeverify.claims.thick_set import ThickSet
from aeverify.core.registry import Registry
from aeverify.errors import UnknownNameError

CLAIMS: Registry[Check] = Registry("claim")
for _check in (
    Theorem1(),
    Theorem2(),
    ThickSet(),
    LatentTopology(),
    Paradox(),
    OrderPreservation(),
    PcaFloor(),
    PcaPublished(),
    LatentHomologySurvives(),
    EncoderDegree(),
    EvenPreimages(),
    EncoderBlame(),
    TearSweep(),
    TearEverySlice(),
    ErrorBound(),
    LipschitzPrice(),
    MseFloor(),
    Retracing(),
    LatentPrice(),
    LatentSeparation(),
    InjectivityGap(),
    PcaSubspace(),
    BeatsPca(),
    Memorisation(),
    CodeRangePrice(),
    NoCopying(),
    UntrainedDenoising(),
    NoiseRobustness(),
    MissingInputRobustness(),
    DataSpecificity(),
    AnomalyDetection(),
    GeneratedSamples(),
    CompletenessObstruction(),
    CodeContinuity(),
    Contraction(),
    LatentQualityBound(),
):
    CLAIMS.register(_check.claim.id, _check)


def claim(name: str) -> Check:
    """The check of that id; case, spaces, '-' and '_' do not matter ("Theorem 1" is `theorem-1`).

    Raises:
        UnknownNameError: there is no such claim; the message lists the nearest ones.
    """
    found = CLAIMS.spelled(name)
    if found is None:
        raise UnknownNameError("claim", name, CLAIMS)
    return found
