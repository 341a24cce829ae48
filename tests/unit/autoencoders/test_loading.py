from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from aeverify.autoencoders.building import from_architecture, spiral_network
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.loading import SCHEMA, load, save, training_record
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.errors import ModelFileError, UsageError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The spiral's network in a file."""
    return save(spiral_network(1), tmp_path / "model.safetensors", {"recipe": {"name": "none"}})


def rewrite(path: Path, metadata: dict[str, str] | None = None, **tensors: torch.Tensor) -> Path:
    """The file with other metadata or other tensors."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        old = dict(file.metadata())
    save_file({**load_file(path), **tensors}, path, {**old, **(metadata or {})})
    return path


@pytest.mark.parametrize(
    "activation", ["relu", "leaky_relu", "elu", "silu", "gelu", "softplus", "tanh", "sigmoid", "sin", "cos"]
)
def test_a_network_comes_back_as_it_was(tmp_path: Path, activation: str) -> None:
    """Values, name, fingerprint and stored type; the source is the path."""
    ae = from_architecture(f"mlp:ambient_dim=3,latent_dim=2,hidden=[5,4],activation={activation}", 0, name="mine")
    path = save(ae, tmp_path / "model.safetensors")
    again = load(path)
    x = np.random.default_rng(0).normal(size=(9, 3))
    assert isinstance(again, ModuleAutoencoder)
    assert np.array_equal(ae.reconstruct(x), again.reconstruct(x))
    assert (again.name, again.fingerprint(), again.source) == ("mine", ae.fingerprint(), str(path))
    assert again.stored_dtype == torch.float32
    assert again.continuity == ae.continuity


def test_float64_and_missing_biases_come_back(tmp_path: Path) -> None:
    """A stack of the user's own, with nested containers."""
    encoder = nn.Sequential(nn.Sequential(nn.Linear(3, 4, bias=False), nn.LeakyReLU(0.3)), nn.Linear(4, 1)).double()
    ae = ModuleAutoencoder(encoder, nn.Linear(1, 3).double())
    again = load(save(ae, tmp_path / "model.safetensors"))
    x = np.random.default_rng(0).normal(size=(9, 3))
    assert np.array_equal(ae.reconstruct(x), again.reconstruct(x))
    assert again.fingerprint() == ae.fingerprint()


def test_pca_comes_back(tmp_path: Path) -> None:
    """Mean and directions, bit for bit."""
    ae = PcaAutoencoder.fit(np.random.default_rng(0).normal(size=(20, 3)), 2)
    again = load(save(ae, tmp_path / "pca.safetensors"))
    assert isinstance(again, PcaAutoencoder)
    assert again.fingerprint() == ae.fingerprint()
    assert again.affine_decoder


def test_the_training_record_comes_back(saved: Path) -> None:
    """Any JSON object, beside the weights."""
    assert training_record(saved) == {"recipe": {"name": "none"}}


def test_saving_replaces_a_file_whole_and_leaves_nothing_else(saved: Path) -> None:
    """No temporary file stays behind."""
    save(spiral_network(2), saved)
    assert load(saved).fingerprint() == spiral_network(2).fingerprint()
    assert [p.name for p in saved.parent.iterdir()] == ["model.safetensors"]


