"""Model files: every format is recognised, none runs code unless it may, and what does not fit is said."""

from __future__ import annotations

import io
import pickle
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from aeverify.autoencoders.building import mlp
from aeverify.autoencoders.files import FileFormat, file_format, formats, open_model
from aeverify.autoencoders.kinds import kind
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.loading import save
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import Autoencoder, Continuity
from aeverify.errors import ModelFileError, UsageError

SPEC = "mlp:hidden=[8,8]"


class Planted:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def network() -> ModuleAutoencoder:
    """3 to 1 and back through 8, 8."""
    return mlp(3, 1, (8, 8), seed=7)


def weights(model: ModuleAutoencoder) -> dict[str, torch.Tensor]:
    """Its weights as one state dict in float32."""
    parts = {"encoder": model.encoder, "decoder": model.decoder}
    return {f"{p}.{k}": t.float() for p, module in parts.items() for k, t in module.state_dict().items()}


def renamed(prefix: str, mid: str = "") -> dict[str, torch.Tensor]:
    """The weights with a prefix before, and another inside the parts."""
    return {prefix + k.replace("coder.", f"coder.{mid}"): t for k, t in weights(network()).items()}


def in_order() -> dict[str, torch.Tensor]:
    """Named by the classes' own attributes, fc1, fc2, fc3."""
    names = {f"{2 * i}": f"fc{i + 1}" for i in range(3)}
    return {
        ".".join(names.get(part, part) for part in key.split(".")): tensor for key, tensor in weights(network()).items()
    }


