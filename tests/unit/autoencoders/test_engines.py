from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.architectures import Architecture, architecture
from aeverify.autoencoders.engines.advance import advance, batches, engine_of
from aeverify.autoencoders.engines.flat import FlatNetworks
from aeverify.autoencoders.engines.functional import flat_weights
from aeverify.autoencoders.engines.graphs import GraphEngine, bytes_a_model
from aeverify.autoencoders.engines.native import PaddedNetwork, kernel
from aeverify.autoencoders.engines.objectives import squared_jacobian
from aeverify.autoencoders.engines.order import epoch_order, epoch_orders
from aeverify.autoencoders.engines.state import MOMENTS, Group, ModelState, Status
from aeverify.autoencoders.recipes import Recipe, recipe
from aeverify.core.seeds import Seed

needs_compiler = pytest.mark.skipif(kernel() is None, reason="there is no C compiler here")
ENGINES = [pytest.param("native", marks=needs_compiler), "flat", "functional", "graph"]
SHAPE = architecture("mlp:ambient_dim=3,latent_dim=2,hidden=[19,33]")
POINTS = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
BRIEF = Recipe("brief", "", epochs=3, batch_size=20, learning_rate=1e-3)


def group(engine: str, how: Recipe, models: int = 2, shape: Architecture = SHAPE, **changes: Any) -> Group:
    """Models of the seeds 0, 1, ... on the same points."""
    states = []
    for i in range(models):
        w = flat_weights(*shape.build(Seed(i)))
        states.append(ModelState(w, np.zeros((MOMENTS[how.optimizer], len(w)), np.float32)))
    keys = [(i + 1, i + 100) for i in range(models)]
    rates = [how.learning_rate] * models
    made = Group(shape, how, engine, "cpu", [POINTS] * models, keys, rates, [None] * models, states, len(POINTS))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def by_autograd(shape: Architecture, seed: int, rows: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The loss and its gradient in float64, by automatic differentiation."""
    encoder, decoder = (part.double() for part in shape.build(Seed(seed)))
    loss = nn.functional.mse_loss(decoder(encoder(rows.double())), rows.double())
    loss.backward()
    return float(loss.detach()), torch.cat([p.grad.flatten() for m in (encoder, decoder) for p in m.parameters()])


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "silu", "gelu", "softplus", "tanh", "sigmoid", "sin", "cos"]
)
def test_the_written_gradient_is_that_of_automatic_differentiation(activation: str) -> None:
    """Loss and gradient of two models at once agree with autograd to 1e-12 in float64, for every activation."""
    shape = architecture(f"mlp:ambient_dim=3,latent_dim=2,hidden=[7,5],activation={activation}")
    rows = torch.from_numpy(POINTS[:22]).reshape(2, 11, 3)
    flat = np.stack([flat_weights(*shape.build(Seed(i))) for i in range(2)])
    with torch.no_grad():
        networks = FlatNetworks(shape, torch.from_numpy(flat).double())
        errors = networks.squared_errors(rows.double())
    for i in range(2):
        loss, expected = by_autograd(shape, i, rows[i])
        assert abs(float(errors[i]) / 33 - loss) <= 1e-12 * loss
        assert float((networks.gradient[i] - expected).abs().max()) <= 1e-12 * float(expected.abs().max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_the_gradient_of_every_engine_is_that_of_automatic_differentiation(engine: str, activation: str) -> None:
    """After one step of sgd without momentum its moment is the gradient: to 1e-6 of its size, in float32."""
    shape = architecture(f"mlp:ambient_dim=3,latent_dim=2,hidden=[19,33,16],activation={activation}")
    how = replace(BRIEF, optimizer="sgd", steps=1)
    made = group(engine, how, models=2, shape=shape)
    rows, _ = batches(made, [0, 1], 0, 1)
    for i, state in enumerate(advance(made)):
        loss, expected = by_autograd(shape, i, torch.from_numpy(POINTS[rows[i, 0]]))
        assert state.epoch_loss / 20 == pytest.approx(loss, rel=1e-6)
        assert float((torch.from_numpy(state.moments[0]) - expected).abs().max()) <= 1e-6 * float(expected.abs().max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adam"},
        {"optimizer": "adam", "weight_decay": 0.1},
        {"optimizer": "rmsprop"},
        {"optimizer": "sgd", "momentum": 0.9},
    ],
)
def test_every_engine_takes_the_steps_of_the_optimiser(engine: str, settings: dict[str, Any]) -> None:
    """Three epochs with an odd last batch agree with the formulas of the recipe in float64, to rounding."""
    how = replace(BRIEF, schedule="cosine", warmup=0.3, **settings)
    made = group(engine, how)
    states = advance(made)
    for i in range(2):
        w = torch.from_numpy(flat_weights(*SHAPE.build(Seed(i)))).double()[None].clone()
        networks, m, v = FlatNetworks(SHAPE, w), torch.zeros_like(w), torch.zeros_like(w)
        rows, counts = batches(made, [i], 0, 9)
        for t in range(1, 10):
            with torch.no_grad():
                networks.squared_errors(torch.from_numpy(POINTS[rows[0, t - 1, : counts[t - 1]]]).double()[None])
            g, rate = networks.gradient, how.rate(t - 1, 9)
            w *= 1 - how.weight_decay * rate
            if how.optimizer == "adam":
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                w -= rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + how.epsilon)
            elif how.optimizer == "rmsprop":
                v = 0.9 * v + 0.1 * g * g
                w -= rate * g / (v + how.epsilon).sqrt()
            else:
                m = how.momentum * m + g
                w -= rate * m
        assert float((torch.from_numpy(states[i].weights) - w[0]).abs().max()) < 1e-5
        assert (states[i].status, states[i].step, states[i].epochs) == (Status.FINISHED, 9, [1, 2, 3])


@needs_compiler
def test_the_layout_of_the_kernel_goes_there_and_back() -> None:
    """Packing pads with zeros, and unpacking gives the same weights; the forward pass is that of the modules."""
    encoder, decoder = SHAPE.build(Seed(5))
    flat, network = flat_weights(encoder, decoder), PaddedNetwork.of(SHAPE)
    padded = network.pack(flat)
    again = np.zeros_like(flat)
    network.unpack(padded, again)
    assert again.tobytes() == flat.tobytes()
    assert padded.ctypes.data % 64 == 0
    assert np.abs(padded).sum(dtype=np.float64) == pytest.approx(np.abs(flat).sum(dtype=np.float64))
    many = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)
    with torch.no_grad():
        expected = decoder(encoder(torch.from_numpy(many))).numpy()
    assert np.abs(network.reconstruct(padded, many) - expected).max() < 1e-5
    assert network.reconstruct(padded, many[:0]).shape == (0, 3)


@needs_compiler
def test_a_model_of_the_kernel_does_not_depend_on_the_others_bit_for_bit() -> None:
    """The same alone, among three, and whatever the sizes of the slices are."""
    together = advance(group("native", BRIEF, models=3))
    alone = group("native", BRIEF, models=3).part([1])
    assert advance(alone)[0].weights.tobytes() == together[1].weights.tobytes()
    sliced = group("native", replace(BRIEF, epochs=300))
    slices = 0
    while sliced.running:
        sliced.states = advance(sliced, seconds=0.0)
        slices += 1
    whole = advance(group("native", replace(BRIEF, epochs=300)))
    assert slices > 1
    assert [s.weights.tobytes() for s in sliced.states] == [s.weights.tobytes() for s in whole]
    assert [s.losses for s in sliced.states] == [s.losses for s in whole]


@pytest.mark.parametrize("engine", ["flat", "functional", "graph"])
def test_a_model_of_the_batched_engines_does_not_depend_on_the_others_to_rounding(engine: str) -> None:
    """Alone and among five, a model has the same weights to 1e-4 after 60 steps."""
    how = replace(BRIEF, epochs=20)
    together, alone = advance(group(engine, how, models=5)), advance(group(engine, how, models=5).part([3]))
    assert np.abs(alone[0].weights - together[3].weights).max() < 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_models_have_rates_of_their_own(engine: str) -> None:
    """The second model of a group is the one that is trained at its rate alone."""
    made = group(engine, BRIEF)
    made.rates = [1e-3, 5e-3]
    alone = group(engine, BRIEF).part([1])
    alone.rates = [5e-3]
    assert np.abs(advance(made)[1].weights - advance(alone)[0].weights).max() < 1e-5


@pytest.mark.parametrize("engine", ENGINES)
def test_one_diverges_and_the_others_go_on(engine: str) -> None:
    """A rate of 1e18 ends its own model only."""
    made = group(engine, replace(BRIEF, epochs=20), models=3)
    made.rates = [1e-3, 1e18, 1e-3]
    states = advance(made)
    assert [s.status for s in states] == [Status.FINISHED, Status.DIVERGED, Status.FINISHED]
    assert all(np.isfinite(states[i].weights).all() for i in (0, 2))
    alone = advance(group(engine, replace(BRIEF, epochs=20), models=3).part([2]))
    assert np.abs(states[2].weights - alone[0].weights).max() < 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_training_stops_once_the_bad_set_is_small(engine: str) -> None:
    """With eps so large that no point is bad, every model stops at the first look; with eps tiny, none does."""
    loose = replace(BRIEF, epochs=30, stop_epsilon=1e6, stop_delta=0.0, stop_every=4)
    states = advance(group(engine, loose))
    assert [(s.status, s.step) for s in states] == [(Status.STOPPED, 12)] * 2
    strict = replace(loose, stop_epsilon=1e-6)
    assert [s.status for s in advance(group(engine, strict))] == [Status.FINISHED] * 2


def test_the_rule_looks_at_the_watched_points() -> None:
    """A point far away that cannot be reconstructed keeps one model going; NaN is never good."""
    how = replace(BRIEF, epochs=8, stop_epsilon=100.0, stop_delta=0.0, stop_every=2)
    far = np.full((1, 3), 1e6, dtype=np.float32)
    states = advance(group("flat", how, watched=[far, None]))
    assert [s.status for s in states] == [Status.FINISHED, Status.STOPPED]


def test_patience_ends_what_no_longer_improves() -> None:
    """At rate 1e-30 nothing changes after the first epoch, so that patience 3 ends it in the fourth."""
    how = replace(BRIEF, epochs=50, learning_rate=1e-30, patience=3, shuffle=False, batch_size=50)
    states = advance(group("flat", how, models=1))
    assert (states[0].status, states[0].step) == (Status.STOPPED, 4)


def test_orders_are_permutations_that_differ() -> None:
    """Each epoch and each stream has its own order of all rows, and the tensors say the same as the arrays."""
    orders = {(key, epoch): epoch_order(key, epoch, 101) for key in (0, 1, 2**63, 2**64 - 1) for epoch in (0, 1, 77)}
    assert all(sorted(o.tolist()) == list(range(101)) for o in orders.values())
    assert len({tuple(o.tolist()) for o in orders.values()}) == len(orders)
    signed = torch.tensor([0, 1, -(2**63), -1])
    for epoch in (0, 1, 77):
        expected = np.stack([orders[key, epoch] for key in (0, 1, 2**63, 2**64 - 1)])
        assert torch.equal(epoch_orders(signed, epoch, 101), torch.from_numpy(expected))


def test_orders_are_uniform() -> None:
    """Over 4000 epochs row 0 comes to each of 8 places equally often: chi-square(7) below its 1e-6 quantile."""
    places = [int(np.flatnonzero(epoch_order(9, e, 8) == 0)[0]) for e in range(4000)]
    counts = np.bincount(places, minlength=8)
    assert float(((counts - 500) ** 2 / 500).sum()) < 43.0


def test_batches_cover_each_epoch_once() -> None:
    """50 rows in steps of 20, 20 and 10; a span may begin within an epoch."""
    made = group("flat", BRIEF)
    rows, counts = batches(made, [0, 1], 0, 9)
    assert counts.tolist() == [20, 20, 10] * 3
    for e in range(3):
        taken = [rows[1, s, : counts[s]] for s in range(3 * e, 3 * e + 3)]
        assert sorted(np.concatenate(taken).tolist()) == list(range(50))
    part, some = batches(made, [1], 4, 7)
    assert (part[0] == rows[1, 4:7]).all() and some.tolist() == counts[4:7].tolist()


def test_losses_are_kept_at_logarithmic_intervals() -> None:
    """All up to 32, then 32 for each factor e, and always the last."""
    state = ModelState(np.zeros(1, np.float32), np.zeros((1, 1), np.float32))
    for epoch in range(1, 5001):
        state.record(epoch, 1.0 / epoch)
        assert (state.epochs[-1], state.losses[-1]) == (epoch, 1.0 / epoch)
    assert state.epochs[:32] == list(range(1, 33))
    assert len(state.epochs) < 34 + 32 * math.log(5000 / 32)
    assert all(b / a < 1.07 for a, b in zip(state.epochs[31:], state.epochs[32:], strict=False))


def test_the_contraction_penalty_is_the_frobenius_norm_of_the_jacobian() -> None:
    """Of an affine map it is the sum of the squares of its matrix; of a ReLU net it is that of torch's Jacobian."""
    rows = torch.from_numpy(POINTS[:5])
    with torch.no_grad():
        linear = nn.Linear(3, 2)
        expected = linear.weight.square().sum()
        assert squared_jacobian(linear, rows).tolist() == pytest.approx([float(expected)] * 5, rel=1e-6)
    encoder, _ = SHAPE.build(Seed(0))
    for row, value in zip(rows, squared_jacobian(encoder, rows), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: encoder(x[None])[0], row)
        assert float(value.detach()) == pytest.approx(float(jacobian.square().sum()), rel=1e-5)


def test_penalties_do_what_they_say() -> None:
    """A large weight on the codes shrinks them; a large contraction shrinks the encoder's Jacobian."""
    how = replace(BRIEF, epochs=40, learning_rate=1e-2)

    def encoder(settings: dict[str, float]) -> nn.Module:
        state = advance(group("functional", replace(how, **settings), models=1))[0]
        part = SHAPE.build(Seed(0))[0]
        nn.utils.vector_to_parameters(
            torch.from_numpy(state.weights[: SHAPE.encoder_parameter_count]), part.parameters()
        )
        return part

    rows = torch.from_numpy(POINTS)
    plain, sparse, contractive = encoder({}), encoder({"code_l1": 10.0}), encoder({"contraction": 10.0})
    with torch.no_grad():
        assert float(sparse(rows).abs().mean()) < 0.2 * float(plain(rows).abs().mean())
        smaller = float(squared_jacobian(contractive, rows).mean())
        assert smaller < 0.2 * float(squared_jacobian(plain, rows).mean())


def test_the_graph_engine_leaves_the_state_to_the_device() -> None:
    """A span of its steps reads the order, the rate and its place from tensors: the same again from a stored state."""
    how = replace(BRIEF, epochs=6)
    whole, made = advance(group("graph", how)), group("graph", how)
    engine = engine_of(made)
    assert isinstance(engine, GraphEngine)
    engine.run([0, 1], 0, 5)
    engine.run([0, 1], 5, 18)
    engine.store()
    assert [s.weights.tobytes() for s in made.states] == [s.weights.tobytes() for s in whole]


def test_the_memory_of_a_model_on_a_device_is_estimated() -> None:
    """A paper model at batch 20: five vectors of 67,332 weights and little else, 1.4 to 1.6 MB."""
    assert 1.4e6 < bytes_a_model(architecture("paper"), recipe("paper"), 1000) < 1.6e6
