"""Theorems on persistence diagrams: how far the diagram of a sample is from that of what was sampled."""

from __future__ import annotations

from aeverify.core.evidence import Citation

STABILITY = Citation(
    "D. Cohen-Steiner, H. Edelsbrunner and J. Harer, Stability of persistence diagrams, Discrete Comput. Geom. 37 "
    "(2007)",
    "",
    "diagrams of distance functions are as near as the functions",
)
CONFIDENCE_SETS = Citation(
    "B. T. Fasy, F. Lecci, A. Rinaldo, L. Wasserman, S. Balakrishnan and A. Singh, Confidence sets for persistence "
    "diagrams, Annals of Statistics 42 (2014)",
    "subsampling",
    "subsampled Hausdorff distances give asymptotic confidence sets for the persistence diagram of the support",
)