def test_what_has_no_file_form_is_refused(tmp_path: Path) -> None:
    """Oracles, layers outside the list, half precision; and a record that is not JSON."""
    target = tmp_path / "model.safetensors"
    models = [
        oracle("cut"),
        ModuleAutoencoder(nn.Sequential(nn.Linear(3, 1), nn.LayerNorm(1)), nn.Linear(1, 3), latent_dim=1),
        ModuleAutoencoder(nn.Linear(3, 1).half(), nn.Linear(1, 3).half()),
    ]
    for model in models:
        with pytest.raises(UsageError, match="cannot be saved"):
            save(model, target)
    with pytest.raises(UsageError, match="not JSON"):
        save(spiral_network(0), target, {"loss": float("nan")})
    assert not target.exists()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the path in the message."""
    with pytest.raises(UsageError, match="No such file"):
        save(spiral_network(0), tmp_path / "missing" / "model.safetensors")


def test_a_target_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    """And nothing is left in the folder around it."""
    (tmp_path / "model").mkdir()
    with pytest.raises(UsageError, match="Cannot write"):
        save(spiral_network(0), tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """Both with their path."""
    with pytest.raises(ModelFileError, match="does not exist"):
        load(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelFileError, match="is a folder"):
        load(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(saved: Path, kept: int) -> None:
    """Wherever it is cut off."""
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(ModelFileError, match="not a whole safetensors file"):
        load(saved)


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    """Whatever they look like, among them a header length of 2^63 and a pickle."""
    rng = np.random.default_rng(0)
    path = tmp_path / "model.safetensors"
    contents = [rng.bytes(5000) for _ in range(20)]
    contents += [b"\xff" * 100, (2**63).to_bytes(8, "little") + b"{}", b"\x80\x04\x95" + b"x" * 90]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            load(path)


def test_every_flipped_byte_of_the_weights_is_found(saved: Path) -> None:
    """The fingerprint covers all weights."""
    whole = saved.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for offset in range(start, len(whole), 97):
        damaged = bytearray(whole)
        damaged[offset] ^= 0x10
        saved.write_bytes(bytes(damaged))
        with pytest.raises(ModelFileError):
            load(saved)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """A safetensors file without our description."""
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="without the description"):
        load(path)


STACK = {"schema": SCHEMA, "kind": "stack", "encoder": [["linear", 2, 1, True]], "decoder": [["linear", 1, 2, True]]}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("not json", "without the description"),
        ("[]", "without the description"),
        ("[" * 100_000, "without the description"),
        (json.dumps({"kind": "stack"}), "without the description"),
        (json.dumps({**STACK, "schema": "aeverify-model/2"}), "schema 'aeverify-model/2'"),
        (json.dumps({**STACK, "kind": "forest"}), "unknown kind"),
        (json.dumps({**STACK, "encoder": None}), "not a list"),
        (json.dumps({**STACK, "encoder": []}), "not a list"),
        (json.dumps({**STACK, "encoder": [["relu", 0.0]] * 2000}), "not a list"),
        (json.dumps({**STACK, "encoder": [["eval", "1+1"]]}), "not known"),
        (json.dumps({**STACK, "encoder": [["linear", -2, 1, True]]}), "not known"),
        (json.dumps({**STACK, "encoder": [["linear", 2, 1.5, True]]}), "not known"),
        (json.dumps({**STACK, "encoder": [["elu", "a"]]}), "not known"),
        (json.dumps({**STACK, "encoder": [["linear", 10**9, 10**9, True]]}), "more than"),
        (json.dumps(STACK), "has shape"),
        (json.dumps({"schema": SCHEMA, "kind": "pca", "ambient_dim": 2, "latent_dim": 1}), "is missing"),
    ],
)
def test_wrong_metadata_are_refused(saved: Path, description: str, message: str) -> None:
    """Each with what is wrong; nothing large is allocated."""
    with pytest.raises(ModelFileError, match=message):
        load(rewrite(saved, {"aeverify": description}))


def test_weights_that_do_not_fit_are_refused(saved: Path) -> None:
    """Extra tensors, other types, NaN."""
    whole = saved.read_bytes()
    for tensors, message in (
        ({"encoder.9.weight": torch.zeros(1)}, "belongs to no layer"),
        ({"encoder.0.bias": torch.zeros(10, dtype=torch.int64)}, "type torch.int64"),
        ({"encoder.0.bias": torch.full((10,), torch.nan)}, "NaN or infinite"),
        ({"encoder.0.bias": torch.zeros(9)}, "has shape"),
        ({"encoder.0.bias": torch.ones(10)}, "was changed or damaged"),
    ):
        saved.write_bytes(whole)
        with pytest.raises(ModelFileError, match=message):
            load(rewrite(saved, **tensors))


def test_an_unreadable_training_record_is_refused(saved: Path) -> None:
    """It must be a JSON object."""
    with pytest.raises(ModelFileError, match="not JSON"):
        training_record(rewrite(saved, {"training": "{"}))
    with pytest.raises(ModelFileError, match="not a JSON object"):
        training_record(rewrite(saved, {"training": "[1]"}))
