"""Replay: the witnesses of a report, evaluated again by the models that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aeverify import measure
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import claim
from aeverify.core.report import Report
from aeverify.core.verdict import Verdict
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


@dataclass(frozen=True)
class ReplayResult:
    """What came of evaluating one verdict's witness again.

    Attributes:
        claim, subject: which verdict.
        status: "REPRODUCED" (every error came out again within the tolerance), "CHANGED", or "NO_WITNESS".
        text: what was compared.
    """

    claim: str
    subject: str
    status: str
    text: str


def replay(
    report: Report,
    claim_id: str | None = None,
    folder: str | Path = ".",
    autoencoder: Autoencoder | None = None,
) -> list[ReplayResult]:
    """Evaluate the witnesses of a report again, with the models it names or with `autoencoder`.

    Args:
        report: from `check`, `run` or `reporting.read_report`.
        claim_id: one claim, or None for all.
        folder: the folder of the report, in which its models lie.
        autoencoder: the model, where the report's own lives in memory only.

    Raises:
        UsageError: the report has no such claim, or a model is neither in the folder nor given.
        ModelFileError: a model file cannot be read.
    """
    chosen = report.verdicts
    if claim_id is not None:
        wanted = claim(claim_id).claim.id
        chosen = tuple(v for v in report.verdicts if v.claim.id == wanted)
        if not chosen:
            have = ", ".join(sorted({v.claim.id for v in report.verdicts})) or "none"
            raise UsageError(f"The report has no verdict on {wanted!r}; it has: {have}.")
    return [_replay_one(v, report, Path(folder), autoencoder) for v in chosen]


def _replay_one(verdict: Verdict, report: Report, folder: Path, given: Autoencoder | None) -> ReplayResult:
    witness = verdict.witness
    if witness is None:
        return ReplayResult(verdict.claim.id, verdict.subject, "NO_WITNESS", f"{verdict.outcome} without a witness.")
    model = given or _rebuild(witness.model_hash, report, folder)
    again = measure.reevaluate(model, manifold(witness.manifold), witness)
    same_model = again.model_hash == witness.model_hash
    rows, same = [], again.kind == witness.kind
    for old, new in zip(witness.points, again.points, strict=False):
        close = old.error == new.error or abs(old.error - new.error) <= 1e-9 * (1.0 + abs(old.error))
        same = same and close
        rows.append(
            f"parameters {', '.join(f'{v:.17g}' for v in old.parameters)}: error {new.error:.12g}, "
            f"reported {old.error:.12g}"
        )
    text = "; ".join(rows) + ("" if same_model else "; the model is not the one of the report")
    return ReplayResult(verdict.claim.id, verdict.subject, "REPRODUCED" if same else "CHANGED", text)


def _rebuild(model_hash: str, report: Report, folder: Path) -> Autoencoder:
    record = next((r for r in report.models if r.hash == model_hash), None)
    if record is None or not record.source:
        raise UsageError(
            "The model of this witness lives in memory only: call aeverify.replay(report, claim, autoencoder=...)."
        )
    if record.source.endswith(".safetensors"):
        root, path = folder.resolve(), (folder / record.source).resolve()
        if not Path(record.source).is_absolute() and not path.is_relative_to(root):
            raise UsageError(f"The report names a model outside its folder, {record.source!r}; it is not opened.")
        return load(path)
    return oracle(record.source)
