from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders import ensembles
from aeverify.autoencoders.engines.native import kernel
from aeverify.autoencoders.engines.state import Group, ModelState
from aeverify.autoencoders.ensembles import train_ensemble
from aeverify.autoencoders.executors import Inline, WorkerPool
from aeverify.autoencoders.members import Member, Modules
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.autoencoders.results import TrainingResult
from aeverify.core.events import Event, Progress, StageFinished, StageStarted
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Reason
from aeverify.errors import AeverifyError, MeasurementError, ModelError, UsageError

NETWORK = "mlp:ambient_dim=2,latent_dim=1,hidden=[16,16]"
BRIEF = Recipe("brief", "", epochs=8, batch_size=20, learning_rate=2e-3)
LONG = Recipe("long", "", epochs=4000, batch_size=20, learning_rate=2e-3, schedule="cosine")


def arc(n: int = 100, radius: float = 1.0) -> np.ndarray:
    t = np.linspace(0, np.pi / 2, n)
    return radius * np.column_stack([np.cos(t), np.sin(t)])


ARC = arc()


def members(count: int) -> list[Member]:
    return [Member(Seed(0).child("restart", i), ARC) for i in range(count)]


def weights(result: TrainingResult) -> bytes:
    assert result.model is not None
    return b"".join(p.numpy().tobytes() for m in (result.model.encoder, result.model.decoder) for p in m.parameters())


def convolutional(seed: Seed) -> tuple[nn.Module, nn.Module]:
    """A pair that is no plain stack: one-dimensional convolutions on the coordinates."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed.value)
        encoder = nn.Sequential(nn.Unflatten(1, (1, 2)), nn.Conv1d(1, 4, 2), nn.Tanh(), nn.Flatten(), nn.Linear(4, 1))
        decoder = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2))
    return encoder, decoder


def random_layers(seed: Seed) -> tuple[nn.Module, nn.Module]:
    """A pair with dropout and running statistics."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed.value)
        encoder = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 1))
        decoder = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 2))
    return encoder, decoder


class Failing(Executor):
    """Carries calls out here, but for the first ones of each size of group, which end in an exception."""

    def __init__(self, error: BaseException, until: int = 10**9, least: int = 1) -> None:
        self.error, self.until, self.least, self.sizes = error, until, least, list[int]()

    def submit(self, function: Any, /, *arguments: Any, **keywords: Any) -> Future[Any]:
        group = arguments[0]
        assert isinstance(group, Group)
        self.sizes.append(len(group.states))
        if len(group.states) >= self.least and len(self.sizes) <= self.until:
            future: Future[list[ModelState]] = Future()
            future.set_exception(self.error)
            return future
        return Inline().submit(function, *arguments, **keywords)


def test_members_have_seeds_data_and_rates_of_their_own() -> None:
    """Each member of a mixed ensemble is the model that is trained alone; 60 and 100 points make two groups."""
    if kernel() is None:
        pytest.skip("there is no C compiler here")
    mixed = [
        Member(Seed(1), ARC, name="first"),
        Member(Seed(2), arc(60, 2.0), learning_rate=1e-2),
        Member(Seed(3), ARC),
    ]
    found = dict(train_ensemble(NETWORK, mixed, BRIEF))
    assert sorted(found) == [0, 1, 2]
    for i, member in enumerate(mixed):
        ((_, alone),) = train_ensemble(NETWORK, [member], BRIEF)
        assert weights(alone) == weights(found[i])
        assert alone.mean_squared_error == found[i].mean_squared_error
    assert found[0].model is not None and found[0].model.name == "first"


def test_a_pool_trains_what_this_process_would() -> None:
    """The same bits from two worker processes as from here; on the default engine of this machine."""
    here = dict(train_ensemble(NETWORK, members(4), BRIEF, workers=1))
    with WorkerPool(2) as pool:
        there = dict(train_ensemble(NETWORK, members(4), BRIEF, executor=pool, workers=2))
    if kernel() is not None:
        assert [weights(here[i]) for i in range(4)] == [weights(there[i]) for i in range(4)]
    for i in range(4):
        assert there[i].losses == pytest.approx(here[i].losses, rel=1e-4)


