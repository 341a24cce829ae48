"""Kinds by name: what a spec means, what is refused, and what the list tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from aeverify.autoencoders.architectures import Architecture
from aeverify.autoencoders.kinds import (
    KINDS,
    Convolutional,
    Memoriser,
    Recurrent,
    Tied,
    Undercomplete,
    UNet,
    Variational,
    is_overcomplete,
    kind,
    network,
)
from aeverify.autoencoders.members import Modules
from aeverify.errors import SpecError, UnknownNameError, UsageError

DEFAULTS = {"memoriser": 1, "overcomplete": 12}


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_says_what_it_is(name: str) -> None:
    """A summary of one sentence or more, the statements it answers to, and a meaning for every setting."""
    entry = KINDS[name]
    assert entry.make.name == name
    assert entry.summary.endswith(".") and len(entry.summary) > 40
    assert entry.sources
    assert all(about["meaning"] for about in entry.parameters.values())
    assert list(entry.parameters) == [f.name for f in dataclasses.fields(entry.make)]


@pytest.mark.parametrize("name", list(KINDS))
def test_a_kind_is_rebuilt_from_its_spec(name: str) -> None:
    """The one-line form reads back as an equal kind."""
    made = kind(name, ambient_dim=12, latent_dim=DEFAULTS.get(name, 3))
    assert kind(str(made)) == made


def test_settings_are_read_from_the_spec_and_dimensions_from_the_data() -> None:
    """What the spec leaves open comes from the data."""
    made = kind("variational:beta=0.25,prior=torus,hidden=[7]", ambient_dim=3, latent_dim=2)
    assert made == Variational(3, 2, hidden=(7,), prior="torus", beta=0.25)
    assert str(made) == "variational:ambient_dim=3,latent_dim=2,hidden=[7],prior=torus,beta=0.25"


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("varational", UnknownNameError),
        ("tied:widths=[3]", SpecError),
        ("tied:hidden=[0]", SpecError),
        ("tied:hidden=5", SpecError),
        ("tied:activation=rellu", UnknownNameError),
        ("undercomplete:latent_dim=2", SpecError),
        ("overcomplete:hidden=[16]", SpecError),
        ("replicator:levels=1", SpecError),
        ("replicator:steepness=0", SpecError),
        ("sparse:penalty=l2", SpecError),
        ("sparse:target=1", SpecError),
        ("contractive:weight=-1", SpecError),
        ("contractive:estimator=guess", SpecError),
        ("denoising:noise=0", SpecError),
        ("masked:share=1", SpecError),
        ("topological:weight=0", SpecError),
        ("variational:beta=-1", SpecError),
        ("variational:likelihood=poisson", SpecError),
        ("variational:low=1,high=1", SpecError),
        ("variational:prior=sphere", SpecError),
        ("variational:prior=torus", SpecError),
        ("convolutional:kernel=2", SpecError),
        ("convolutional:channels=[]", SpecError),
        ("convolutional:shape=[1,7]", SpecError),
        ("convolutional:up=bilinear", SpecError),
        ("unet:channels=[4,4,4,4]", SpecError),
        ("unet:skips=true", SpecError),
        ("recurrent:features=5", SpecError),
        ("memoriser:latent_dim=2", SpecError),
        ("recirculation:regression=1", SpecError),
        ("recirculation:latent_dim=9", UsageError),
    ],
)
def test_what_is_unusable_is_refused(spec: str, error: type[Exception]) -> None:
    """Each with one paragraph that names the setting."""
    with pytest.raises(error):
        kind(spec, ambient_dim=8, latent_dim=1)


def test_a_code_wider_than_the_data_is_refused_where_nothing_asks_for_it() -> None:
    """Undercomplete kinds keep 1 <= m <= n."""
    for name in ("undercomplete", "linear", "recirculation"):
        with pytest.raises(UsageError):
            kind(name, ambient_dim=3, latent_dim=4)


def test_overcomplete_means_that_every_layer_could_hold_a_copy() -> None:
    """One narrow layer is enough to make copying impossible to arrange unit by unit."""
    assert is_overcomplete(3, (8, 3, 8))
    assert not is_overcomplete(3, (8, 2, 8))
    assert kind("overcomplete:hidden=[4],latent_dim=5", ambient_dim=3).untrained(0).latent_dim == 5
    assert Tied(3, 3, hidden=(4,)).overcomplete and not Tied(3, 1, hidden=(4,)).overcomplete


def test_plain_kinds_are_left_to_the_fast_engines() -> None:
    """Linear and undercomplete kinds are architectures; all others are modules with their spec for a name."""
    assert network("linear", ambient_dim=3, latent_dim=2) == Architecture(3, 2, ())
    assert network("undercomplete:hidden=[5],activation=tanh", ambient_dim=3, latent_dim=2) == Architecture(
        3, 2, (5,), "tanh"
    )
    assert network("paper", ambient_dim=4, latent_dim=2) == network(Architecture(4, 2))
    found = network("tied:hidden=[]", ambient_dim=3, latent_dim=1)
    assert isinstance(found, Modules)
    assert (found.name, found.objective) == ("tied:ambient_dim=3,latent_dim=1,hidden=[]", None)
    with pytest.raises(UsageError, match="computed from the points"):
        network(Memoriser(3, 1))


def test_the_code_of_a_unet_with_skips_holds_its_skip_tensors() -> None:
    """2 + 4 x 8 + 8 x 4 numbers for a signal of length 8: no bottleneck."""
    made = UNet(8, channels=(4, 8), skips=True)
    assert (made.latent_dim, made.skip_sizes()) == (2 + 32 + 32, (32, 32))
    assert made.untrained(0).latent_dim == 66
    assert UNet(8, 3, channels=(4,)).bottleneck == 3


def test_sides_are_counted_on_the_way_down() -> None:
    """A side s becomes floor((s - 1)/2) + 1 under a convolution, floor(s/2) under pooling."""
    assert Convolutional(30, 2, shape=(2, 3, 5), channels=(4, 6)).shapes() == ((2, 3, 5), (4, 2, 3), (6, 1, 2))
    assert UNet(9, 2, channels=(4, 6)).shapes() == ((1, 9), (4, 4), (6, 2))


def test_weights_are_a_function_of_the_seed_alone() -> None:
    """Two draws agree, another seed differs, and torch's global generator is left alone."""
    import torch

    before = torch.random.get_rng_state()
    for made in (Undercomplete(3, 1), Tied(3, 1), Recurrent(4, 1, units=3), UNet(8, 2), Variational(3, 2)):
        prints = [made.untrained(seed).fingerprint() for seed in (1, 1, 2)]
        assert prints[0] == prints[1] != prints[2]
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_model_that_is_too_large_is_refused_before_it_is_allocated() -> None:
    """10^12 weights."""
    with pytest.raises(SpecError, match="too large"):
        Tied(3, 1, hidden=(1_000_000, 1_000_000)).untrained(0)


def test_listing_kinds_loads_no_torch(python: Callable[..., Any]) -> None:
    """The registry is plain data."""
    code = "import sys, aeverify.autoencoders.kinds as k; print(len(k.KINDS) > 10, 'torch' in sys.modules)"
    assert python("-c", code).stdout.split() == ["True", "False"]
