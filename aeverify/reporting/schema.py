"""The published shape of report.json, and reading one back without believing it.

`python -m aeverify.reporting.schema docs/report.schema.json` writes the JSON Schema. A reader of reports may lean on
`"schema": "aeverify-report/1"`: under that name no key changes its meaning.
"""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from aeverify.core import Change, ClaimKind, Outcome, Quantifier, Reason, Relation, Report, Rigor
from aeverify.core.report import SCHEMA
from aeverify.errors import AeverifyError, UsageError
from aeverify.reporting.escaping import MAX_DEPTH

MAX_BYTES = 32 * 2**20

_LARGEST = sys.float_info.max
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
Number = Annotated[Finite | Literal["inf", "-inf"], Field(description='A number; "inf" and "-inf" are the infinities.')]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Word = Annotated[str, Field(max_length=10_000)]
Text = Annotated[str, Field(max_length=1_000_000)]
Vector = Annotated[list[Number], Field(max_length=1_000_000)]


def _reason(code: str) -> str:
    if code not in Reason.__members__:
        raise ValueError(f"expected one of {', '.join(Reason.__members__)}")
    return code


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class IntervalModel(_Model):
    """What is known about a real number: it lies between the ends."""

    lower: Number
    upper: Number


class CitationModel(_Model):
    """Where a statement stands."""

    source: Text
    place: Text
    statement: Text


class WitnessPointModel(_Model):
    """One point of K with what the model makes of it."""

    component: int
    parameters: Vector
    point: Vector
    code: Vector
    reconstruction: Vector
    error: Number


class WitnessModel(_Model):
    """Points that show a finite end by re-evaluation."""

    kind: Word
    manifold: Text
    model_hash: Word
    points: Annotated[list[WitnessPointModel], Field(max_length=10_000)]
    note: Text


class EvidenceModel(_Model):
    """One quantity of one subject, enclosed."""

    quantity: Word
    interval: IntervalModel
    rigor: Annotated[Rigor, Field(strict=False)]
    method: Text
    confidence: Annotated[float, Field(gt=0, lt=1)] | None
    witness: WitnessModel | None
    citations: Annotated[list[CitationModel], Field(max_length=1_000)]
    assumptions: Annotated[list[Text], Field(max_length=1_000)]
    details: dict[str, JsonValue]


class ClaimModel(_Model):
    """A statement that evidence can decide."""

    id: Word
    title: Text
    kind: Annotated[ClaimKind, Field(strict=False)]
    statement: Text
    citation: CitationModel
    quantity: Word
    relation: Annotated[Relation, Field(strict=False)]
    quantifier: Annotated[Quantifier, Field(strict=False)]
    ledger: Annotated[list[Word], Field(max_length=1_000)]


class PremiseModel(_Model):
    """One assumption of a claim: holds (true), refuted (false) or not decided (null)."""

    id: Word
    statement: Text
    holds: bool | None
    evidence: EvidenceModel | None


class ReasonModel(_Model):
    """Why a verdict came out as it did: a stable code, and advice in words that may change."""

    code: Annotated[str, AfterValidator(_reason), Field(json_schema_extra={"enum": [r.name for r in Reason]})]
    advice: Text


class VerdictModel(_Model):
    """The outcome of one claim on one subject."""

    claim: ClaimModel
    subject: Text
    manifold: Text
    outcome: Annotated[Outcome, Field(strict=False)]
    reason: ReasonModel
    rigor: Annotated[Rigor, Field(strict=False)] | None
    evidence: EvidenceModel | None
    threshold: IntervalModel | None
    supporting: Annotated[list[EvidenceModel], Field(max_length=10_000)]
    premises: Annotated[list[PremiseModel], Field(max_length=1_000)]
    witness: WitnessModel | None
    replay: Text
    message: Text


class ModelRecordModel(_Model):
    """One model of a run."""

    name: Text
    kind: Text
    source: Text
    hash: Word
    converged: bool | None
    figures: Annotated[dict[str, Number], Field(max_length=10_000)]
    note: Text


