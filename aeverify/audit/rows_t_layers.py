"""Rows of source 003 on networks: parameters, sparse codes, and what convolutions and upsampling do.

Values are small integers in float64, so that equalities of layers are exact and not up to rounding.
"""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING

import numpy as np

from aeverify import measure
from aeverify.audit.context import AuditContext
from aeverify.audit.findings import AuditReason, Figure, Finding
from aeverify.audit.outcomes import exactly, observed
from aeverify.audit.rows import row
from aeverify.autoencoders.building import spiral_network
from aeverify.autoencoders.kinds import kind
from aeverify.autoencoders.networks import ModuleAutoencoder
from aeverify.autoencoders.protocol import FloatArray
from aeverify.core.interval import Interval
from aeverify.manifolds import manifold

if TYPE_CHECKING:
    from torch import Tensor, nn


@row("T-3", "A penalty on the codes makes them sparse only where the decoder cannot undo a scaling.")
def sparse_codes(context: AuditContext) -> Finding:
    """The share of codes at zero over weights of the penalty; and the scaling that beats any weight.

    With a code c E and a decoder D(z / c) the reconstruction is the same and the penalty c times as large, so that
    the infimum of the penalised loss is that of the loss without penalty, at codes as dense as one likes.
    """
    space = manifold(context.text("set"))
    weights = [float(w) for w in context.listed("weights")]
    m = context.count("latent_dim")
    figures: dict[str, Figure] = {}
    shares, last = [], None
    for weight in weights:
        (model,) = context.trained(
            f"sparse:hidden=[32],weight={weight}",
            space,
            "quick",
            latent_dim=m,
            points=200,
            epochs=context.either(100, 300),
        )
        share = measure.sparse_share(
            model,
            space,
            1e-3,
            seed=context.seed.child("row", "T-3", str(weight)),
            draws=context.effort.draws,
            alpha=context.alpha / len(weights),
        )
        figures[f"share of codes at zero, weight {weight:g}"] = share.interval
        shares.append(share)
        last = model
    assert isinstance(last, ModuleAutoencoder)
    same, penalty = _scaled(last, space.sample(200, context.seed.child("row", "T-3", "scaled")).points)
    figures["penalty after scaling, as a share"] = penalty
    evidence = (
        exactly(
            "largest_difference", same, "Reconstructions before and after halving all codes; powers of 2 are exact."
        ),
        *shares,
    )
    if same != 0.0 or penalty != 0.5:
        return Finding(AuditReason.REFUTED, "Scaling the codes changed the model.", evidence, figures)
    if not shares[-1].lower > shares[0].upper:
        return Finding(AuditReason.UNDECIDED, "The share of zeros did not rise with the weight.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        f"Trained for as long as here, {shares[-1].lower:.3g} or more of the codes are at zero for the largest weight, "
        f"at most {shares[0].upper:.3g} for the smallest. The penalty itself does not ask for it: halving all codes "
        "and doubling the decoder's first weights halves it and changes no reconstruction and no zero. Nothing in it "
        "looks at features: it acts on codes alone.",
        evidence,
        figures,
        premise="The decoder's weights are bounded, by weight decay or by a training that ends.",
        proof="E -> cE, D -> D(. / c) keeps D(E(x)) and multiplies the penalty by c, for every c > 0.",
        commands=("aeverify list kinds",),
    )


def _scaled(model: ModuleAutoencoder, points: FloatArray) -> tuple[float, float]:
    """Largest change of a reconstruction, and ratio of the mean absolute codes, with the last layer of the encoder
    halved and the first weights of the decoder doubled; ReLU commutes with the factor, and powers of 2 are exact."""
    import torch

    encoder, decoder = copy.deepcopy(model.encoder), copy.deepcopy(model.decoder)
    with torch.no_grad():
        for parameter in _dense(encoder)[-1].parameters():
            parameter.mul_(0.5)
        _dense(decoder)[0].weight.mul_(2.0)
    other = ModuleAutoencoder(encoder, decoder, ambient_dim=model.ambient_dim, latent_dim=model.latent_dim)
    codes, halved = model.encode(points), other.encode(points)
    change = np.abs(model.reconstruct(points) - other.reconstruct(points)).max()
    return float(change), float(np.abs(halved).sum() / np.abs(codes).sum())


