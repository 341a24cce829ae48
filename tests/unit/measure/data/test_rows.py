"""The model at the rows: errors, witnesses, the certified maximum, and rows that depend on each other."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core import Rigor
from aeverify.core.witness import Witness
from aeverify.data import Part, load_data
from aeverify.errors import NonFiniteOutputError, UsageError
from aeverify.measure import data as measure
from aeverify.measure.data.finite import row_ball


def rows(count: int = 60, width: int = 3) -> np.ndarray:
    """Independent normal rows."""
    return np.random.Generator(np.random.PCG64(5)).standard_normal((count, width))


def network(activation: type[torch.nn.Module]) -> Autoencoder:
    """A small network with fixed weights."""
    torch.manual_seed(0)
    encoder = torch.nn.Sequential(torch.nn.Linear(3, 8), activation(), torch.nn.Linear(8, 2))
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 8), activation(), torch.nn.Linear(8, 3))
    return Autoencoder.from_modules(encoder, decoder)


def test_errors_are_those_of_the_model_streamed_or_not(tmp_path: Path):
    """In the order of the rows, of each part."""
    x = rows(2_000)
    np.save(tmp_path / "x.npy", x)
    model = network(torch.nn.ReLU)
    for memory in (1, 2**20):
        data = load_data(tmp_path / "x.npy", held_out=0.3, memory=memory)
        for part in Part:
            found = measure.row_errors(model, data, part)
            np.testing.assert_allclose(found.errors, model.errors(x[data.indices(part)]), rtol=1e-12)
            assert found.worst_row == data.indices(part)[found.errors.argmax()]
            assert found.worst.error == pytest.approx(found.errors.max(), rel=1e-12)


@pytest.mark.parametrize("activation", [torch.nn.ReLU, torch.nn.LeakyReLU, torch.nn.Tanh, torch.nn.Sigmoid])
def test_the_largest_error_of_known_layers_is_certified(activation: type[torch.nn.Module]):
    """It encloses the enclosures of every row, and is narrow."""
    model, data = network(activation), load_data(rows())
    found = next(e for e in measure.sup_on_data(model, data, measure.row_errors(model, data)) if e.upper < math.inf)
    balls = [row_ball(model, row) for row in rows()]
    assert found.rigor is Rigor.CERTIFIED
    assert found.lower <= max(b.upper for b in balls if b is not None)
    assert found.upper >= max(b.lower for b in balls if b is not None)
    assert found.interval.width < 1e-9


def test_without_known_layers_or_time_the_maximum_is_empirical():
    """An opaque model, and one that no second is given to."""
    data = load_data(rows())
    opaque = Autoencoder.from_callables(lambda x: x[:, :2], lambda z: np.c_[z, z[:, :1]], ambient_dim=3, latent_dim=2)
    (found,) = measure.sup_on_data(opaque, data, measure.row_errors(opaque, data))
    expected = float(np.abs(rows()[:, 2] - rows()[:, 0]).max())
    assert (found.rigor, expected in found.interval) == (Rigor.EMPIRICAL, True)
    known = network(torch.nn.ReLU)
    last = list(measure.sup_on_data(known, data, measure.row_errors(known, data), time_budget=0.0))
    assert [e.rigor for e in last] == [Rigor.EMPIRICAL]
    hurried = list(measure.sup_on_data(network(torch.nn.Tanh), data, measure.row_errors(known, data), time_budget=1e-9))
    assert [(e.rigor, e.upper < math.inf) for e in hurried] == [(Rigor.CERTIFIED, False), (Rigor.EMPIRICAL, True)]


def test_a_certified_lower_end_never_exceeds_the_upper():
    """A perfect model has the error 0 on both ends."""
    data = load_data(rows(width=2))
    found = next(iter(measure.sup_on_data(oracle("identity"), data, measure.row_errors(oracle("identity"), data))))
    assert (found.lower, found.rigor) == (0.0, Rigor.CERTIFIED)
    assert found.upper < 1e-12


def test_nan_ends_the_measurement_with_the_row(tmp_path: Path):
    """The message and the witness name it."""

    def decode(z):
        return np.where(z > 2.0, np.nan, 1.0) * z

    model = Autoencoder.from_callables(lambda x: x, decode, ambient_dim=1, latent_dim=1)
    data = load_data(np.arange(5.0)[:, None], name="line")
    with pytest.raises(NonFiniteOutputError, match=r"at 2 of 5 rows of data:line .* first at row 3 of line") as caught:
        measure.row_errors(model, data)
    witness = caught.value.witness
    assert (witness.kind, witness.points[0].point) == ("non_finite", (3.0,))
    assert measure.reevaluate_rows(model, witness).kind == "non_finite"


def test_models_of_another_dimension_are_refused():
    """Before anything is evaluated."""
    with pytest.raises(UsageError, match=r"R\^2, but data:array has rows of 3 numbers"):
        measure.row_errors(oracle("identity"), load_data(rows()))
    with pytest.raises(UsageError, match="no held-out rows"):
        measure.row_errors(network(torch.nn.ReLU), load_data(rows()), Part.HELD_OUT)


def test_a_witness_is_evaluated_again_without_the_data():
    """It carries its coordinates; another model gives other numbers and its own fingerprint."""
    model, data = network(torch.nn.Tanh), load_data(rows())
    witness = next(iter(measure.sup_on_data(model, data, measure.row_errors(model, data)))).witness
    assert witness is not None and witness.manifold == "data:array"
    again = measure.reevaluate_rows(model, Witness.from_dict(witness.to_dict()))
    assert again == witness
    other = measure.reevaluate_rows(network(torch.nn.ReLU), witness)
    assert other.points[0].error != witness.points[0].error
    assert other.model_hash != witness.model_hash
    with pytest.raises(UsageError, match=r"points of R\^3"):
        measure.reevaluate_rows(oracle("identity"), witness)
    with pytest.raises(UsageError, match="rows of a data set"):
        measure.reevaluate_rows(model, Witness("point", "circle", "", witness.points))


def test_a_model_that_looks_at_the_other_rows_is_noticed():
    """Subtracting the mean of the batch changes a row with its neighbours; a function of one point does not."""
    data = load_data(rows())
    batch = Autoencoder.from_callables(lambda x: x - x.mean(axis=0), lambda z: z, ambient_dim=3, latent_dim=3)
    assert measure.batch_gap(batch, data).lower > 0.1
    assert measure.batch_gap(network(torch.nn.ReLU), data).lower < 1e-12
