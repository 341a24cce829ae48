"""Pipeline: runs, checks and replays end to end, with small sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import aeverify
from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.config import Plan, Subject, Training
from aeverify.core import ExitCode, Outcome, Reason, Report
from aeverify.core.events import Event, Progress, RunInterrupted, StageStarted, VerdictReached
from aeverify.errors import ModelFileError, UsageError
from aeverify.pipeline import check, run
from aeverify.replaying import replay

from .claims.test_checks import SMALL

TINY = Plan(
    title="tiny",
    manifold="circle",
    latent_dim=1,
    training=Training(architecture="mlp:hidden=[16]", recipe="quick", restarts=2, points=64, epochs=3, batch_size=32),
    effort=SMALL,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """A run of two restarts that were hardly trained."""
    folder = tmp_path_factory.mktemp("run")
    return run(TINY, out=folder), folder


def test_theorem_1_holds_for_models_that_did_not_converge(tiny: tuple[Report, Path]):
    """A restart that did not converge is recorded as such, and the theorem holds for it all the same."""
    report, _ = tiny
    assert [m.converged for m in report.models] == [False, False]
    found = [v.outcome for v in report.verdicts if v.claim.id == "theorem-1"]
    assert found == [Outcome.PASS, Outcome.PASS]
    assert "0 of 2 restarts converged." in report.notes


def test_an_existence_claim_is_not_refuted_by_bad_restarts(tiny: tuple[Report, Path]):
    """Theorem 2 says that some model exists; two bad ones leave it open."""
    report, _ = tiny
    (verdict,) = [v for v in report.verdicts if v.claim.id == "theorem-2"]
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, Reason.EXISTENTIAL)


def test_every_witness_is_reproduced_from_the_saved_models(tiny: tuple[Report, Path]):
    """Replaying with the models in the folder gives the reported errors again."""
    report, folder = tiny
    statuses = {r.status for r in replay(report, folder=folder)}
    assert "REPRODUCED" in statuses and "CHANGED" not in statuses


def test_a_repaired_model_is_seen_by_replay(tiny: tuple[Report, Path]):
    """Another model at the same points has other errors."""
    report, folder = tiny
    results = replay(report, "theorem-1", folder, autoencoder=oracle("cut:half_width=0.001"))
    assert "CHANGED" in {r.status for r in results}


def test_replay_needs_the_model(tiny: tuple[Report, Path], tmp_path: Path):
    """A folder without the models is a clear error."""
    with pytest.raises(ModelFileError):
        replay(tiny[0], "theorem-1", tmp_path)


def test_replay_does_not_leave_the_folder(tiny: tuple[Report, Path], tmp_path: Path):
    """A report that names a file elsewhere is not followed."""
    report, folder = tiny
    models = tuple(replace(m, source="../../etc/model.safetensors") for m in report.models)
    with pytest.raises(UsageError, match="outside its folder"):
        replay(replace(report, models=models), "theorem-1", folder)


def test_the_same_seed_gives_the_same_report():
    """Everything but the times comes out again."""
    plan = replace(TINY, training=None, subjects=(Subject(oracle="cut:half_width=0.01"),))

    def without_times(report: Report) -> dict[str, object]:
        data = report.to_dict()
        return {k: v for k, v in data.items() if k != "provenance"}

    assert without_times(run(plan)) == without_times(run(plan))


def test_another_seed_gives_other_draws():
    """The root seed reaches the measurements."""
    model = oracle("cut:half_width=0.3")
    first, second = (check(model, "circle", ["theorem-2"], seed=s, effort=SMALL) for s in (0, 1))
    assert first.verdicts[0].evidence != second.verdicts[0].evidence


def test_an_interrupt_keeps_what_was_finished():
    """Ctrl-C after the first verdict: it is reported, the others are INCONCLUSIVE, the exit code says interrupted."""
    plan = replace(TINY, training=None, subjects=(Subject(oracle="cut:half_width=0.01"),))
    seen: list[Event] = []

    def listener(event: Event) -> None:
        seen.append(event)
        if isinstance(event, VerdictReached):
            raise KeyboardInterrupt

    report = run(plan, listener)
    assert report.exit_code == ExitCode.INTERRUPTED and report.interrupted
    assert [v.outcome for v in report.verdicts if v.reason is not Reason.INTERRUPTED] == [Outcome.PASS]
    assert len(plan.checks()) == len(report.verdicts)
    assert any(isinstance(e, RunInterrupted) for e in seen)
    assert report.outcome is Outcome.INCONCLUSIVE


def test_an_interrupt_in_training_keeps_the_finished_restart(tmp_path: Path):
    """Ctrl-C when the second restart has ended: it is in the report and on disk, whether or not the first has."""
    plan = replace(TINY, training=replace(TINY.training, restarts=3))

    def listener(event: Event) -> None:
        if getattr(event, "stage", "") == "train restart 1" and type(event).__name__ == "StageFinished":
            raise KeyboardInterrupt

    report = run(plan, listener, out=tmp_path)
    assert report.exit_code == ExitCode.INTERRUPTED
    assert "restart 1" in [m.name for m in report.models]
    assert (tmp_path / "models" / "restart-1.safetensors").exists()
    assert {Reason.INTERRUPTED} == {v.reason for v in report.verdicts}


def _stopped(plan: Plan, out: Path) -> None:
    """A run of the plan that ends in mid-training, with its checkpoints written."""

    def listener(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= 512:
            raise KeyboardInterrupt

    assert run(plan, listener, out=out).exit_code == ExitCode.INTERRUPTED


def _long() -> Plan:
    """Some slices of training, a checkpoint after each."""
    assert TINY.training is not None
    return replace(
        TINY,
        claims={"theorem-1": {}},
        training=replace(TINY.training, restarts=1, epochs=1500, checkpoint_interval=0.0),
    )


def test_an_interrupted_run_is_resumed_to_the_same_models(tmp_path: Path):
    """It goes on from where it was, ends with the models of one that was not interrupted, and leaves no checkpoints."""
    _stopped(_long(), tmp_path / "cut")
    begun: list[int] = []

    def listener(event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage == "train restart 0":
            begun.append(event.done)

    cut, whole = run(_long(), listener, out=tmp_path / "cut", resume=True), run(_long(), out=tmp_path / "whole")
    assert 0 < begun[0] < 1500
    assert [m.hash for m in cut.models] == [m.hash for m in whole.models]
    assert [v.outcome for v in cut.verdicts] == [v.outcome for v in whole.verdicts]
    assert not (tmp_path / "cut/checkpoints").exists()


def test_without_resume_a_run_starts_afresh(tmp_path: Path):
    """Its checkpoints are not taken and are removed; what else lies in their folder is left alone."""
    _stopped(_long(), tmp_path)
    own = tmp_path / "checkpoints" / "epoch-3.checkpoint"
    own.write_text("somebody's")
    begun: list[int] = []

    def listener(event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage == "train restart 0":
            begun.append(event.done)

    assert run(replace(_long(), seed=5), listener, out=tmp_path).exit_code != ExitCode.INTERRUPTED
    assert begun == [0]
    assert list((tmp_path / "checkpoints").iterdir()) == [own]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "mlp:hidden=[17]"}, "another architecture"),
        ({"settings": {"warmup": 0.5}}, "another recipe"),
        ({"points": 65}, "another data"),
    ],
)
def test_checkpoints_of_another_plan_are_refused(tmp_path: Path, change: dict[str, object], words: str):
    """And kept."""
    _stopped(_long(), tmp_path)
    plan = _long()
    assert plan.training is not None
    with pytest.raises(UsageError, match=words):
        run(replace(plan, training=replace(plan.training, **change)), out=tmp_path, resume=True)  # type: ignore[arg-type]
    assert list((tmp_path / "checkpoints").glob("*.checkpoint"))


def test_damaged_checkpoints(tmp_path: Path):
    """With one damaged file the one before is used; with both the run refuses to guess."""
    _stopped(_long(), tmp_path)
    newest, before = sorted((tmp_path / "checkpoints").glob("*"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    content = before.read_bytes()
    newest.write_bytes(newest.read_bytes()[:-50])
    before.write_bytes(b"")
    with pytest.raises(ModelFileError, match="damaged"):
        run(_long(), out=tmp_path, resume=True)
    before.write_bytes(content)
    assert run(_long(), out=tmp_path, resume=True).models[0].figures["epochs"] == 1500


def test_resume_without_checkpoints_trains(tmp_path: Path):
    """A script may always say `resume`."""
    assert run(_long(), out=tmp_path, resume=True).models[0].figures["epochs"] == 1500


def test_check_takes_callables_and_specs():
    """The contract: two callables, a spec, and a report with verdicts."""
    model = Autoencoder.from_callables(
        lambda x: x[:, :1], lambda z: np.column_stack([z[:, 0], 0 * z[:, 0]]), ambient_dim=2, latent_dim=1
    )
    report = aeverify.check(model, "ellipse:a=3,b=2", seed=3)
    verdict = next(v for v in report.verdicts if v.claim.id == "theorem-1")
    assert verdict.outcome is Outcome.PASS
    assert verdict.threshold.lower == pytest.approx(2.0, abs=1e-11)
    assert verdict.evidence.interval.lower == pytest.approx(2.0, abs=1e-11)
    assert verdict.witness is not None and "replay" in verdict.replay
    assert report.to_dict()["schema"] == "aeverify-report/1"


def test_check_refuses_a_model_of_another_dimension():
    """A model on R^3 cannot be judged on a circle in R^2."""
    with pytest.raises(UsageError, match=r"R\^3"):
        check(oracle("label"), "circle")


def test_check_refuses_what_is_no_autoencoder():
    """A bare function is answered with how to wrap it."""
    with pytest.raises(UsageError, match="from_callables"):
        check(lambda x: x, "circle")  # type: ignore[arg-type]


def test_check_refuses_no_claims():
    """An empty list is an error, not a pass."""
    with pytest.raises(UsageError, match="not a pass"):
        check(oracle("constant"), "circle", claims=[])


def test_where_nothing_applies_nothing_passes():
    """No theorem speaks of a spiral with a code as large as the data except Theorem 2's reading."""
    report = check(oracle("identity"), "spiral", claims=["theorem-1"], effort=SMALL)
    assert Outcome.VACUOUS is report.outcome and report.exit_code == ExitCode.UNDECIDED


