"""Changes to the weights of examples/pytorch, and to the network around them."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tests.regressions.running import EXAMPLES

ARCHITECTURE = "convolutional:shape=[1,8,8],activation=silu"
State = dict[str, Any]
Build = Callable[[Path], list[str]]

# places in the state dict
FIRST, SECOND, CODE = "encoder.1", "encoder.3", "encoder.6"
FROM_CODE, BACK, LAST = "decoder.0", "decoder.3", "decoder.5"


def weights() -> State:
    """The weights of the example."""
    found: State = torch.load(EXAMPLES / "pytorch" / "model.pt", weights_only=True)
    return found


def network() -> nn.ModuleDict:
    """The network of the example, built by its own script."""
    spec = importlib.util.spec_from_file_location("examples_pytorch_train", EXAMPLES / "pytorch" / "train.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    model: nn.ModuleDict = script.autoencoder()
    model.load_state_dict(weights())
    return model.eval()


def _saved(state: State, folder: Path, architecture: str = ARCHITECTURE) -> list[str]:
    torch.save(state, folder / "model.pt")
    return ["model.pt", "--architecture", architecture]


def _whole(model: nn.ModuleDict, folder: Path) -> list[str]:
    torch.save(model, folder / "model.pt")
    return ["model.pt", "--trust-model"]


def with_weights(change: Callable[[State], object]) -> Build:
    """A state dict in which something was changed in place."""

    def build(folder: Path) -> list[str]:
        state = weights()
        change(state)
        return _saved(state, folder)

    return build


def _inserted(folder: Path, part: str, place: int, layers: Callable[[], list[nn.Module]]) -> list[str]:
    model = network()
    stack = list(model[part])
    place = place if place >= 0 else len(stack) + 1 + place
    model[part] = nn.Sequential(*stack[:place], *layers(), *stack[place:])
    return _whole(model.eval(), folder)


def with_layers(part: str, place: int, layers: Callable[[], list[nn.Module]]) -> Build:
    """The whole network as a pickle, with layers put into a part before one of its layers (-1: at the end)."""
    return partial(_inserted, part=part, place=place, layers=layers)


def perturbed(state: State, scale: float) -> None:
    """Every weight times 1 + scale x normal noise."""
    generator = torch.Generator().manual_seed(0)
    for tensor in state.values():
        tensor *= 1 + scale * torch.randn(tensor.shape, generator=generator)


def quantised(state: State, bits: int) -> None:
    """Every tensor on a grid of 2^bits - 1 values between its largest magnitude and minus that."""
    for tensor in state.values():
        step = tensor.abs().max() / (2 ** (bits - 1) - 1)
        tensor.copy_((tensor / step).round() * step)


def axes_exchanged(state: State, parts: tuple[str, ...]) -> None:
    """The two code numbers change places in the encoder's last layer, the decoder's first, or both."""
    if "encoder" in parts:
        for key in ("weight", "bias"):
            state[f"{CODE}.{key}"] = state[f"{CODE}.{key}"].flip(0)
    if "decoder" in parts:
        state[f"{FROM_CODE}.weight"] = state[f"{FROM_CODE}.weight"].flip(1)


def channels_permuted(state: State) -> None:
    """The hidden channels of encoder and decoder in another order, with the weights on both sides of them."""
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    for key, axis in ((f"{FIRST}.weight", 0), (f"{FIRST}.bias", 0), (f"{SECOND}.weight", 1)):
        state[key] = state[key].index_select(axis, order)
    for key, axis in ((f"{BACK}.weight", 1), (f"{BACK}.bias", 0), (f"{LAST}.weight", 0)):
        state[key] = state[key].index_select(axis, order)


def filled(state: State, key: str, value: float, row: int | None = None) -> None:
    """A tensor, or one row of it, set to a number."""
    tensor = state[key] if row is None else state[key][row]
    tensor.fill_(value)


def shifted(state: State) -> None:
    """The last bias too large."""
    state[f"{LAST}.bias"] += 0.02


def in_double(state: State) -> None:
    """Every weight as float64."""
    state.update({key: tensor.double() for key, tensor in state.items()})


def three_codes(folder: Path) -> list[str]:
    """Weights of a network whose code has three numbers."""
    state = weights()
    state[f"{CODE}.weight"], state[f"{CODE}.bias"] = torch.ones(3, 64), torch.zeros(3)
    state[f"{FROM_CODE}.weight"] = torch.ones(64, 3)
    return _saved(state, folder)


def truncated(folder: Path) -> list[str]:
    """The first half of the file."""
    arguments = _saved(weights(), folder)
    whole = (folder / "model.pt").read_bytes()
    (folder / "model.pt").write_bytes(whole[: len(whole) // 2])
    return arguments


def unchanged(folder: Path, name: str = "model.pt", options: tuple[str, ...] = ()) -> list[str]:
    """The same weights, loaded and saved again."""
    _saved(weights(), folder)
    (folder / "model.pt").rename(folder / name)
    return [name, "--architecture", ARCHITECTURE, *options]


def prefixed(folder: Path) -> list[str]:
    """The same weights as a Lightning-like checkpoint of a compiled, data-parallel model."""
    state = {f"_orig_mod.module.{key}": tensor for key, tensor in weights().items()}
    return _saved({"epoch": 7, "state_dict": state}, folder)


def safetensors(folder: Path) -> list[str]:
    """The same weights in the format of aeverify."""
    from aeverify.autoencoders.files import open_model
    from aeverify.autoencoders.loading import save

    source = EXAMPLES / "pytorch" / "model.pt"
    save(open_model(source, architecture=ARCHITECTURE, ambient_dim=64, latent_dim=2), folder / "model.safetensors")
    return ["model.safetensors"]


def exported(folder: Path) -> list[str]:
    """Both parts as ONNX files."""
    model = network()
    for part, width in (("encoder", 64), ("decoder", 2)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model[part],
                (torch.zeros(2, width),),
                folder / f"{part}.onnx",
                dynamo=False,
                input_names=["x"],
                dynamic_axes={"x": {0: "rows"}},
            )
    return ["encoder.onnx", "--decoder", "decoder.onnx"]


def _first_channels() -> tuple[Tensor, Tensor]:
    """Mean and variance of the first convolution's channels on pictures of K."""
    from aeverify.manifolds import manifold

    pictures = torch.tensor(manifold("rotating_bar:pixels=8,width=0.3").sample(500, 1).points, dtype=torch.float32)
    with torch.no_grad():
        values = network()["encoder"][:2](pictures)
    return values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)