@row("T-7", "The printed numbers of parameters, counted in the built network.")
def parameters(context: AuditContext) -> Finding:
    """A dense layer from p to q units has p q weights and q biases."""
    model = spiral_network()
    counted = {
        "encoder": [sum(p.numel() for p in layer.parameters()) for layer in _dense(model.encoder)],
        "decoder": [sum(p.numel() for p in layer.parameters()) for layer in _dense(model.decoder)],
    }
    printed = {name: [int(v) for v in context.parameter(name)] for name in counted}
    totals = {name: sum(values) for name, values in counted.items()}
    totals["autoencoder"] = sum(totals.values())
    wanted = {name: int(value) for name, value in context.table("totals").items()}
    right = counted == printed and totals == wanted
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"Layers of {counted['encoder']} and {counted['decoder']} parameters, {totals['autoencoder']} in all.",
        tuple(exactly(f"parameters_{name}", value, "Counted in the torch modules.") for name, value in totals.items()),
        {f"parameters of the {name}": value for name, value in totals.items()},
    )


@row("T-8", "One graph: training the joint model changes encoder and decoder. And how alike the two maps are.")
def one_graph(context: AuditContext) -> Finding:
    """One gradient step of the joint loss on modules that are used by themselves, too."""
    import torch
    from torch import nn

    shape = spiral_network(context.seed.child("row", "T-8"))
    encoder, decoder = shape.encoder, shape.decoder
    joint = nn.Sequential(encoder, decoder)
    own = {id(p) for part in (encoder, decoder) for p in part.parameters()}
    shared = own == {id(p) for p in joint.parameters()}
    rows = torch.tensor(context.sample("spiral", "paper").points).to(next(joint.parameters()).dtype)
    before = encoder(rows).detach().clone()
    parameters = [p.requires_grad_(True) for p in joint.parameters()]
    with torch.enable_grad():
        gradients = torch.autograd.grad((joint(rows) - rows).square().mean(), parameters)
    with torch.no_grad():
        for p, g in zip(parameters, gradients, strict=True):
            p -= 0.01 * g
        moved = float((encoder(rows) - before).abs().max())
    counts = [sum(p.numel() for p in part.parameters()) for part in (encoder, decoder)]
    chart = manifold("spiral").chart
    speeds = np.linalg.norm(chart.jacobian(np.linspace(0.0, 1.0, 101)[:, None])[:, :, 0], axis=1)
    figures: dict[str, Figure] = {
        "parameters": f"{counts[0]} and {counts[1]}",
        "codes moved by one joint step, by at most": moved,
        "stretch of a perfect encoder": 1.0,
        "stretch of its decoder": f"{speeds.min():.3g} to {speeds.max():.3g}",
    }
    evidence = (
        exactly("shared_parameters", float(len(own)) if shared else 0.0, "Objects of parameters, by identity."),
        observed("stretch_of_the_decoder", Interval.at_least(float(speeds.max())), "|gamma'| at 101 parameters."),
    )
    if not shared or not moved > 0:
        return Finding(AuditReason.REFUTED, "The joint model has parameters of its own.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        "The three models share their parameter objects, and a step of the joint model moves the encoder's codes. The "
        "numbers of parameters are comparable. That the inverse of a map is as complex as the map does not follow: the "
        f"perfect encoder |x| - 1 stretches by 1 at most, its decoder by up to {speeds.max():.3g}.",
        evidence,
        figures,
        premise="Complexity is the number of parameters.",
    )


