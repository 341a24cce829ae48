"""Replay: the witnesses of a report, evaluated again by the models that it names, or by another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aeverify import measure
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import ORACLES, oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.interval import Interval
from aeverify.core.registry import letters_of
from aeverify.core.report import Report
from aeverify.core.verdict import Outcome, Verdict, decide
from aeverify.core.witness import Witness, WitnessPoint
from aeverify.errors import ModelFileError, UsageError
from aeverify.manifolds import manifold

DATA = "data:"
"""How the name of K begins where it is a data set: then a witness carries the points themselves."""

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class ReplayResult:
    """What came of evaluating one verdict's witness again.

    Attributes:
        claim, subject: which verdict.
        status: "REPRODUCED" (every error came out again within the tolerance), "FIXED" (the witness of a FAIL or an
            ERROR shows nothing wrong any more; other points may), "CHANGED" (other numbers came out), or "NO_WITNESS".
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
        autoencoder: the model, where the report's own lives in memory or in a file elsewhere; or another one, to see
            whether it does better at the witness.

    Raises:
        UsageError: the report has no such claim, or a model is neither in the folder nor given.
        ModelFileError: a model file cannot be read.
    """
    chosen = report.verdicts
    if claim_id is not None:
        wanted = letters_of(claim_id)
        chosen = tuple(v for v in report.verdicts if letters_of(v.claim.id) == wanted)
        if not chosen:
            have = ", ".join(sorted({v.claim.id for v in report.verdicts})) or "none"
            raise UsageError(f"The report has no verdict on {claim_id!r}; it has: {have}.")
    return [_replay_one(v, report, Path(folder), autoencoder) for v in chosen]


def _replay_one(verdict: Verdict, report: Report, folder: Path, given: Autoencoder | None) -> ReplayResult:
    witness = verdict.witness
    if witness is None or not witness.points:
        return ReplayResult(verdict.claim.id, verdict.subject, "NO_WITNESS", f"{verdict.outcome} without a witness.")
    model = given or _rebuild(witness.model_hash, report, folder)
    again = _again(model, witness)
    same_model = again.model_hash == witness.model_hash
    rows, same = [], again.kind == witness.kind
    for old, new in zip(witness.points, again.points, strict=False):
        close = old.error == new.error or abs(old.error - new.error) <= _TOLERANCE * (1.0 + abs(old.error))
        same = same and close
        where = "parameters" if old.parameters else "point"
        at = ", ".join(f"{v:.17g}" for v in (old.parameters or old.point)[:8])
        rows.append(f"{where} {at}: error {new.error:.12g}, reported {old.error:.12g}")
    text = "; ".join(rows) + ("" if same_model else "; the model is not the one of the report")
    status = "REPRODUCED" if same else "FIXED" if _fixed(verdict, again) else "CHANGED"
    return ReplayResult(verdict.claim.id, verdict.subject, status, text)


def _again(model: Autoencoder, witness: Witness) -> Witness:
    """The witness with every number computed anew."""
    if not witness.manifold.startswith(DATA):
        return measure.reevaluate(model, manifold(witness.manifold), witness)
    rows = np.array([p.point for p in witness.points], dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != model.ambient_dim:
        raise UsageError(
            f"The witness has points of R^{rows.shape[-1]}, and {model.name} takes points of R^{model.ambient_dim}."
        )
    codes = model.encode(rows)
    images = model.decode(codes)
    errors = np.linalg.norm(images - rows, axis=1)
    points = tuple(
        WitnessPoint(p.component, p.parameters, p.point, tuple(map(float, c)), tuple(map(float, y)), float(e))
        for p, c, y, e in zip(witness.points, codes, images, errors, strict=True)
    )
    kind = witness.kind if np.isfinite(codes).all() and np.isfinite(images).all() else "non_finite"
    return Witness(kind, witness.manifold, model.fingerprint(), points, witness.note)


def _fixed(verdict: Verdict, again: Witness) -> bool:
    """Whether a witness of something wrong shows nothing wrong any more."""
    assert verdict.witness is not None
    if again.kind == "non_finite":
        return False
    if verdict.witness.kind == "non_finite":
        return True
    e, t = verdict.evidence, verdict.threshold
    if verdict.outcome is not Outcome.FAIL or verdict.witness.kind != "point" or e is None or t is None:
        return False
    worst = max(p.error for p in again.points)
    level = e.details.get("threshold")
    if e.quantity == "sup_error":
        return decide(verdict.claim.relation, Interval.exactly(worst), t) is Outcome.PASS
    return isinstance(level, int | float) and worst <= level


def _rebuild(model_hash: str, report: Report, folder: Path) -> Autoencoder:
    record = next((r for r in report.models if r.hash == model_hash), None)
    if record is None or not record.source:
        raise UsageError(
            "The model of this witness lives in memory only: call aeverify.replay(report, claim, autoencoder=...), or "
            "give its file with --model."
        )
    if record.source.partition(":")[0] in ORACLES:
        return oracle(record.source)
    path = (folder / record.source).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UsageError(
            f"The report names a model outside its folder, {record.source!r}; it is not opened unless you name it: "
            "give --model FILE."
        )
    if path.suffix != ".safetensors" or not path.is_file():
        raise ModelFileError(
            f"The report names the model file {record.source!r}, which is no file that aeverify saved beside it: give "
            "the model with --model FILE."
        )
    return load(path)