class SeriesModel(_Model):
    """Points of one colour in a plot; null is a gap."""

    name: Text
    columns: Annotated[
        list[Annotated[list[Number | None], Field(max_length=1_000_000)]], Field(min_length=2, max_length=3)
    ]
    style: Literal["points", "line", "marker", "region"]
    component: Count | None


class PlotModel(_Model):
    """Data of one figure."""

    id: Word
    title: Text
    caption: Text
    axes: Annotated[list[Text], Field(min_length=2, max_length=3)]
    series: Annotated[list[SeriesModel], Field(max_length=10_000)]
    log_axes: Annotated[list[Annotated[int, Field(ge=0, le=2)]], Field(max_length=3)]
    bands: Annotated[list[Annotated[list[Number | Text], Field(min_length=3, max_length=3)]], Field(max_length=10_000)]
    lines: Annotated[list[Annotated[list[Number | Text], Field(min_length=2, max_length=2)]], Field(max_length=10_000)]


class ProvenanceModel(_Model):
    """What a reader needs to do the run again."""

    versions: Annotated[dict[str, Text], Field(max_length=1_000)]
    device: Text
    cpu_capability: Text
    dtype: Word
    root_seed: Count
    command: Text
    started: Word
    duration_seconds: Annotated[Finite, Field(ge=0)]


class IgnoreModel(_Model):
    """A verdict that is excused until a date: shown as ignored, never as PASS."""

    claim: Word
    reason: Annotated[Text, Field(min_length=1)]
    until: Word
    subject: Text | None
    expired: bool


class PolicyModel(_Model):
    """Which claims gate (null: every one), whether an undecided one may pass, and what is excused."""

    gated: Annotated[list[Word], Field(min_length=1, max_length=10_000)] | None
    allow_inconclusive: bool
    fail_on: Annotated[list[Annotated[Outcome, Field(strict=False)]], Field(max_length=10)]
    ignores: Annotated[list[IgnoreModel], Field(max_length=10_000)]


class ErrorBudgetModel(_Model):
    """How the error probability alpha is split: `each` for every statement, so many for each claim."""

    alpha: Annotated[float, Field(gt=0, lt=1)]
    each: Annotated[float, Field(gt=0, lt=1)]
    statements: Annotated[dict[str, Count], Field(max_length=10_000)]


class ComparedModel(_Model):
    """One verdict beside that of an earlier report."""

    claim: Word
    subject: Text
    change: Annotated[Change, Field(strict=False)]
    before: Word
    after: Word
    text: Text


class ComparisonModel(_Model):
    """All verdicts beside those of an earlier report."""

    source: Text
    noise: Annotated[Finite, Field(ge=0)]
    verdicts: Annotated[list[ComparedModel], Field(max_length=100_000)]
    gone: Annotated[list[ComparedModel], Field(max_length=100_000)]


class CountsModel(_Model):
    """How many verdicts have each outcome."""

    PASS: Count
    FAIL: Count
    INCONCLUSIVE: Count
    VACUOUS: Count
    ERROR: Count


class ReportModel(_Model):
    """A report of aeverify. `outcome`, `exit_code` and `counts` follow from the verdicts and the policy."""

    model_config = ConfigDict(title=SCHEMA)

    schema_: Literal["aeverify-report/1"] = Field(alias="schema")
    title: Text
    outcome: Annotated[Outcome, Field(strict=False)]
    exit_code: Literal[0, 1, 3, 4, 130]
    counts: CountsModel
    manifold: Text
    manifold_facts: Annotated[dict[str, Text], Field(max_length=1_000)]
    latent_dim: Count
    verdicts: Annotated[list[VerdictModel], Field(max_length=100_000)]
    models: Annotated[list[ModelRecordModel], Field(max_length=100_000)]
    plots: Annotated[list[PlotModel], Field(max_length=10_000)]
    provenance: ProvenanceModel
    policy: PolicyModel
    interrupted: Text
    notes: Annotated[list[Text], Field(max_length=10_000)]
    error_budget: ErrorBudgetModel | None
    baseline: ComparisonModel | None