def batch_norm(tracked: bool) -> list[nn.Module]:
    """A batch norm that changes nothing when it uses the statistics of K.

    With y = (x - mean)/sqrt(var + eps) * weight + bias, weight = sqrt(var + eps) and bias = mean give y = x where mean
    and var are stored; where those of each batch are used, a row depends on the rows beside it.
    """
    mean, var = _first_channels()
    layer = nn.BatchNorm2d(len(mean), track_running_stats=tracked)
    if tracked:
        layer.running_mean, layer.running_var = mean, var
    with torch.no_grad():
        layer.weight.copy_((var + layer.eps).sqrt())
        layer.bias.copy_(mean)
    return [layer]


def folded_apart(folder: Path) -> list[str]:
    """The first convolution taken apart into a convolution without bias and a batch norm that holds the rest."""
    model = network()
    stack = list(model["encoder"])
    old = stack[1]
    assert isinstance(old, nn.Conv2d) and old.bias is not None
    scale = 1 + torch.arange(8) / 8
    new = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)
    norm = nn.BatchNorm2d(8)
    with torch.no_grad():
        new.weight.copy_(old.weight / scale[:, None, None, None])
        assert norm.running_var is not None
        norm.weight.copy_(scale * (norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(old.bias)
    model["encoder"] = nn.Sequential(stack[0], new, norm, *stack[2:])
    return _whole(model.eval(), folder)


def normalisation() -> list[nn.Module]:
    """x -> (x - 0.5) / 0.5 on every pixel, which the weights were not trained with."""
    layer = nn.Linear(64, 64)
    with torch.no_grad():
        layer.weight.copy_(2 * torch.eye(64))
        layer.bias.fill_(-1.0)
    return [layer]


def one_pixel() -> list[nn.Module]:
    """Every row of the picture moved one pixel to the right; its last pixel is lost, its first is dark."""
    return [nn.Unflatten(1, (1, 8, 8)), nn.ZeroPad2d((1, -1, 0, 0)), nn.Flatten()]


def harmless_layers() -> list[nn.Module]:
    """Layers that do nothing outside training."""
    return [nn.Identity(), nn.Dropout(0.3), nn.Dropout2d(0.3)]