def test_a_worker_that_is_killed_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default pool sends the slice again: the models are those of an undisturbed run."""
    monkeypatch.setattr(ensembles, "_WORTH_A_POOL", 0.0)
    monkeypatch.setattr(ensembles, "_SLICE", 0.05)
    pools: list[WorkerPool] = []
    monkeypatch.setattr(ensembles, "WorkerPool", lambda n: pools.append(WorkerPool(n)) or pools[-1])
    killed: list[int] = []

    def kill(event: Event) -> None:
        if isinstance(event, Progress) and event.done < event.total and not killed and pools[0].processes:
            killed.append(pools[0].processes[0])
            os.kill(killed[0], signal.SIGKILL)

    disturbed = dict(train_ensemble(NETWORK, members(2), LONG, workers=2, listener=kill))
    assert len(pools) == len(killed) == 1
    calm = dict(train_ensemble(NETWORK, members(2), LONG, workers=1))
    assert [weights(disturbed[i]) for i in (0, 1)] == [weights(calm[i]) for i in (0, 1)]


def test_a_worker_that_crashes_again_and_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are split first, since too many models at once is the usual cause; then the message says what to do."""
    failing = Failing(BrokenExecutor("killed"))
    monkeypatch.setattr(ensembles, "_WORTH_A_POOL", 0.0)
    monkeypatch.setattr(ensembles, "WorkerPool", lambda n: failing)
    with pytest.raises(MeasurementError, match="crashed 4 times"):
        list(train_ensemble(NETWORK, members(4), BRIEF, workers=2))
    assert failing.sizes[-1] == 1 < failing.sizes[0]


def test_an_executor_of_the_user_that_breaks_is_an_error() -> None:
    """It cannot be replaced here, and the message says so."""
    with pytest.raises(UsageError, match="The executor that was passed is broken"):
        list(train_ensemble(NETWORK, members(2), BRIEF, executor=Failing(BrokenExecutor("gone"))))


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_a_group_that_does_not_fit_is_split(error: Exception) -> None:
    """Four models at once run out of memory, two do not: the models are those of a run with room."""
    executor = Failing(error, least=3)
    found = dict(train_ensemble(NETWORK, members(4), BRIEF, executor=executor, workers=1))
    assert executor.sizes[:3] == [4, 2, 2]
    roomy = dict(train_ensemble(NETWORK, members(4), BRIEF, workers=1))
    if kernel() is not None:
        assert [weights(found[i]) for i in range(4)] == [weights(roomy[i]) for i in range(4)]
    assert sorted(found) == [0, 1, 2, 3]


def test_too_little_memory_for_one_model_is_a_clear_error() -> None:
    """After splitting down to one."""
    executor = Failing(MemoryError())
    with pytest.raises(UsageError, match="not enough memory on cpu to train even one model"):
        list(train_ensemble(NETWORK, members(3), BRIEF, executor=executor, workers=1))
    assert executor.sizes == [3, 1]


def test_the_user_s_executor_is_left_open() -> None:
    """Any concurrent.futures.Executor will do."""
    with ThreadPoolExecutor(2) as threads:
        found = dict(train_ensemble(NETWORK, members(3), BRIEF, executor=threads))
        assert threads.submit(abs, -2).result() == 2
    assert sorted(found) == [0, 1, 2]


_KILLED = """
import sys
sys.path.insert(0, {root!r})
sys.path.insert(0, {here!r})
import importlib.util
spec = importlib.util.spec_from_file_location("case", {file!r})
case = importlib.util.module_from_spec(spec)
spec.loader.exec_module(case)
case.train_with_checkpoints({folder!r}, 0.05)
"""


def train_with_checkpoints(folder: str, interval: float) -> dict[int, TrainingResult]:
    """Two models that take about two seconds."""
    return dict(train_ensemble(NETWORK, members(2), LONG, workers=1, checkpoint=folder, interval=interval))


