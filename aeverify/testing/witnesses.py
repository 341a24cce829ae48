"""Witness files for `aeverify replay`: an ordinary report of one verdict, with its model where that has a file form."""

from __future__ import annotations

import os
import secrets
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aeverify.core.report import ModelRecord, Report
from aeverify.core.verdict import Verdict
from aeverify.errors import UsageError

if TYPE_CHECKING:
    from aeverify.autoencoders.protocol import Autoencoder

_MAX_PARAMETERS = 25_000_000


def save_witness(report: Report, verdict: Verdict, model: Autoencoder, path: Path, name: str = "") -> Verdict:
    """Write a report.json of one verdict, and its model beside it in `models/`; each whole or not at all.

    Args:
        report: of which the verdict is one.
        verdict: the one.
        model: its subject.
        path: of the file, whose folder is made.
        name: how the command calls the file; its path by default.

    Returns:
        The verdict with the command that evaluates its witness again: one line for the shell where the model is saved
        or can be rebuilt, a Python call for a model that lives in memory only, "" without a witness.

    Raises:
        UsageError: the folder or the file cannot be written.
    """
    from aeverify.reporting import render

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        records = tuple(_kept(r, model, path.parent) if r.hash == model.fingerprint() else r for r in report.models)
        told = replace(verdict, replay=_replay(verdict, records, name or str(path)))
        _write(path, render(replace(report, verdicts=(told,), models=records, plots=()), "json"))
    except OSError as error:
        raise UsageError(f"The witness file {path} cannot be written: {error.strerror or error}.") from error
    return told


def _kept(record: ModelRecord, model: Autoencoder, folder: Path) -> ModelRecord:
    """The record with a source from which the model can be rebuilt, wherever the folder is moved; as it is where the
    model has no file form or is too large to be copied at every failure."""
    from aeverify.autoencoders.loading import save

    if record.source and not os.path.isfile(record.source):
        return record
    modules = [getattr(model, part, None) for part in ("encoder", "decoder")]
    if sum(p.numel() for m in modules for p in getattr(m, "parameters", tuple)()) > _MAX_PARAMETERS:
        return _absolute(record)
    target = folder / "models" / f"{record.hash[:32]}.safetensors"
    try:
        target.parent.mkdir(exist_ok=True)
        save(model, target)
    except UsageError:
        with suppress(OSError):
            target.parent.rmdir()  # where it is empty
        return _absolute(record)
    return replace(record, source=f"models/{target.name}")


def _absolute(record: ModelRecord) -> ModelRecord:
    return replace(record, source=os.path.abspath(record.source)) if record.source else record


def _replay(verdict: Verdict, records: tuple[ModelRecord, ...], name: str) -> str:
    if verdict.witness is None:
        return ""
    record = next((r for r in records if r.hash == verdict.witness.model_hash), None)
    if record is None or not record.source:
        return f"aeverify.replay(aeverify.reporting.read_report({name!r}), {verdict.claim.id!r}, autoencoder=model)"
    outside = ["--model", record.source] if os.path.isabs(record.source) else []
    return shlex.join(["aeverify", "replay", name, verdict.claim.id, *outside])


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
