"""Models of tensors of any shape as maps of rows: modules, functions of arrays, functions of torch tensors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeverify import Autoencoder
from aeverify.autoencoders.protocol import Continuity
from aeverify.enclosure import network_from_modules
from aeverify.errors import ModelError, UsageError

ROWS = np.random.default_rng(0).normal(size=(7, 64))


def images(generator_seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """A convolutional autoencoder of 1 x 8 x 8 images with a code of 2 x 4 x 4."""
    torch.manual_seed(generator_seed)
    return (
        nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.Tanh()),
        nn.Sequential(nn.ConvTranspose2d(2, 1, 3, 2, 1, 1)),
    )


def test_rows_are_images_for_the_modules() -> None:
    """The shape of the code is found by running the encoder; enclosures exist."""
    encoder, decoder = images()
    model = Autoencoder.from_modules(encoder, decoder, input_shape=(1, 8, 8), batch_size=3)
    assert (model.ambient_dim, model.latent_dim) == (64, 32)
    with torch.no_grad():
        codes = encoder.double()(torch.from_numpy(ROWS).reshape(7, 1, 8, 8))
        expected = decoder.double()(codes).reshape(7, 64).numpy()
    np.testing.assert_allclose(model.encode(ROWS), codes.reshape(7, 32).numpy(), rtol=1e-12)
    np.testing.assert_allclose(model.reconstruct(ROWS), expected, rtol=1e-12, atol=1e-15)
    assert model.continuity is Continuity.KNOWN
    network_from_modules(model.encoder, model.decoder, ambient_dim=64, latent_dim=32)  # type: ignore[attr-defined]


def test_stacks_that_flatten_themselves_stay_plain() -> None:
    """Flatten first, Linear and Unflatten last: nothing but a stack of layers remains, with all its bounds."""
    model = Autoencoder.from_modules(
        nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), nn.Sequential(nn.Linear(2, 64)), input_shape=(1, 8, 8)
    )
    assert model.encode_balls([0.0] * 64) is not None
    assert (model.ambient_dim, model.latent_dim) == (64, 2)


def test_shapes_that_do_not_fit_are_named() -> None:
    """Against the encoder, the dimensions, each other."""
    encoder, decoder = images()
    for settings, error, message in (
        ({"input_shape": (3, 8, 8)}, ModelError, r"raised RuntimeError on an array of shape \(2, 3, 8, 8\)"),
        (
            {"input_shape": (1, 8, 8), "ambient_dim": 60},
            UsageError,
            "ambient_dim 60 was given, and the shapes make it 64",
        ),
        ({"input_shape": (1, 0, 8)}, UsageError, "without the batch"),
        ({"input_shape": "1,8,8"}, UsageError, "without the batch"),
        ({"input_shape": (2**20, 2**20)}, UsageError, "at most 16777216"),
        ({"latent_shape": (2, 4, 4)}, UsageError, "needs input_shape beside it"),
    ):
        with pytest.raises(error, match=message):
            Autoencoder.from_modules(encoder, decoder, **settings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"must be a torch.nn.Module, got function"):
        Autoencoder.from_modules(lambda x: x, decoder, input_shape=(1, 8, 8))  # type: ignore[arg-type]
    wrong = Autoencoder.from_modules(encoder, decoder, input_shape=(1, 8, 8), latent_shape=(2, 2, 2))
    with pytest.raises(ModelError, match=r"returned shape \(7, 32\) for 7 rows; expected \(7, 8\)"):
        wrong.encode(ROWS)


class Returns(nn.Module):
    """A module that returns whatever a function makes of its input."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function
        self.linear = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.linear(x))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y: (y, y), r"a tuple of 2 .*give the mean"),
        (lambda y: {"mean": y}, "returned dict with the keys mean"),
        (lambda y: None, "returned NoneType"),
        (lambda y: torch.complex(y, y), "complex128, expected real"),
        (lambda y: y.argmax(1), "torch.int64, expected real"),
        (lambda y: y.sum(), r"returned shape \(\) for 4 rows"),
        (lambda y: y[:2], r"returned shape \(2, 2\) for 4 rows"),
        (lambda y: y[:, None], r"returned shape \(4, 1, 2\) for 4 rows; expected \(4, 2\)"),
        (lambda y: y @ torch.ones(2, 2), "raised RuntimeError"),
    ],
)
def test_results_that_are_no_rows_are_refused(function: Any, message: str) -> None:
    """What was returned, what was expected, what to do."""
    model = Autoencoder.from_modules(Returns(function), nn.Linear(2, 3), ambient_dim=3, latent_dim=2)
    with pytest.raises(ModelError, match=message):
        model.encode(np.zeros((4, 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_short_floats_are_evaluated_as_the_numbers_that_they_are(dtype: torch.dtype) -> None:
    """Weights of any type are exact in float64."""
    linear = nn.Linear(3, 2).to(dtype)
    model = Autoencoder.from_modules(linear, nn.Linear(2, 3))
    expected = linear.weight.detach().double().numpy() @ np.ones(3) + linear.bias.detach().double().numpy()
    np.testing.assert_allclose(model.encode(np.ones((1, 3)))[0], expected, rtol=1e-15)


@pytest.mark.filterwarnings("ignore")  # torch calls both new or deprecated
def test_complex_and_quantised_weights_are_refused() -> None:
    """Neither is a real function in float64."""
    with pytest.raises(UsageError, match="complex weights"):
        Autoencoder.from_modules(nn.Linear(3, 2).to(torch.complex64), nn.Linear(2, 3))
    quantised = nn.Linear(3, 2)
    quantised.register_buffer("packed", torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))
    with pytest.raises(UsageError, match="quantised weights"):
        Autoencoder.from_modules(quantised, nn.Linear(2, 3))


def test_batch_norm_without_statistics_is_reported() -> None:
    """It normalises by the batch in eval mode too."""
    model = Autoencoder.from_modules(
        nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)),
        nn.Linear(2, 3),
        ambient_dim=3,
        latent_dim=2,
    )
    assert "no running statistics" in model.note
    assert model.continuity is Continuity.OPAQUE


