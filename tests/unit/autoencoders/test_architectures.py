from __future__ import annotations

import math

import pytest
import torch

from aeverify.autoencoders.architectures import ARCHITECTURES, Architecture, architecture
from aeverify.core.seeds import Seed
from aeverify.core.spec import Spec
from aeverify.errors import AeverifyError, SpecError, UnknownNameError, UsageError


def test_the_paper_network_has_the_printed_parameter_counts() -> None:
    """33,665 + 33,667 = 67,332."""
    paper = architecture("paper")
    assert (
        paper.encoder_parameter_count,
        paper.decoder_parameter_count,
        paper.parameter_count,
    ) == (33_665, 33_667, 67_332)
    assert paper.encoder_sizes == (3, 128, 128, 128, 1)


def test_the_spiral_network_has_the_printed_parameter_counts() -> None:
    """151 + 152 = 303, as its Keras summary says."""
    spiral = architecture("spiral")
    assert (spiral.encoder_parameter_count, spiral.decoder_parameter_count, spiral.parameter_count) == (151, 152, 303)


@pytest.mark.parametrize("spec", ["paper", "spiral"])
def test_built_modules_have_the_counted_parameters(spec: str) -> None:
    """The count is that of the torch modules."""
    shape = architecture(spec)
    assert [shape.encoder_parameter_count, shape.decoder_parameter_count] == [
        sum(p.numel() for p in part.parameters()) for part in shape.build(0)
    ]


def test_every_architecture_rebuilds_from_its_own_spec() -> None:
    """The one-line form loses nothing."""
    for text in ("paper", "spiral", "mlp:ambient_dim=4,latent_dim=2,hidden=[7],activation=leaky_relu,parameter=0.25"):
        shape = architecture(text)
        assert shape == architecture(str(shape))
        assert shape == architecture(Spec.parse(str(shape)))


def test_the_data_fill_in_the_dimensions() -> None:
    """`paper` serves a set in R^5 with a 2-D code, and `mlp` takes both from the data."""
    assert (architecture("paper", ambient_dim=5, latent_dim=2).ambient_dim, 2) == (5, 2)
    assert architecture("mlp:hidden=[64,64]", ambient_dim=2, latent_dim=1).hidden == (64, 64)


def test_a_conflict_with_the_data_is_refused() -> None:
    """A spec that names another dimension than the data have is an error, whether text or built."""
    with pytest.raises(SpecError, match="ambient_dim 3"):
        architecture("mlp:ambient_dim=3,latent_dim=1", ambient_dim=2)
    with pytest.raises(SpecError, match="latent_dim 1"):
        architecture(Architecture(3, 1), latent_dim=2)


def test_glorot_uniform_weights_and_zero_biases() -> None:
    """Weights fill [-l, l] with l = sqrt(6/(in + out)) and biases are zero, as Keras draws a Dense layer."""
    encoder, decoder = architecture("paper").build(Seed(3))
    for part in (encoder, decoder):
        for layer in (m for m in part if isinstance(m, torch.nn.Linear)):
            limit = math.sqrt(6.0 / (layer.in_features + layer.out_features))
            largest = float(layer.weight.detach().abs().max())
            assert 0.9 * limit < largest <= limit * (1 + 1e-6)
            assert float(layer.bias.detach().abs().max()) == 0.0


def test_initialisation_depends_on_the_seed_alone() -> None:
    """The same seed gives the same weights whatever the global generator does, and leaves that one alone."""
    torch.manual_seed(1)
    first = architecture("spiral").build(Seed(5))[0][0].weight
    state = torch.random.get_rng_state()
    again = architecture("spiral").build(Seed(5))[0][0].weight
    other = architecture("spiral").build(Seed(6))[0][0].weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("papper", UnknownNameError),
        ("paper:width=3", SpecError),
        ("mlp", SpecError),
        ("mlp:ambient_dim=3", SpecError),
        ("mlp:ambient_dim=3,latent_dim=4", UsageError),
        ("mlp:ambient_dim=3,latent_dim=0", UsageError),
        ("mlp:ambient_dim=3,latent_dim=1,hidden=[0]", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,hidden=[1.5]", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,hidden=8", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,hidden=[100000,100000]", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,activation=rellu", UnknownNameError),
        ("mlp:ambient_dim=3,latent_dim=1,activation=relu,parameter=2", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,activation=softplus,parameter=-1", SpecError),
        ("mlp:ambient_dim=3,latent_dim=1,activation=elu,parameter=big", SpecError),
    ],
)
def test_unusable_specs_are_refused(spec: str, error: type[AeverifyError]) -> None:
    """Each with an error of our own."""
    with pytest.raises(error):
        architecture(spec)


def test_a_mistyped_name_lists_the_nearest() -> None:
    """Did you mean."""
    with pytest.raises(UnknownNameError, match="did you mean 'paper'"):
        architecture("papr")


def test_every_entry_has_a_doc() -> None:
    """A named architecture says what it is."""
    assert all(entry.doc for entry in ARCHITECTURES.values())