def report_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of report.json, generated from the models above."""
    schema = ReportModel.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_json_schema(path: str | os.PathLike[str]) -> None:
    """Write `report_json_schema()` to a file, deterministic to the byte.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        Path(path).write_text(json.dumps(report_json_schema(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write the JSON Schema to {path}: {error.strerror or error}.") from error


def read_report(path: str | os.PathLike[str]) -> Report:
    """The Report in a file, or in report.json of a folder. The file is data and nothing in it is run or believed:
    outcome, counts and exit code are computed anew from the verdicts and must agree with what is written.

    Raises:
        UsageError: missing, unreadable, larger than 32 MiB, nested deeper than 40, not JSON, of another schema, with
            an unknown or missing key, a number that is NaN, or edited so that its parts contradict each other.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "report.json"
    data = _parse(_read(file), file)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        got = data.get("schema") if isinstance(data, dict) else type(data).__name__
        _refuse(file, f"is not a report of schema {SCHEMA!r}: got {_short(got)}. Give a report.json of this version")
    try:
        ReportModel.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        first = "; ".join(f"{_short('.'.join(map(str, e['loc'])))}: {_short(e['msg'])}" for e in found[:3])
        _refuse(
            file,
            f"does not follow schema {SCHEMA!r} in {len(found)} place{'s' if len(found) > 1 else ''}: {first}. "
            "Write it again with aeverify",
        )
    try:
        report = Report.from_dict(data)
    except (AeverifyError, KeyError, TypeError, ValueError) as error:
        _refuse(file, f"contradicts itself, so it was edited or damaged: {_short(error)} Write it again with aeverify")
    written = (data["outcome"], data["exit_code"], data["counts"])
    found_now = (str(report.outcome), int(report.exit_code), report.counts)
    if written != found_now:
        names = ("outcome", "exit_code", "counts")
        wrong = [
            f"{n} {w} where its verdicts give {f}" for n, w, f in zip(names, written, found_now, strict=True) if w != f
        ]
        _refuse(file, f"was edited: it says {'; '.join(wrong)}. Believe only a report that aeverify wrote")
    return report


def _read(file: Path) -> str:
    try:
        # Asked before opening: opening a pipe would wait for a writer.
        if not stat.S_ISREG(file.stat().st_mode):
            _refuse(file, "is not a regular file. Give the path of a report.json")
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(file, "does not exist. Give the path of a report.json or of the folder that holds it")
    except (OSError, ValueError) as error:
        _refuse(file, f"cannot be read: {getattr(error, 'strerror', None) or error}")
    if len(raw) > MAX_BYTES:
        _refuse(file, f"is larger than {MAX_BYTES // 2**20} MiB, which no report is")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(file, f"is not UTF-8 text (byte {error.start}): it is damaged or no report")


def _parse(text: str, file: Path) -> Any:
    try:
        data = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        _refuse(file, f"is not JSON, or is cut off: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse(file, f"is nested deeper than {MAX_DEPTH} levels, which no report is")
    except ValueError as error:
        _refuse(file, f"is not a report: {_short(error)}")
    if _depth(data) > MAX_DEPTH:
        _refuse(file, f"is nested deeper than {MAX_DEPTH} levels, which no report is")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits} is too large")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names one key twice in one object, so that two readers may see two reports")
    return found


def _depth(data: Any) -> int:
    """Levels of nesting, found level by level so that no nesting can exhaust the stack."""
    depth, level = 0, [data]
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(v for v in value.values() if isinstance(v, dict | list))
            elif isinstance(value, list):
                inner.extend(v for v in value if isinstance(v, dict | list))
        depth, level = depth + 1, inner
    return depth


def _short(value: object) -> str:
    text = " ".join(str(value).split()).encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _refuse(file: Path, what: str) -> NoReturn:
    raise UsageError(f"The report {_short(file)} {what}.") from None


if __name__ == "__main__":
    write_json_schema(sys.argv[1])
