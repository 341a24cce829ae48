"""Continuity of torch modules, decided from what they are made of, never from samples.

Plain stacks are decided from the types of their layers: `nn.Sequential` containers, this library's blocks (`Residual`
and those of its model kinds) and leaves on a list. Types are compared exactly, since a subclass, a forward hook or a
parametrization may compute anything. Everything else is traced by torch.export, and its operators are compared with a
list (`aeverify.autoencoders.tracing`).

Softplus counts as the smooth function although torch's program switches to the identity above its threshold, a jump
of at most 2.1e-9/beta at the default.
"""

from __future__ import annotations

from torch import nn

from aeverify.autoencoders.blocks import (
    DROPOUTS,
    Cosine,
    Quotient,
    Sine,
    is_continuous_block,
    is_ours,
    is_plain,
    is_repatched,
)
from aeverify.autoencoders.protocol import Continuity

# Exact types: a subclass may override forward. Each is continuous in eval mode whatever its weights.
_CONTINUOUS: frozenset[type[nn.Module]] = frozenset(
    {
        *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus, nn.Tanh, nn.Sigmoid, Sine, Cosine, Quotient),
        *(nn.SELU, nn.CELU, nn.ReLU6, nn.Hardtanh, nn.Mish, nn.Softsign, nn.LogSigmoid),
        *(nn.Linear, nn.Identity, nn.Flatten, nn.Unflatten, *DROPOUTS),
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.Upsample),
    }
)
_NORMALISING: frozenset[type[nn.Module]] = frozenset({nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d})
_JUMPING: frozenset[type[nn.Module]] = frozenset({nn.Hardshrink, nn.Threshold})


def graph_continuity(*parts: tuple[nn.Module, int]) -> tuple[Continuity, str]:
    """What the graphs of modules, each with the width of its rows, say of their continuity, and why in one sentence.

    KNOWN where every operation is continuous, DISCONTINUOUS where one that jumps lies between input and output (argmax,
    rounding, comparisons, `where`, look-ups by data), OPAQUE where an operation is not known or a module cannot be
    traced. KNOWN speaks of the real functions that the operators stand for; that the weights are finite is another
    question.

    Cost: none for plain stacks; a second or a few to trace anything else.
    """
    found: list[tuple[Continuity, str]] = []
    for module, width in parts:
        if any(is_repatched(each) for each in module.modules()):
            return Continuity.OPAQUE, "The forward of a block of aeverify was replaced in its class."
        by_type = _by_types(module)
        if by_type[0] is Continuity.OPAQUE:
            from aeverify.autoencoders.tracing import traced_continuity

            by_type = traced_continuity(module, width)
        found.append(by_type)
    for worst in (Continuity.DISCONTINUOUS, Continuity.OPAQUE):
        notes = dict.fromkeys(note for what, note in found if what is worst and note)
        if any(what is worst for what, _ in found):
            return worst, " ".join(notes)
    return Continuity.KNOWN, " ".join(dict.fromkeys(note for _, note in found))


def _by_types(module: nn.Module) -> tuple[Continuity, str]:
    leaves = leaves_of(module, blocks=True)
    if leaves is None:
        return Continuity.OPAQUE, ""
    jumping = sorted({type(leaf).__name__ for leaf in leaves if type(leaf) in _JUMPING and _jumps(leaf)})
    if jumping:
        return Continuity.DISCONTINUOUS, f"A layer of the graph jumps: {', '.join(jumping)}."
    if not all(_is_continuous(leaf) for leaf in leaves):
        return Continuity.OPAQUE, ""
    return Continuity.KNOWN, "Every layer of the graph is on the list of continuous ones."


def leaves_of(module: nn.Module, blocks: bool = False) -> list[nn.Module] | None:
    """The leaves of nested Sequentials in order; None where another container or anything with hooks is met.
    With `blocks`, those inside known continuous blocks too, which are no row of layers."""
    if not is_plain(module):
        return None
    if type(module) is nn.Sequential or (blocks and is_continuous_block(module)):
        leaves: list[nn.Module] = []
        for child in module._modules.values():
            assert child is not None
            inner = leaves_of(child, blocks)
            if inner is None:
                return None
            leaves += inner
        return leaves
    return None if any(True for _ in module.children()) else [module]


def _is_continuous(leaf: nn.Module) -> bool:
    kind = type(leaf)
    if kind in _JUMPING:
        return True  # those that do jump were sorted out before
    if kind in _NORMALISING:
        eps = getattr(leaf, "eps", 0.0)
        frozen = isinstance(leaf, nn.LayerNorm) or getattr(leaf, "running_var", None) is not None
        return frozen and eps > 0.0
    if kind not in _CONTINUOUS:
        return False
    if isinstance(leaf, nn.Softplus):
        return leaf.beta > 0 and leaf.threshold >= 20
    if isinstance(leaf, Sine | Cosine | Quotient):
        return is_ours(leaf)
    return not getattr(leaf, "return_indices", False)


def _jumps(leaf: nn.Module) -> bool:
    if isinstance(leaf, nn.Hardshrink):
        return leaf.lambd > 0
    return isinstance(leaf, nn.Threshold) and leaf.value != leaf.threshold
