from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from aeverify.autoencoders.engines.native import kernel
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.autoencoders.training import TrainingResult, train, train_restarts
from aeverify.core.events import Event, Progress, StageFinished, StageStarted
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Reason
from aeverify.errors import AeverifyError, SpecError, UnknownNameError, UsageError

NETWORK = "mlp:ambient_dim=2,latent_dim=1,hidden=[16,16]"
BRIEF = recipe("quick", epochs=8, batch_size=20)


def arc(n: int = 200) -> np.ndarray:
    """A quarter of the unit circle: an arc, easy to learn."""
    t = np.linspace(0, np.pi / 2, n)
    return np.column_stack([np.cos(t), np.sin(t)])


def weights(result: TrainingResult) -> bytes:
    assert result.model is not None
    return b"".join(
        p.numpy().tobytes() for part in (result.model.encoder, result.model.decoder) for p in part.parameters()
    )


def test_training_learns_an_arc() -> None:
    """The error falls far below the variance, the result says so, and the losses are those of the epochs."""
    result = train(NETWORK, arc(), recipe("default", epochs=60, batch_size=10, learning_rate=1e-2), 1)
    assert result.model is not None
    assert result.converged
    assert (result.diverged, result.stopped, result.reason) == (False, False, None)
    assert result.epochs_done == 60
    assert result.loss_epochs[:32] == tuple(range(1, 33)) and result.loss_epochs[-1] == 60
    assert len(result.losses) == len(result.loss_epochs) < 60
    assert result.losses[-1] < 0.1 * result.losses[0]
    assert result.unexplained is not None
    assert result.unexplained < 0.01
    assert result.mean_squared_error == pytest.approx(float(np.mean((result.model.reconstruct(arc()) - arc()) ** 2)))
    assert "converged" in result.note


def test_what_is_not_learned_is_reported_as_not_converged() -> None:
    """Two epochs are not enough, and the result has a reason."""
    result = train(NETWORK, arc(), recipe("paper", epochs=2), 0)
    assert (result.converged, result.reason) == (False, Reason.NOT_CONVERGED)
    assert result.model is not None


def test_the_same_seed_gives_the_same_model_and_another_does_not() -> None:
    """Bit for bit on one machine, whatever the global generators do."""
    first = train(NETWORK, arc(), BRIEF, Seed(3))
    torch.manual_seed(99)
    again, other = train(NETWORK, arc(), BRIEF, Seed(3)), train(NETWORK, arc(), BRIEF, Seed(4))
    assert first.losses == again.losses
    assert weights(first) == weights(again)
    assert weights(first) != weights(other)


def test_training_leaves_the_global_generators_alone() -> None:
    """No global random state is read or changed."""
    torch_before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    train(NETWORK, arc(), BRIEF, 0)
    assert torch.equal(torch_before, torch.random.get_rng_state())
    assert (numpy_before == np.random.get_state()[1]).all()  # noqa: NPY002


def test_a_restart_does_not_depend_on_the_others() -> None:
    """Model i is the same alone and among three, bit for bit where the kernel compiles."""
    if kernel() is None:
        pytest.skip("there is no C compiler here")
    seeds = [Seed(0).child("train", i) for i in range(3)]
    alone = train(NETWORK, arc(), BRIEF, seeds[1])
    results = list(train_restarts(NETWORK, arc(), BRIEF, seeds))
    assert [r.seed for r in results] == seeds
    assert weights(results[1]) == weights(alone)
    assert results[1].losses == alone.losses


def test_events_are_heard_in_order_on_the_caller_s_thread() -> None:
    """Started, progress to the last epoch, finished; for each restart."""
    heard: list[tuple[Event, int]] = []
    list(
        train_restarts(
            NETWORK,
            arc(),
            BRIEF,
            [Seed(0), Seed(1)],
            listener=lambda event: heard.append((event, threading.get_ident())),
            names=["a", "b"],
        )
    )
    assert {ident for _, ident in heard} == {threading.get_ident()}
    for stage in ("train restart 0", "train restart 1"):
        own = [event for event, _ in heard if getattr(event, "stage", "") == stage]
        assert isinstance(own[0], StageStarted)
        assert isinstance(own[-1], StageFinished)
        progress = [event for event in own if isinstance(event, Progress)]
        assert (progress[-1].done, progress[-1].total) == (8, 8)
        assert "loss" in progress[-1].figures