def test_functions_of_images_and_of_torch_tensors() -> None:
    """Rows get the shape before the call and lose it after; a batch is no larger than allowed."""
    sizes = []

    def encode(x: Any) -> Any:
        sizes.append(x.shape)
        return x.mean(axis=(1, 2))

    model = Autoencoder.from_callables(
        encode,
        lambda z: np.ones((len(z), 8, 4, 2)) * z[:, None, None, :],
        input_shape=(8, 4, 2),
        latent_dim=2,
        batch_size=3,
    )
    assert (model.ambient_dim, model.latent_dim) == (64, 2)
    expected = ROWS.reshape(7, 8, 4, 2).mean(axis=(1, 2))
    np.testing.assert_allclose(model.encode(ROWS), expected)
    assert sizes == [(3, 8, 4, 2), (3, 8, 4, 2), (1, 8, 4, 2)]
    np.testing.assert_allclose(model.decode(expected)[:, :2], expected)
    weight = torch.ones(64, 1, dtype=torch.float64, requires_grad=True)
    tensors = Autoencoder.from_callables(
        lambda x: x @ weight, lambda z: (z @ weight.T).to(torch.bfloat16), ambient_dim=64, latent_dim=1, arrays="torch"
    )
    np.testing.assert_allclose(tensors.encode(ROWS)[:, 0], ROWS.sum(axis=1))
    assert tensors.decode(np.ones((2, 1))).tolist() == np.ones((2, 64)).tolist()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda x: (x, x), "tuple of 2"),
        (lambda x: x[:, :1] + 1j, "complex numbers"),
        (lambda x: np.array(["a"] * len(x)), "expected real numbers"),
        (lambda x: x[:, :2], r"returned shape \(7, 2\)"),
        (lambda x: x[:3, :1], r"returned shape \(3, 1\)"),
    ],
)
def test_functions_that_return_something_else_are_refused(result: Any, message: str) -> None:
    """As for modules."""
    model = Autoencoder.from_callables(result, lambda z: z, ambient_dim=64, latent_dim=1)
    with pytest.raises(ModelError, match=message):
        model.encode(ROWS)


def test_callings_that_make_no_sense_are_refused() -> None:
    """Missing or contradictory dimensions, unknown arrays, a device for numpy."""
    for settings, message in (
        ({"ambient_dim": 4}, "latent_dim is missing"),
        ({"latent_dim": 1}, "ambient_dim is missing"),
        ({"ambient_dim": 4, "latent_dim": 1, "input_shape": (5,)}, "make them agree"),
        ({"ambient_dim": 4, "latent_dim": 1, "arrays": "jax"}, "'numpy' or 'torch'"),
        ({"ambient_dim": 4, "latent_dim": 1, "device": "cuda"}, "arrays='torch'"),
        ({"ambient_dim": 4, "latent_dim": 1, "batch_size": -1}, "batch_size"),
    ):
        with pytest.raises(UsageError, match=message):
            Autoencoder.from_callables(lambda x: x, lambda z: z, **settings)  # type: ignore[arg-type]


def test_functions_of_numpy_arrays_load_no_torch() -> None:
    """Of an image shape either."""
    code = (
        "import sys, aeverify; aeverify.Autoencoder.from_callables(lambda x: x, lambda z: z, input_shape=(2, 2), "
        "latent_dim=4); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