def test_a_run_that_was_killed_is_resumed_to_the_same_bits(tmp_path: Path, root: Path) -> None:
    """SIGKILL after the second checkpoint; the resumed run does the rest and ends where a calm one does."""
    folder = tmp_path / "checkpoints"
    script = _KILLED.format(root=str(root), here=str(root), file=__file__, folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        while len(list(folder.glob("*.checkpoint"))) < 2:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    heard: list[Event] = []
    resumed = dict(
        train_ensemble(
            NETWORK,
            members(2),
            LONG,
            workers=1,
            checkpoint=folder,
            should_stop=lambda: bool(heard),
            listener=heard.append,
        )
    )
    assert all(0 < r.epochs_done < LONG.epochs for r in resumed.values())
    finished = train_with_checkpoints(str(folder), 10.0)
    calm = dict(train_ensemble(NETWORK, members(2), LONG, workers=1))
    assert [weights(finished[i]) for i in (0, 1)] == [weights(calm[i]) for i in (0, 1)]
    assert [finished[i].losses for i in (0, 1)] == [calm[i].losses for i in (0, 1)]
    again = train_with_checkpoints(str(folder), 10.0)
    assert [weights(again[i]) for i in (0, 1)] == [weights(calm[i]) for i in (0, 1)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "mlp:ambient_dim=2,latent_dim=1,hidden=[8]"}, "another architecture"),
        ({"how": recipe(BRIEF, epochs=9)}, "another recipe"),
        ({"members": [Member(Seed(5), ARC)]}, "another seeds"),
        ({"members": [Member(Seed(0), 2 * ARC)]}, "another data"),
        ({"members": [Member(Seed(0), ARC, learning_rate=1e-4)]}, "another learning rates"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Before anything is trained."""
    given: dict[str, Any] = {"network": NETWORK, "members": [Member(Seed(0), ARC)], "how": BRIEF}
    list(train_ensemble(**given, checkpoint=tmp_path))
    with pytest.raises(UsageError, match=message):
        train_ensemble(**{**given, **changes}, checkpoint=tmp_path)


def test_modules_of_the_user_are_trained() -> None:
    """Convolutions by vmap, at once and alone; the loss falls, and the result evaluates."""
    network = Modules(convolutional, "small convolution")
    how = recipe("quick", epochs=60, batch_size=20, learning_rate=1e-2)
    found = dict(train_ensemble(network, members(3), how))
    assert {r.engine for r in found.values()} == {"functional"}
    assert all(r.losses[-1] < 0.5 * r.losses[0] for r in found.values())
    model = found[1].model
    assert model is not None and (model.ambient_dim, model.latent_dim) == (2, 1)
    ((_, alone),) = train_ensemble(network, members(3)[1:2], how)
    assert alone.model is not None
    assert np.abs(alone.model.reconstruct(ARC) - model.reconstruct(ARC)).max() < 1e-3
    assert found[1].record()["architecture"] == "small convolution"


def test_modules_with_random_layers_have_streams_of_their_own() -> None:
    """Dropout and batch normalisation: one by one, the same alone and beside others, global generators untouched."""
    network = Modules(random_layers)
    before = torch.random.get_rng_state()
    how = recipe(BRIEF, epochs=2)
    together = dict(train_ensemble(network, members(2), how))
    ((_, alone),) = train_ensemble(network, members(2)[1:], how)
    assert torch.equal(before, torch.random.get_rng_state())
    assert alone.model is not None and together[1].model is not None
    assert np.abs(alone.model.reconstruct(ARC) - together[1].model.reconstruct(ARC)).max() < 1e-6
    mean = alone.model.encoder[1].running_mean  # type: ignore[index,union-attr]
    assert isinstance(mean, torch.Tensor) and float(mean.abs().max()) > 0.0


def test_an_objective_of_the_user_is_what_is_made_small() -> None:
    """Codes that must equal the noise-free second coordinate, whatever the reconstruction."""
    network = Modules(convolutional, objective=SecondCoordinate())
    found = dict(train_ensemble(network, members(1), LONG.adapted(epochs=200)))
    assert found[0].model is not None
    assert np.abs(found[0].model.encode(ARC)[:, 0] - ARC[:, 1]).max() < 0.3


class SecondCoordinate:
    """Asks the code to be the second coordinate; takes noise that it ignores."""

    noise = 3

    def __call__(self, encode: Any, decode: Any, rows: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        assert noise.shape[-1] == 3
        return (encode(rows)[:, 0] - rows[:, 1]).square().mean() + 0.0 * noise.sum()


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda seed: (nn.Linear(2, 1), 7), UsageError, "must return two torch modules"),
        (lambda seed: (nn.Identity(), nn.Identity()), UsageError, "no parameters"),
        (lambda seed: (nn.Linear(3, 1), nn.Linear(1, 2)), ModelError, "raised RuntimeError on two training points"),
        (lambda seed: (nn.Linear(2, 1), nn.Linear(1, 3)), ModelError, "expected"),
    ],
)
def test_modules_that_do_not_fit_are_refused(build: Any, error: type[AeverifyError], message: str) -> None:
    """Before anything is trained."""
    with pytest.raises(error, match=message):
        train_ensemble(Modules(build), members(1), BRIEF)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": []}, "at least one member"),
        ({"members": [Member(Seed(0), ARC), Member(Seed(1), np.zeros((30, 3)))]}, "dimensions"),
        ({"members": [Member(Seed(0), np.where(ARC > 0.5, np.nan, ARC))]}, "NaN"),
        ({"members": [Member(Seed(0), ARC, watched=np.zeros((4, 3)))]}, "watched"),
        ({"members": [Member(Seed(0), ARC[:10])]}, "batch of 20 rows is larger"),
        ({"workers": 0}, "workers"),
        ({"interval": -1.0}, "interval"),
        ({"device": "tpu"}, "device"),
        ({"engine": "jax"}, "engine must be"),
        ({"engine": "flat", "how": recipe(BRIEF, code_l1=0.1)}, "asks for the engine functional"),
        ({"engine": "native", "network": "mlp:latent_dim=1,activation=tanh"}, "relu and leaky_relu"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_trained(changes: dict[str, Any], message: str) -> None:
    """By the call, not by the first result."""
    given: dict[str, Any] = {"network": NETWORK, "members": members(1), "how": BRIEF}
    with pytest.raises(UsageError, match=message):
        train_ensemble(**{**given, **changes})
    with pytest.raises(UsageError, match="learning_rate"):
        Member(Seed(0), ARC, learning_rate=-1.0)


def test_without_a_compiler_the_flat_engine_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that is not there or fails gives no kernel; asking for the native engine is then an error."""
    kernel.cache_clear()
    try:
        for compiler in ("no-such-compiler", "false"):
            monkeypatch.setenv("CC", compiler)
            kernel.cache_clear()
            found = dict(train_ensemble(NETWORK, members(1), BRIEF))
            assert found[0].engine == "flat"
            with pytest.raises(UsageError, match="needs a C compiler"):
                train_ensemble(NETWORK, members(1), BRIEF, engine="native")
    finally:
        kernel.cache_clear()


def test_large_ensembles_speak_with_one_voice() -> None:
    """Beyond 64 models one stage tells how many have ended and the median loss, and the last word is its end."""
    heard: list[Event] = []
    tiny = "mlp:ambient_dim=2,latent_dim=1,hidden=[2]"
    found = dict(train_ensemble(tiny, members(65), BRIEF, workers=1, listener=heard.append))
    assert len(found) == 65
    assert isinstance(heard[0], StageStarted) and isinstance(heard[-1], StageFinished)
    progress = [e for e in heard if isinstance(e, Progress)]
    assert {e.stage for e in progress} == {"train"}
    last = progress[-1]
    assert (last.done, last.total) == (65 * 40, 65 * 40)
    assert last.figures["ended"] == 65.0 and "median loss" in last.figures


def test_a_stopping_rule_is_told() -> None:
    """The note says that the rule ended it, and such a model may count as converged."""
    how = recipe(LONG, stop_epsilon=10.0, stop_delta=0.0, stop_every=5)
    ((_, result),) = train_ensemble(NETWORK, members(1), how)
    assert result.epochs_done == 5 and not result.stopped
    assert "ended by its stopping rule after 5 of 4000 epochs" in result.note
    assert result.reason in (None, Reason.NOT_CONVERGED)