@row("T-19", "Both ways of upsampling lead back to the shape of the image.")
def convolutional(context: AuditContext) -> Finding:
    """Built for the printed options and several shapes, odd sides included; shapes are integers."""
    built = 0
    for up in context.listed("options"):
        for shape in context.listed("shapes"):
            n = int(np.prod(shape))
            model = kind(f"convolutional:shape={shape},up={up}".replace(" ", ""), ambient_dim=n, latent_dim=2)
            out = model.untrained(context.seed.child("row", "T-19")).reconstruct(np.zeros((3, n)))  # type: ignore[attr-defined]
            if out.shape != (3, n):
                evidence = (exactly("columns", out.shape[1], f"{up} on {shape}"),)
                return Finding(AuditReason.REFUTED, f"{up} returns {out.shape} for {shape}.", evidence)
            built += 1
    return Finding(
        AuditReason.SUPPORTED,
        f"{built} convolutional models with upsampling or transposed convolutions give back the shape of their input. "
        "That convolutional networks do better on images is not tested here.",
        (exactly("models_built", built, "Shapes of outputs, compared with those of the inputs."),),
        {"models built": built},
    )


@row("T-20", "A transposed convolution restores shapes, up to the rows that a stride drops, and not values.")
def transposed(context: AuditContext) -> Finding:
    """<conv x, y> = <x, conv^T y> and conv^T(conv x) != x. With stride s the lengths s q + 1, ..., s q + s of the input
    have one length of the output, so that the shape alone does not say which to restore."""
    import torch

    rng = context.rng("layers")
    figures: dict[str, Figure] = {}
    adjoint, changed, lost = 0.0, True, []
    for stride, side in itertools.product((1, 2), (7, 8)):
        conv, back = _pair(stride)
        x = torch.tensor(rng.integers(-4, 5, (2, 2, side, side)).astype(np.float64))
        _fill(rng, conv, back)
        y = conv(x)
        other = torch.tensor(rng.integers(-4, 5, tuple(y.shape)).astype(np.float64))
        back_side = back(y).shape[-1]
        figures[f"stride {stride}, side {side}: restored"] = int(back_side)
        if back_side != side:
            lost.append((stride, side))
            continue
        adjoint = max(adjoint, abs(float((y * other).sum() - (x * back(other)).sum())))
        changed = changed and bool((back(y) != x).any())
    evidence = (
        exactly("adjoint_difference", adjoint, "<conv x, y> - <x, conv^T y> over integer tensors."),
        exactly("shapes_lost", len(lost), "Sides that come back changed, of four cases."),
    )
    if adjoint != 0.0 or not changed:
        return Finding(AuditReason.REFUTED, "The transposed convolution is no adjoint, or is the inverse.", evidence)
    if not lost:
        return Finding(AuditReason.SUPPORTED, "Shapes come back, values do not.", evidence, figures)
    return Finding(
        AuditReason.LOOSE,
        "It is the adjoint: inner products agree exactly, and values do not come back. With a stride above 1 shapes do "
        f"not all come back either: {', '.join(f'side {n} at stride {s}' for s, n in lost)} is shortened, since two "
        "lengths of the input have one length of the output.",
        evidence,
        figures,
        premise="The stride is 1 or divides the side less one, or the rows that the stride drops are padded on output.",
    )


def _pair(stride: int) -> tuple[nn.Conv2d, nn.ConvTranspose2d]:
    from torch import nn

    conv = nn.Conv2d(2, 3, 3, stride, 1, bias=False).double().requires_grad_(False)
    return conv, nn.ConvTranspose2d(3, 2, 3, stride, 1, bias=False).double().requires_grad_(False)


def _fill(rng: np.random.Generator, conv: nn.Conv2d, back: nn.ConvTranspose2d) -> None:
    import torch

    kernel = torch.tensor(rng.integers(-3, 4, tuple(conv.weight.shape)).astype(np.float64))
    conv.weight.copy_(kernel)
    back.weight.copy_(kernel)


