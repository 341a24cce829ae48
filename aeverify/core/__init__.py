"""The vocabulary: standard library only. Measuring never knows a threshold; deciding never measures."""

from aeverify.core.claim import Claim, ClaimKind, Premise, Quantifier, Relation
from aeverify.core.comparison import Change, Compared, Comparison
from aeverify.core.evidence import Citation, Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.policy import ExitCode, GatePolicy, Ignore
from aeverify.core.registry import Registry
from aeverify.core.report import ErrorBudget, ModelRecord, Plot, Provenance, Report, Series
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.core.verdict import Outcome, Reason, Verdict, decide, worst
from aeverify.core.witness import Witness, WitnessPoint

__all__ = [
    "Change",
    "Citation",
    "Claim",
    "ClaimKind",
    "Compared",
    "Comparison",
    "ErrorBudget",
    "Evidence",
    "ExitCode",
    "GatePolicy",
    "Ignore",
    "Interval",
    "ModelRecord",
    "Outcome",
    "Plot",
    "Premise",
    "Provenance",
    "Quantifier",
    "Reason",
    "Registry",
    "Relation",
    "Report",
    "Rigor",
    "Seed",
    "Series",
    "Spec",
    "Verdict",
    "Witness",
    "WitnessPoint",
    "decide",
    "worst",
]
