"""Claims files: plans in TOML. Every mistake in a file is reported at once, each with its place."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aeverify.claims import Effort, claim
from aeverify.config.mistakes import Mistake, misspelt, misused, told
from aeverify.config.plans import Budget, DataSource, Plan, Subject, Training
from aeverify.config.tables import ClaimsFile, Model, Settings, Train
from aeverify.core.policy import GatePolicy, Ignore
from aeverify.core.verdict import Outcome
from aeverify.errors import AeverifyError, UsageError
from aeverify.manifolds import manifold

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""What a Python factory looks like: `package.module:function`."""


@dataclass(frozen=True)
class Given:
    """What a command line gives instead of the file; its paths are from the working folder, not beside the file.

    Attributes:
        subjects: models, or None for those of the file.
        manifold: spec of K, or None.
        data: path of a data set that stands for K, or None.
    """

    subjects: tuple[Subject, ...] | None = None
    manifold: str | None = None
    data: str | None = None


def load_plan(path: str | Path, given: Given | None = None, today: date | None = None) -> Plan:
    """The plan in a TOML file.

    Args:
        path: the file.
        given: what replaces the file's own.
        today: the day that decides which ignores have expired; in UTC by default.

    Raises:
        UsageError: the file is missing, larger than 1 MB, nested deeper than 20, not TOML, or not a plan; the message
            lists every mistake with its place and, for an unknown key, the keys that are valid there.
    """
    file = Path(path)
    try:
        data = tomllib.loads(_text(file))
    except FileNotFoundError:
        raise UsageError(f"There is no plan file {str(file)!r}; expected the path of a TOML file.") from None
    except (OSError, ValueError, RecursionError) as error:
        broken = isinstance(error, tomllib.TOMLDecodeError | RecursionError)
        what = "is not TOML" if broken else "cannot be read"
        raise UsageError(f"The plan {str(file)!r} {what}: {str(error)[:300]}.") from None
    return parse_plan(data, file.stem, file.parent, given, today)


def _text(file: Path) -> str:
    """The text of a file; a claims file is small, so what is not is not read, nor is a pipe waited for."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{file} is not a regular file; give the path of a TOML file.")
    with file.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{file} has {max(status.st_size, len(raw))} bytes; a plan has at most {MAX_BYTES}.")
    return raw.decode("utf-8")


def parse_plan(
    data: Mapping[str, Any],
    name: str = "plan",
    folder: Path = Path(),
    given: Given | None = None,
    today: date | None = None,
) -> Plan:
    """The plan in a mapping of the TOML file's form; relative files are looked for in `folder`, beside the plan.

    Raises:
        UsageError: see `load_plan`.
    """
    if _deeper_than(data, MAX_DEPTH):
        raise UsageError(f"The plan {name!r} is nested deeper than {MAX_DEPTH} levels, which no plan is.")
    given = given or Given()
    table = dict(data)
    if given.subjects is not None:
        table.pop("models", None)
        table.pop("train", None)
    if given.manifold is not None:
        table.pop("data", None)
        table["manifold"] = given.manifold
    if given.data is not None:
        table.pop("manifold", None)
        old = table.get("data")
        table["data"] = {**(old if isinstance(old, dict) else {}), "path": os.path.abspath(given.data)}
    mistakes: list[Mistake] = []
    parsed: ClaimsFile | None = None
    try:
        parsed = ClaimsFile.model_validate(table)
    except ValidationError as error:
        mistakes += misspelt(error)
    mistakes += misused(table, {m.place for m in mistakes})
    if mistakes or parsed is None:
        raise UsageError(told(name, mistakes))
    try:
        return _plan_of(parsed, name, folder, given, today or datetime.now(UTC).date())
    except AeverifyError as error:
        raise UsageError(f"The plan {name!r} cannot be used: {error}") from None


def _deeper_than(data: Any, limit: int) -> bool:
    level = [data]
    for _ in range(limit):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, Mapping) else value)
            if isinstance(inner, Mapping | list)
        ]
        if not level:
            return False
    return True


def _plan_of(parsed: ClaimsFile, name: str, folder: Path, given: Given, today: date) -> Plan:
    gate = parsed.gate
    on_data = parsed.data is not None
    return Plan(
        title=parsed.title or name,
        manifold="" if parsed.manifold is None else str(manifold(parsed.manifold)),
        latent_dim=parsed.latent_dim,
        seed=parsed.seed,
        alpha=parsed.alpha,
        device=parsed.device,
        out=parsed.out,
        training=None if parsed.train is None else _training(parsed.train),
        subjects=given.subjects or tuple(_subject(m, folder, on_data) for m in parsed.models),
        claims=parsed.claims,
        policy=GatePolicy(
            None if gate.claims is None else tuple(_claim_id(c, on_data) for c in gate.claims),
            gate.allow_inconclusive,
            tuple(dict.fromkeys(Outcome(o.upper()) for o in gate.fail_on)),
            tuple(
                Ignore(_claim_id(i.claim, on_data), i.reason, i.until.isoformat(), i.subject, today > i.until)
                for i in parsed.ignore
            ),
        ),
        effort=Effort(**parsed.measure.model_dump()),
        data=None if parsed.data is None else _data_source(parsed.data.model_dump(), folder, given.data),
        budget=Budget(parsed.budget.seconds, parsed.budget.memory_mib),
        baseline=None if gate.baseline is None else str(folder / gate.baseline),
        noise=gate.noise,
    )


def _claim_id(name: str, on_data: bool) -> str:
    if on_data:
        from aeverify.claims.data import data_claim

        return data_claim(name).claim.id
    return claim(name).claim.id


def _data_source(table: dict[str, Any], folder: Path, given: str | None) -> DataSource:
    path = given or str(folder / table.pop("path"))
    table.pop("path", None)
    held_out = table.get("held_out")
    if isinstance(held_out, str) and not held_out.startswith("column:"):
        table["held_out"] = str(folder / held_out)
    return DataSource(path, {key: value for key, value in table.items() if value is not None})


def _subject(m: Model, folder: Path, on_data: bool) -> Subject:
    file = m.file
    if file is not None and not (FACTORY.fullmatch(file) and not (folder / file).exists()):
        file = str(folder / file)
    return Subject(
        oracle=m.oracle,
        file=file,
        baseline=m.baseline,
        name=m.name,
        claims=None if m.claims is None else tuple(_claim_id(c, on_data) for c in m.claims),
        decoder=None if m.decoder is None else str(folder / m.decoder),
        architecture=m.architecture,
        trust=m.trust,
        latent=m.latent,
        batch_size=m.batch_size,
    )


def _training(parsed: Train) -> Training:
    given = parsed.model_dump()
    settings = {key: given.pop(key) for key in Settings.model_fields}
    return Training(**given, settings={key: value for key, value in settings.items() if value is not None})
