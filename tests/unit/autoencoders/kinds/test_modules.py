"""What the modules of the kinds compute: staircases, shared weights, convolutions and adjoints, codes with skips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.kinds import Convolutional, Replicator, Tied, UNet
from aeverify.autoencoders.kinds.modules import Staircase
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Continuity
from aeverify.core.seeds import Seed


def rows(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_steep_staircase_has_its_levels_between_its_edges() -> None:
    """With 4 levels: 0, 1/3, 2/3, 1 in the middle of (0, 1/4), (1/4, 1/2), ...; rising everywhere."""
    stairs = Staircase(1, 4, 200.0)
    middles = torch.tensor([[0.125], [0.375], [0.625], [0.875]], dtype=torch.float64)
    assert stairs(middles).flatten().numpy() == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0], abs=1e-9)
    grid = torch.linspace(-1.0, 2.0, 1001, dtype=torch.float64)[:, None]
    assert (stairs(grid).flatten().diff() >= 0.0).all()


def test_a_staircase_as_layers_is_the_same_function() -> None:
    """Linear, Tanh, Linear on three coordinates; its slope is within the certified bound."""
    stairs = Staircase(3, 5, 7.0)
    x = rows(40, 3)
    assert torch.allclose(stairs(x), stairs.evaluated()(x), atol=1e-6)
    model = Replicator(3, 2, hidden=(4,), steepness=7.0).untrained(0)
    assert model.continuity is Continuity.KNOWN
    assert isinstance(model, ModuleAutoencoder) and model.encoder_layers is not None
    assert model.encode(np.zeros((1, 3))).min() >= 0.0


def test_tied_modules_share_their_weights_and_not_their_biases() -> None:
    """D's matrices are the transposes of E's, in reverse order, and one object in both."""
    encoder, decoder = Tied(5, 2, hidden=(4, 3)).build(Seed(0))
    theirs = [m for m in encoder.modules() if isinstance(m, nn.Linear)]
    ours = [m for m in decoder if hasattr(m, "weight")]
    assert [m.weight is t.weight for m, t in zip(ours, reversed(theirs), strict=True)] == [True] * 3
    model = ModuleAutoencoder(encoder, decoder)
    codes = rows(6, 2)
    assert model.decode(codes.numpy()) == pytest.approx(decoder(codes).detach().numpy(), abs=1e-6)
    assert model.decoder_layers is not None


@pytest.mark.parametrize(
    ("shape", "kernel", "stride"), [((1, 9), 3, 2), ((2, 8), 5, 3), ((1, 6, 5), 3, 2), ((2, 4, 4), 1, 1)]
)
def test_a_transposed_convolution_is_the_adjoint_and_restores_shapes_not_values(
    shape: tuple[int, ...], kernel: int, stride: int
) -> None:
    """<conv x, y> = <x, conv^T y> to 1e-10 with shared kernels, on every size that the decoder meets on its way up."""
    n = int(np.prod(shape))
    made = Convolutional(n, 2, shape=shape, channels=(3, 4), kernel=kernel, stride=stride)
    encoder, decoder = (module.double() for module in made.build(Seed(0)))
    down = [m for m in encoder if isinstance(m, nn.Conv1d | nn.Conv2d)]
    up = [m for m in decoder if isinstance(m, nn.ConvTranspose1d | nn.ConvTranspose2d)]
    for convolution, transposed, before, after in zip(
        down, reversed(up), made.shapes(), made.shapes()[1:], strict=False
    ):
        transposed.weight = convolution.weight
        x, y = rows(2, *before).double(), rows(2, *after, seed=1).double()
        with torch.no_grad():
            convolution.bias.zero_()
            transposed.bias.zero_()
            there, back = convolution(x), transposed(y)
        assert there.shape == y.shape and back.shape == x.shape
        assert (there * y).sum().item() == pytest.approx((x * back).sum().item(), abs=1e-10)
        with torch.no_grad():
            assert (transposed(there) - x).norm().item() > 0.1


@pytest.mark.parametrize("up", ["transposed", "upsampling"])
@pytest.mark.parametrize("shape", [(1, 7), (3, 4), (1, 5, 6), (2, 3, 3)])
def test_the_decoder_reverses_the_layers_of_the_encoder(shape: tuple[int, ...], up: str) -> None:
    """As many convolutions, channels in reverse order, and rows of n numbers at the end."""
    n = int(np.prod(shape))
    made = Convolutional(n, 2, shape=shape, channels=(4, 6), up=up)
    encoder, decoder = made.build(Seed(0))
    convolutions = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
    down = [(m.in_channels, m.out_channels) for m in encoder if isinstance(m, convolutions)]
    back = [(m.out_channels, m.in_channels) for m in decoder if isinstance(m, convolutions)]
    assert down == back[::-1]
    model = made.untrained(0)
    assert model.reconstruct(np.ones((3, n))).shape == (3, n)
    assert model.continuity is Continuity.KNOWN


def test_upsampling_repeats_and_pooling_takes_it_back() -> None:
    """Average pooling by 2 undoes nearest-neighbour upsampling by 2 exactly."""
    x = rows(2, 3, 4)
    assert torch.equal(nn.AvgPool1d(2)(nn.Upsample(scale_factor=2)(x)), x)


@pytest.mark.parametrize("shape", [(1, 8), (2, 5), (1, 4, 6)])
def test_a_unet_decodes_from_its_code_alone(shape: tuple[int, ...]) -> None:
    """What the decoder uses is in the code: decoding codes gives what the network gives, and every skip number
    counts."""
    n = int(np.prod(shape))
    made = UNet(n, shape=shape, channels=(3, 4), skips=True, activation="tanh")
    model = made.untrained(0)
    x = rows(2, n).double().numpy()
    codes = model.encode(x)
    assert codes.shape == (2, 2 + sum(made.skip_sizes()))
    assert model.continuity is Continuity.KNOWN
    base = model.decode(codes[:1])
    for k in (0, 2, codes.shape[1] - 1):
        moved = codes[:1].copy()
        moved[0, k] += 1.0
        assert np.abs(model.decode(moved) - base).max() > 1e-6
    plain = UNet(n, 2, shape=shape, channels=(3, 4)).untrained(0)
    assert plain.latent_dim == 2 and plain.reconstruct(x).shape == (2, n)