@row("T-21", "A transposed convolution is a convolution of the padded input; the stride moves to the output.")
def as_convolution(context: AuditContext) -> Finding:
    """conv^T with kernel w (width k, stride s) spreads each input over k outputs, s apart. That is the convolution
    with w reversed (and channels exchanged) of the input with s - 1 zeros between its entries and k - 1 on each side.
    """
    import torch
    from torch.nn import functional

    rng = context.rng("layers")
    worst = plain = 0.0
    for stride, k, n in itertools.product((1, 2, 3), (2, 3), (4, 5)):
        x = torch.tensor(rng.integers(-4, 5, (2, 3, n)).astype(np.float64))
        w = torch.tensor(rng.integers(-3, 4, (3, 2, k)).astype(np.float64))
        direct = functional.conv_transpose1d(x, w, stride=stride)
        spread = torch.zeros(2, 3, (n - 1) * stride + 1, dtype=torch.float64)
        spread[:, :, ::stride] = x
        reversed_kernel = w.flip(-1).transpose(0, 1)
        worst = max(worst, _apart(direct, functional.conv1d(spread, reversed_kernel, padding=k - 1)))
        if stride == 1:
            plain = max(plain, _apart(direct, functional.conv1d(x, w.transpose(0, 1).contiguous(), padding=k - 1)))
    evidence = (
        exactly("largest_difference", worst, "Integer tensors, strides 1 to 3, both sides computed by torch."),
        exactly("difference_without_reversal", plain, "The same kernel without reversing it."),
    )
    if worst != 0.0:
        return Finding(AuditReason.REFUTED, f"The two differ by {worst:g}.", evidence)
    return Finding(
        AuditReason.SUPPORTED,
        "Both agree exactly at stride 1, 2 and 3: zeros on both sides, between the entries for a larger stride, and "
        f"the kernel reversed (without reversing it they differ by up to {plain:g}).",
        evidence,
        {"largest difference": worst, "without reversing the kernel": plain},
    )


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max()) if a.shape == b.shape else float("inf")


@row("T-22", "Duplicating pixels, and pooling them again.")
def upsampling(context: AuditContext) -> Finding:
    """Pooling undoes duplication; duplication after pooling is idempotent and not the identity."""
    import torch
    from torch import nn

    up, pool = nn.Upsample(scale_factor=2, mode="nearest"), nn.AvgPool2d(2)
    image = torch.tensor(context.rng("image").integers(0, 256, (1, 1, 8, 8)).astype(np.float64))
    expected = image.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    duplicated, undone = _apart(up(image), expected), _apart(pool(up(image)), image)
    once = up(pool(image))
    again, lost = _apart(up(pool(once)), once), _apart(once, image)
    evidence = (
        exactly("duplication", duplicated, "Upsampled pixels less duplicated ones."),
        exactly("pooling_of_upsampling", undone, "pool(up(x)) - x."),
        exactly("idempotence", again, "up(pool(.)) applied twice less once."),
    )
    right = duplicated == undone == again == 0.0 and lost > 0
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        "Upsampling duplicates each pixel exactly, pooling undoes it, and pooling first loses what differs in a block.",
        evidence,
        {"largest value lost by pooling first": lost},
    )


@row("T-23", "A decoder from the encoder's layers reversed.")
def reversed_layers(context: AuditContext) -> Finding:
    """The weights of the built decoder, layer by layer, have the shapes of the encoder's, transposed and reversed."""
    n = int(np.prod(context.parameter("shape")))
    spec = f"convolutional:shape={list(context.parameter('shape'))}".replace(" ", "")
    convolutions = kind(spec, ambient_dim=n, latent_dim=2)
    model = convolutions.untrained(context.seed.child("row", "T-23"))  # type: ignore[attr-defined]
    down, up = ([tuple(p.shape) for p in m.parameters() if p.ndim > 1] for m in (model.encoder, model.decoder))
    mirrored = [(s[1], s[0]) if len(s) == 2 else s for s in down[::-1]]
    net = spiral_network()
    dense = [[tuple(p.shape) for p in m.parameters() if p.ndim == 2] for m in (net.encoder, net.decoder)]
    right = up == mirrored and dense[1] == [s[::-1] for s in dense[0][::-1]]
    return Finding(
        AuditReason.SUPPORTED if right else AuditReason.REFUTED,
        f"Kernels {down} of the encoder and {up} of the decoder: the reversed list, with transposed convolutions for "
        "convolutions.",
        (exactly("layers_mirrored", len(up) if right else 0, "Shapes of the weights of the built modules."),),
        {"layers": len(up)},
    )


def _dense(module: nn.Module) -> list[nn.Linear]:
    from torch import nn

    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