def test_a_missing_model_file_is_a_usage_error(tmp_path: Path):
    """The path is named."""
    plan = replace(TINY, training=None, subjects=(Subject(file=str(tmp_path / "gone.safetensors")),))
    with pytest.raises(ModelFileError, match="gone"):
        run(plan)


def test_a_diverging_training_is_a_reason_and_not_a_traceback():
    """A learning rate of 1e12 ends in a note, and no claim passes."""
    plan = replace(TINY, training=replace(TINY.training, learning_rate=1e12, restarts=1, epochs=20))
    report = run(plan)
    assert Outcome.PASS not in {v.outcome for v in report.verdicts}
    assert "diverge" in " ".join((*report.notes, *(m.note for m in report.models))).lower()


def test_a_model_that_came_in_train_mode_is_told_of():
    """Dropout that was on is switched off for the judgement, and the record says so."""
    encoder = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.ReLU(), nn.Linear(4, 1)).train()
    model = Autoencoder.from_modules(encoder, nn.Sequential(nn.Linear(1, 2)))
    (record,) = check(model, "circle", ["theorem-1"], effort=SMALL).models
    assert "train" in record.note


@pytest.mark.parametrize("dim", [5, 9])
def test_a_set_of_many_dimensions_is_judged(dim: int):
    """Every claim that applies has a verdict and every note is written, in seconds: nothing grows like 6^d."""
    model = mlp(dim + 1, 2, (8,), seed=0)
    report = check(model, f"sphere:dim={dim},radius=1", effort=replace(SMALL, enclosure_seconds=0.2))
    found = {v.claim.id: v.outcome for v in report.verdicts}
    assert found["theorem-1"] is Outcome.PASS
    assert Outcome.ERROR not in found.values()