def test_divergence_is_a_result() -> None:
    """A rate that blows the loss up ends in DIVERGED, without a model and without a traceback."""
    wild = Recipe("wild", "", epochs=50, batch_size=20, learning_rate=1e18)
    result = train(NETWORK, arc(), wild, 0)
    assert (result.model, result.diverged, result.converged, result.reason) == (None, True, False, Reason.DIVERGED)
    assert "diverged in epoch" in result.note
    assert all(np.isfinite(result.losses))


def test_stopping_is_a_result() -> None:
    """`should_stop` is asked between slices; what was trained so far is returned and never counts as converged."""
    asked: list[int] = []

    def stop_at_the_second() -> bool:
        asked.append(1)
        return len(asked) > 1

    result = train(NETWORK, arc(), recipe(BRIEF, epochs=1_000_000), 0, should_stop=stop_at_the_second)
    assert (result.stopped, result.converged, result.reason) == (True, False, Reason.INTERRUPTED)
    assert 0 < result.epochs_done < 1_000_000
    assert result.loss_epochs[-1] == result.epochs_done
    assert result.model is not None


def test_an_interrupt_keeps_what_had_ended() -> None:
    """Ctrl-C while models train: what had ended is in `kept`, and what goes on is not."""
    kept: dict[int, TrainingResult] = {}
    first = train(NETWORK, arc(), BRIEF, 0)

    def interrupt(event: Event) -> None:
        if isinstance(event, StageFinished):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(train_restarts(NETWORK, arc(), BRIEF, [Seed(0), Seed(1), Seed(2)], listener=interrupt, kept=kept))
    assert list(kept) == [0]
    assert weights(kept[0]) == weights(first)


def test_a_network_of_the_paper_s_kind_for_any_dimension() -> None:
    """The points' dimension fills in what the spec leaves open."""
    points = np.random.default_rng(0).normal(size=(30, 5))
    result = train("mlp:latent_dim=2,hidden=[4]", points, BRIEF.adapted(batch_size=10), 0)
    assert (result.architecture.ambient_dim, result.architecture.latent_dim) == (5, 2)
    assert result.record()["architecture"] == str(result.architecture)


def test_constant_data_are_reported_sensibly() -> None:
    """Without variance nothing but an exact fit counts as converged."""
    result = train(NETWORK, np.ones((20, 2)), BRIEF, 0)
    assert not result.converged
    assert result.reason is Reason.NOT_CONVERGED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"points": np.full((30, 2), np.nan)}, UsageError),
        ({"points": np.zeros(30)}, UsageError),
        ({"points": np.empty((0, 2))}, UsageError),
        ({"points": np.array([["a", "b"]])}, UsageError),
        ({"points": np.full((30, 2), 1e200)}, UsageError),
        ({"points": np.zeros((30, 3))}, SpecError),
        ({"points": np.zeros((5, 2))}, UsageError),
        ({"network": "papr"}, UnknownNameError),
        ({"how": "fast"}, UnknownNameError),
        ({"device": "tpu"}, UsageError),
        ({"seed": -1}, UsageError),
    ],
)
def test_wrong_input_is_refused(changes: dict[str, object], error: type[AeverifyError]) -> None:
    """NaN, shapes, batches larger than the data, unknown names, unknown devices."""
    given: dict[str, object] = {"network": NETWORK, "points": arc(), "how": BRIEF, "seed": 0, "device": "cpu"}
    given |= changes
    with pytest.raises(error):
        train(given["network"], given["points"], given["how"], given["seed"], device=given["device"])  # type: ignore[arg-type]


def test_restarts_are_checked_before_any_is_trained() -> None:
    """The error comes from the call, not from the first result."""
    with pytest.raises(UsageError, match="at least one seed"):
        train_restarts(NETWORK, arc(), BRIEF, [])
    with pytest.raises(UsageError, match="2 seeds need as many names"):
        train_restarts(NETWORK, arc(), BRIEF, [Seed(0), Seed(1)], names=["a"])
    with pytest.raises(UsageError, match="workers"):
        train_restarts(NETWORK, arc(), BRIEF, [Seed(0)], workers=0)
    with pytest.raises(UsageError, match="NaN"):
        train_restarts(NETWORK, np.full((30, 2), np.nan), BRIEF, [Seed(0)])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused() -> None:
    """`cuda` without CUDA is the caller's mistake; `auto` falls back."""
    with pytest.raises(UsageError, match="torch sees none"):
        train(NETWORK, arc(), BRIEF, 0, device="cuda")
    assert train(NETWORK, arc(), BRIEF, 0, device="auto").device == "cpu"