CHECKPOINTS: dict[str, Callable[[], Any]] = {
    "state dict": lambda: weights(network()),
    "lightning": lambda: {"state_dict": renamed("model."), "epoch": 3, "hyper_parameters": {"lr": 1e-3}},
    "data parallel, compiled": lambda: {"model_state_dict": renamed("module._orig_mod."), "optimizer": {"state": {}}},
    "inside a net": lambda: renamed("autoencoder.", "net."),
    "two dicts": lambda: {
        "encoder": network().encoder.float().state_dict(),
        "decoder": network().decoder.float().state_dict(),
    },
    "names of their own": in_order,
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_weights_of_a_checkpoint_go_into_the_architecture(name: str, tmp_path: Path) -> None:
    """Whatever is wrapped around them; matched by order only where the names are others, which the note says."""
    path = tmp_path / "model.ckpt"
    torch.save(CHECKPOINTS[name](), path)
    model = open_model(path, architecture=SPEC, ambient_dim=3, latent_dim=1)
    x = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_array_equal(model.reconstruct(x), network().reconstruct(x))
    assert model.fingerprint() == network().fingerprint()
    assert (model.name, model.source) == ("model", str(path))
    assert ("matched by order" in model.note) == (name == "names of their own")


def test_a_checkpoint_of_a_model_kind_is_opened(tmp_path: Path) -> None:
    """Convolutions, with the names that the kind has."""
    spec = "convolutional:shape=[1,8,8],channels=[3]"
    original = kind(spec, ambient_dim=64, latent_dim=2).untrained(3)  # type: ignore[attr-defined]
    torch.save(weights(original), tmp_path / "m.pt")
    model = open_model(tmp_path / "m.pt", architecture=spec, ambient_dim=64, latent_dim=2)
    x = np.random.default_rng(0).normal(size=(4, 64))
    np.testing.assert_array_equal(model.reconstruct(x), original.reconstruct(x))
    assert model.continuity is Continuity.KNOWN


def wrong(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[], Any]:
    """The weights, changed."""

    def make() -> Any:
        state = weights(network())
        change(state)
        return state

    return make


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "another architecture": (
        lambda: weights(mlp(3, 1, (8, 4), seed=0)),
        r"encoder.2.weight has shape \(4, 8\), expected \(8, 8\)",
    ),
    "missing": (wrong(lambda s: s.pop("encoder.2.bias")), r"missing in the encoder: 2.bias"),
    "unexpected": (wrong(lambda s: s.update({"decoder.9.bias": torch.zeros(2)})), "unexpected in the decoder: 9.bias"),
    "no parts": (lambda: {"0.weight": torch.zeros(3, 3)}, "do not say which belong to the encoder"),
    "no dict": (lambda: torch.zeros(3), "holds a Tensor, expected a dict"),
    "no tensors": (lambda: {"a": 1}, "holds 0 tensors"),
    "not finite": (wrong(lambda s: s["encoder.0.bias"].fill_(np.nan)), "'encoder.0.bias' has entries that are"),
    "integers": (wrong(lambda s: s.update({"encoder.0.bias": torch.zeros(8, dtype=torch.int64)})), "torch.int64"),
    "complex": (wrong(lambda s: s.update({"encoder.0.bias": torch.zeros(8, dtype=torch.complex64)})), "complex64"),
    "expanded": (
        wrong(lambda s: s.update({"encoder.0.bias": torch.zeros(1).expand(2_000_000_000)})),
        "more than 100000000 numbers",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_weights_that_do_not_fit_are_named(name: str, tmp_path: Path) -> None:
    """Missing, unexpected and of another shape; nothing is loaded in part."""
    make, message = WRONG[name]
    torch.save(make(), tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=message):
        open_model(tmp_path / "m.pt", architecture=SPEC, ambient_dim=3, latent_dim=1)


def test_a_checkpoint_needs_an_architecture_that_is_known(tmp_path: Path) -> None:
    """The error says how to name one; other formats take none."""
    torch.save(weights(network()), tmp_path / "m.pt")
    with pytest.raises(UsageError, match="Name one: architecture = 'mlp:hidden"):
        open_model(tmp_path / "m.pt")
    with pytest.raises(UsageError, match="no model kind named 'resnet'"):
        open_model(tmp_path / "m.pt", architecture="resnet")
    with pytest.raises(UsageError, match="one that is trained"):
        open_model(tmp_path / "m.pt", architecture="pca", ambient_dim=3, latent_dim=1)
    save(network(), tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="holds its own architecture"):
        open_model(tmp_path / "m.safetensors", architecture=SPEC)
    with pytest.raises(UsageError, match="leave the decoder file out"):
        open_model(tmp_path / "m.safetensors", decoder=tmp_path / "m.pt")


def test_files_of_aeverify_are_opened_as_they_were_saved(tmp_path: Path) -> None:
    """Networks and PCA; the dimensions that are asked for are checked."""
    save(network(), tmp_path / "m.safetensors")
    model = open_model(tmp_path / "m.safetensors", name="mine", batch_size=3)
    assert (model.name, model.fingerprint()) == ("mine", network().fingerprint())
    with pytest.raises(ModelFileError, match="has ambient_dim 3, and 5 is needed"):
        open_model(tmp_path / "m.safetensors", ambient_dim=5)
    save(PcaAutoencoder.fit(np.eye(3), 1), tmp_path / "p.safetensors")
    assert isinstance(open_model(tmp_path / "p.safetensors"), PcaAutoencoder)
    with pytest.raises(UsageError, match="evaluated on the CPU"):
        open_model(tmp_path / "p.safetensors", device="cuda")


def archive(path: Path, *names: str, content: bytes = b"x", compress: int = zipfile.ZIP_STORED) -> Path:
    """A zip file with such entries."""
    with zipfile.ZipFile(path, "w", compress) as file:
        for name in names:
            file.writestr(name, content)
    return path


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    """Whatever the file is called."""
    torch.save({"a": torch.zeros(1)}, tmp_path / "renamed.bin")
    torch.save({"a": torch.zeros(1)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "object.dat").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(20))
    save(network(), tmp_path / "weights")
    expected = {
        tmp_path / "renamed.bin": FileFormat.TORCH,
        tmp_path / "old.pt": FileFormat.TORCH_OLD,
        tmp_path / "object.dat": FileFormat.PICKLE,
        tmp_path / "model.h5": FileFormat.HDF5,
        tmp_path / "weights": FileFormat.SAFETENSORS,
        archive(tmp_path / "k", "config.json", "metadata.json", "model.weights.h5"): FileFormat.KERAS,
        archive(tmp_path / "s.pt", "s/data.pkl", "s/code/__torch__.py", "s/constants.pkl"): FileFormat.TORCHSCRIPT,
        archive(tmp_path / "e.pt2", "e/archive_format", "e/models/model.json"): FileFormat.EXPORTED,
    }
    assert {path: file_format(path) for path in expected} == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.onnx", None, "does not exist"),
        ("empty.onnx", b"", "is empty"),
        ("text.xyz", b"hello", "of no format that is known"),
        ("text.pt", b"hello", "is no PyTorch file"),
        ("broken.pt", b"PK\x03\x04garbage", "truncated or damaged"),
        ("m.keras", b"anything", r"model.onnx', format='onnx'"),
        ("m.h5", b"anything", r"Export it to ONNX"),
        ("m.safetensors", b"anything", "not a whole safetensors file"),
        ("m.safetensors", (2**62).to_bytes(8, "little") + b"{}", "not a whole safetensors file"),
        ("m.onnx", b"\xff" * 50, "not a whole ONNX model"),
    ],
)
def test_what_is_no_model_is_refused(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    """Missing, empty, unknown, garbled: one sentence each."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        open_model(tmp_path / name, architecture=None)


def test_folders_and_other_archives_are_refused(tmp_path: Path) -> None:
    """A SavedModel with the export command."""
    with pytest.raises(ModelFileError, match="is a folder"):
        open_model(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ModelFileError, match="SavedModel"):
        open_model(tmp_path)
    with pytest.raises(ModelFileError, match="of no model format that is known; it holds a"):
        open_model(archive(tmp_path / "z.pt", "a.txt"))


def test_zip_bombs_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the sizes that the directory declares; torch's archives are not compressed at all."""
    bomb = archive(tmp_path / "b.pt", "b/data.pkl", content=bytes(2**27), compress=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 2**20
    with pytest.raises(ModelFileError, match="zip bomb"):
        open_model(bomb, architecture=SPEC)
    packed = archive(tmp_path / "p.pt", "p/data.pkl", content=bytes(1000), compress=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="compressed entries"):
        open_model(packed, architecture=SPEC)
    monkeypatch.setattr(formats, "MAX_BYTES", 100)
    with pytest.raises(ModelFileError, match="at most 100"):
        open_model(packed, architecture=SPEC)


def test_a_checkpoint_of_the_old_format_is_to_be_saved_again(tmp_path: Path) -> None:
    """Its sizes cannot be checked before it is read."""
    torch.save(weights(network()), tmp_path / "m.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(ModelFileError, match=r"torch.save\(torch.load\(path, weights_only=True\)"):
        open_model(tmp_path / "m.pt", architecture=SPEC)


def test_broken_checkpoints_are_refused(tmp_path: Path) -> None:
    """Every truncation, and changed bytes: our own error, or the same weights."""
    buffer = io.BytesIO()
    torch.save(weights(network()), buffer)
    whole, path = buffer.getvalue(), tmp_path / "m.pt"
    rng = np.random.default_rng(0)
    for i in range(60):
        data = bytearray(whole[: 1 + i * len(whole) // 31] if i < 30 else whole)
        if i >= 30:
            data[rng.integers(0, len(data))] ^= 255
        path.write_bytes(data)
        try:
            model = open_model(path, architecture=SPEC, ambient_dim=3, latent_dim=1)
        except (ModelFileError, UsageError):
            continue
        assert i >= 30 and model.ambient_dim == 3


def test_pickled_objects_run_nothing_without_trust(tmp_path: Path) -> None:
    """In a checkpoint and as a bare pickle: the error names --trust-model and why; no planted file."""
    planted = tmp_path / "planted"
    torch.save({"state_dict": Planted(planted)}, tmp_path / "m.ckpt")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Planted(planted)))
    with pytest.raises(ModelFileError, match=r"runs code of the file.*--trust-model"):
        open_model(tmp_path / "m.ckpt", architecture=SPEC)
    with pytest.raises(ModelFileError, match=r"unpickling runs whatever the file says.*--trust-model"):
        open_model(tmp_path / "m.pkl")
    assert not planted.exists()
    with pytest.raises(UsageError, match="expected an autoencoder"):
        open_model(tmp_path / "m.pkl", trust=True)
    assert planted.exists()


@pytest.mark.filterwarnings("ignore")  # torch deprecates one of the two, and parts of its own code in the other
def test_torchscript_and_exported_programs_need_trust(tmp_path: Path) -> None:
    """With it they are opened, two files for encoder and decoder, and evaluated as the modules that they hold."""
    encoder, decoder = nn.Sequential(nn.Linear(3, 1), nn.Tanh()).double(), nn.Sequential(nn.Linear(1, 3)).double()
    expected = ModuleAutoencoder(encoder, decoder)
    x = np.random.default_rng(0).normal(size=(5, 3))
    for ending, write in (
        ("script.pt", lambda m, p, n: torch.jit.script(m).save(str(p))),
        (
            "pt2",
            lambda m, p, n: torch.export.save(
                torch.export.export(
                    m,
                    (torch.zeros(2, n, dtype=torch.float64),),
                    dynamic_shapes=({0: torch.export.Dim("b", min=1, max=10_000)},),
                ),
                p,
            ),
        ),
    ):
        paths = [tmp_path / f"{part}.{ending}" for part in ("encoder", "decoder")]
        for module, path, n in zip((encoder, decoder), paths, (3, 1), strict=True):
            write(module, path, n)
        with pytest.raises(ModelFileError, match="--trust-model"):
            open_model(paths[0], decoder=paths[1])
        model = open_model(paths[0], decoder=paths[1], trust=True, ambient_dim=3, latent_dim=1)
        np.testing.assert_allclose(model.reconstruct(x), expected.reconstruct(x), rtol=1e-12)
        assert "by running its code" in model.note


def test_a_whole_module_in_a_checkpoint_needs_trust(tmp_path: Path) -> None:
    """torch.save(model) pickles its class."""
    module = nn.Sequential(nn.Linear(3, 1))
    module.encoder, module.decoder = nn.Linear(3, 1), nn.Linear(1, 3)  # type: ignore[assignment]
    torch.save(module, tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=r"torch.nn.modules.container.Sequential.*--trust-model"):
        open_model(tmp_path / "m.pt", architecture=SPEC)
    model = open_model(tmp_path / "m.pt", trust=True)
    assert (model.ambient_dim, model.latent_dim, model.name) == (3, 1, "m")


def test_a_factory_needs_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`module:factory` imports from the current folder, and calls it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted_factory.py").write_text(
        textwrap.dedent(
            """
            from torch import nn

            pair = (nn.Linear(3, 1), nn.Linear(1, 3))

            def build():
                return pair

            def broken():
                raise RuntimeError("no weights")

            number = 3
            """
        )
    )
    with pytest.raises(ModelFileError, match=r"importing it runs its module.*--trust-model"):
        open_model("planted_factory:build")
    assert "planted_factory" not in sys.modules
    model = open_model("planted_factory:build", trust=True)
    assert isinstance(model, Autoencoder)
    assert (model.name, model.latent_dim) == ("planted_factory:build", 1)
    assert open_model("planted_factory:pair", trust=True).fingerprint() == model.fingerprint()
    for text, message in (
        ("planted_factory:nothing", "cannot be found"),
        ("no_such_module_here:build", "cannot be found"),
        ("planted_factory:number", "holds a int, expected an autoencoder"),
    ):
        with pytest.raises(UsageError, match=message):
            open_model(text, trust=True)
    with pytest.raises(ModelFileError, match="raised RuntimeError: no weights"):
        open_model("planted_factory:broken", trust=True)
    sys.modules.pop("planted_factory")


def test_devices_that_are_not_there_are_named(tmp_path: Path) -> None:
    """Before anything is evaluated."""
    save(network(), tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="'cuda:99' was asked for"):
        open_model(tmp_path / "m.safetensors", device="cuda:99")
    with pytest.raises(UsageError, match="must be 'cpu', 'cuda'"):
        open_model(tmp_path / "m.safetensors", device="tpu")
    with pytest.raises(UsageError, match="batch_size"):
        open_model(tmp_path / "m.safetensors", batch_size=0)
