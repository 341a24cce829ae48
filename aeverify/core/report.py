"""Report: everything that a run found, as one object from which every format is rendered."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aeverify.core.comparison import Change, Comparison
from aeverify.core.interval import decode_number, encode_number
from aeverify.core.policy import ExitCode, GatePolicy
from aeverify.core.verdict import Outcome, Reason, Verdict, worst
from aeverify.errors import InvariantError

SCHEMA = "aeverify-report/1"
STYLES = ("points", "line", "marker", "region")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a reader needs to do the run again.

    Attributes:
        versions: of aeverify, Python and the libraries that computed.
        device: "cpu" or the name of the GPU.
        cpu_capability: instruction set that torch used; trained weights differ in their last bits across them.
        dtype: number format in which models were evaluated.
        root_seed: the seed from which all others are derived.
        command: the command line, or the Python call.
        started: ISO 8601 time in UTC.
        duration_seconds: wall clock.
    """

    versions: Mapping[str, str]
    device: str
    cpu_capability: str
    dtype: str
    root_seed: int
    command: str
    started: str
    duration_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "versions": dict(self.versions),
            "device": self.device,
            "cpu_capability": self.cpu_capability,
            "dtype": self.dtype,
            "root_seed": self.root_seed,
            "command": self.command,
            "started": self.started,
            "duration_seconds": self.duration_seconds,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """The inverse of `to_dict`."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model of a run.

    Attributes:
        name: as verdicts call it ("restart 0").
        kind: architecture or oracle in words.
        source: what rebuilds it: a safetensors path relative to the report, an oracle spec, or "" (in memory only).
        hash: fingerprint of the function.
        converged: True, False, or None where it was not trained here.
        figures: loss, parameter count, seconds and so on.
        note: a sentence ("training diverged at step 310").
    """

    name: str
    kind: str
    source: str
    hash: str
    converged: bool | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "kind": self.kind,
            "source": self.source,
            "hash": self.hash,
            "converged": self.converged,
            "figures": {k: encode_number(v) for k, v in self.figures.items()},
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelRecord:
        """The inverse of `to_dict`."""
        figures = {k: decode_number(v) for k, v in data["figures"].items()}
        return cls(**{**data, "figures": figures})


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour in a plot.

    Attributes:
        name: as the legend calls it.
        columns: x, y and, in 3-D, z, all of one length. NaN is a gap (the model returned no number there); an
            infinity is drawn at the edge (a class of a persistence diagram that never dies).
        style: "points" (many small ones), "line" (joined in order), "marker" (a few that stand out: a witness) or
            "region" (a shaded polygon, its vertices in order; in 2-D only).
        component: index of the component of K that the points belong to, which gives them its colour in every plot;
            None where they belong to no component or to several.

    Raises:
        InvariantError: another style, or columns of different lengths.
    """

    name: str
    columns: tuple[tuple[float, ...], ...]
    style: str = "points"
    component: int | None = None

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise InvariantError(f"The style of series {self.name!r} must be one of {STYLES}, got {self.style!r}.")
        if len({len(c) for c in self.columns}) > 1:
            raise InvariantError(f"Series {self.name!r} has columns of lengths {[len(c) for c in self.columns]}.")

    def to_dict(self) -> dict[str, Any]:
        """JSON form; coordinates carry 6 significant digits, since they are to be looked at, and a gap is null."""
        return {
            "name": self.name,
            "columns": [[_coordinate(v) for v in c] for c in self.columns],
            "style": self.style,
            "component": self.component,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Series:
        """The inverse of `to_dict`."""
        columns = tuple(tuple(math.nan if v is None else decode_number(v) for v in c) for c in data["columns"])
        return cls(data["name"], columns, data["style"], data.get("component"))


def _coordinate(value: float) -> float | str | None:
    return None if math.isnan(value) else encode_number(float(f"{value:.6g}"))


@dataclass(frozen=True, slots=True)
class Plot:
    """Data of one figure; renderers draw it.

    Attributes:
        id: kebab-case name, unique in the report.
        title, caption: words; the caption says what to see.
        axes: names of the axes, 2 or 3.
        series: what is drawn.
        log_axes: indices of axes with a logarithmic scale.
        bands: (start, end, label) on the first axis, shaded ("tear").
        lines: (value, label) on the second axis, dashed ("width bound").

    Raises:
        InvariantError: not 2 or 3 axes, or a series with another number of columns, or no such axis in `log_axes`.
    """

    id: str
    title: str
    caption: str
    axes: tuple[str, ...]
    series: tuple[Series, ...]
    log_axes: tuple[int, ...] = ()
    bands: tuple[tuple[float, float, str], ...] = ()
    lines: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        n = len(self.axes)
        if n not in (2, 3) or any(len(s.columns) != n for s in self.series):
            columns = [len(s.columns) for s in self.series]
            raise InvariantError(
                f"Plot {self.id!r} has {n} axes and series of {columns} columns; expected 2 or 3 of each."
            )
        if not set(self.log_axes) <= set(range(n)):
            raise InvariantError(f"Plot {self.id!r} has {n} axes and none of index {self.log_axes}.")

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "id": self.id,
            "title": self.title,
            "caption": self.caption,
            "axes": list(self.axes),
            "series": [s.to_dict() for s in self.series],
            "log_axes": list(self.log_axes),
            "bands": [[encode_number(a), encode_number(b), label] for a, b, label in self.bands],
            "lines": [[encode_number(value), label] for value, label in self.lines],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plot:
        """The inverse of `to_dict`."""
        return cls(
            id=data["id"],
            title=data["title"],
            caption=data["caption"],
            axes=tuple(data["axes"]),
            series=tuple(Series.from_dict(s) for s in data["series"]),
            log_axes=tuple(data["log_axes"]),
            bands=tuple((decode_number(a), decode_number(b), c) for a, b, c in data["bands"]),
            lines=tuple((decode_number(value), label) for value, label in data["lines"]),
        )


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """How the error probability of a run is split over its statistical statements (union bound).

    Attributes:
        alpha: error probability of all of them together.
        each: that of each single statement.
        statements: claim id -> number of statements that its checks may need, over all models and components.

    Raises:
        InvariantError: the shares are more than the whole.
    """

    alpha: float
    each: float
    statements: Mapping[str, int]

    def __post_init__(self) -> None:
        if not self.spent <= self.alpha * (1 + 1e-12):
            raise InvariantError(f"Shares of {self.spent} are more than the error budget {self.alpha}.")

    @property
    def spent(self) -> float:
        """Error probability of all statements together, at most alpha."""
        return self.each * sum(self.statements.values())

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"alpha": self.alpha, "each": self.each, "statements": dict(self.statements)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ErrorBudget:
        """The inverse of `to_dict`."""
        return cls(data["alpha"], data["each"], dict(data["statements"]))


_UNREACHED = (Reason.NOT_RUN, Reason.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found.

    Attributes:
        title: one line.
        manifold: spec of K.
        manifold_facts: what is known of K, in words and numbers, for the reader ("reach" -> "1 (exact)").
        latent_dim: code dimension of the models.
        verdicts: one per claim and subject.
        models: the models judged.
        plots: figure data.
        provenance: what a reader needs to do it again.
        policy: the gate.
        interrupted: the run was stopped before its end; "" or what it was doing.
        notes: sentences for the reader ("3 of 4 restarts converged").
        error_budget: how alpha was split, where a run did that.
        baseline: the verdicts beside those of an earlier report, where the gate was given one: then a verdict that is
            no worse than it was does not stop the release, and one that got worse does.

    Raises:
        InvariantError: the comparison is not one of these verdicts.
    """

    title: str
    manifold: str
    manifold_facts: Mapping[str, str]
    latent_dim: int
    verdicts: tuple[Verdict, ...]
    models: tuple[ModelRecord, ...]
    plots: tuple[Plot, ...]
    provenance: Provenance
    policy: GatePolicy = field(default_factory=GatePolicy)
    interrupted: str = ""
    notes: tuple[str, ...] = ()
    error_budget: ErrorBudget | None = None
    baseline: Comparison | None = None

    def __post_init__(self) -> None:
        rows = None if self.baseline is None else [(c.claim, c.after) for c in self.baseline.verdicts]
        if rows is not None and rows != [(v.claim.id, str(v.outcome)) for v in self.verdicts]:
            raise InvariantError("The comparison with the baseline is not one of the verdicts of this report.")

    @property
    def outcome(self) -> Outcome:
        """The outcome of all gated verdicts together, ignored ones too; VACUOUS where nothing was checked, never PASS
        if interrupted."""
        found = worst(v.outcome for v in self.policy.select(self.verdicts))
        return Outcome.INCONCLUSIVE if self.interrupted and found is Outcome.PASS else found

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the gate; 130 for a run that was interrupted.

        With a baseline, what is not PASS and no worse than in the baseline is excused, but for ERROR and for what was
        not reached: there nothing was measured that could be compared. A PASS whose quantity got worse fails; a gated
        verdict that only the baseline has was not run.
        """
        if self.interrupted:
            return ExitCode.INTERRUPTED
        code = self.policy.exit_code(self.verdicts, self.is_known)
        if self.baseline is None:
            return code
        counting = [v for v in self.policy.select(self.verdicts) if self.policy.ignore_of(v) is None]
        if any(v.outcome is Outcome.PASS and self.change_of(v) is Change.WORSE for v in counting):
            return ExitCode.FAILED
        gated = self.policy.gated
        gone = any(gated is None or c.claim in gated for c in self.baseline.gone)
        if gone and code is ExitCode.PASSED and not self.policy.allow_inconclusive:
            return ExitCode.UNDECIDED
        return code

    def change_of(self, verdict: Verdict) -> Change | None:
        """How one of the verdicts of this report stands to the baseline; None where there is no baseline."""
        if self.baseline is None:
            return None
        return next(c.change for v, c in zip(self.verdicts, self.baseline.verdicts, strict=True) if v is verdict)

    def is_known(self, verdict: Verdict) -> bool:
        """Whether the baseline has this verdict, which is not PASS, as it is or worse."""
        if verdict.outcome in (Outcome.PASS, Outcome.ERROR) or verdict.reason in _UNREACHED:
            return False
        return self.change_of(verdict) in (Change.SAME, Change.BETTER)

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts have each outcome; every outcome is a key."""
        found = Counter(str(v.outcome) for v in self.verdicts)
        return {str(o): found.get(str(o), 0) for o in Outcome}

    def to_dict(self) -> dict[str, Any]:
        """JSON form, with `schema: "aeverify-report/1"`; every number is finite or an encoded infinity."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "outcome": str(self.outcome),
            "exit_code": int(self.exit_code),
            "counts": self.counts,
            "manifold": self.manifold,
            "manifold_facts": dict(self.manifold_facts),
            "latent_dim": self.latent_dim,
            "verdicts": [v.to_dict() for v in self.verdicts],
            "models": [m.to_dict() for m in self.models],
            "plots": [p.to_dict() for p in self.plots],
            "provenance": self.provenance.to_dict(),
            "policy": self.policy.to_dict(),
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "error_budget": self.error_budget.to_dict() if self.error_budget else None,
            "baseline": self.baseline.to_dict() if self.baseline else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`. The derived fields (outcome, exit_code, counts) are computed anew, not believed."""
        return cls(
            title=data["title"],
            manifold=data["manifold"],
            manifold_facts=dict(data["manifold_facts"]),
            latent_dim=data["latent_dim"],
            verdicts=tuple(Verdict.from_dict(v) for v in data["verdicts"]),
            models=tuple(ModelRecord.from_dict(m) for m in data["models"]),
            plots=tuple(Plot.from_dict(p) for p in data["plots"]),
            provenance=Provenance.from_dict(data["provenance"]),
            policy=GatePolicy.from_dict(data["policy"]),
            interrupted=data["interrupted"],
            notes=tuple(data["notes"]),
            error_budget=ErrorBudget.from_dict(data["error_budget"]) if data["error_budget"] else None,
            baseline=Comparison.from_dict(data["baseline"]) if data["baseline"] else None,
        )
