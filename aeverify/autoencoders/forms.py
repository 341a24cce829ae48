"""Training forms: modules written otherwise while they are trained, and the model kind that modules were built from."""

from __future__ import annotations

from abc import abstractmethod

from torch import nn

_MARK = "aeverify_spec"


class TrainingForm(nn.Module):
    """A module that is written otherwise while it is trained: it returns more than its value then (the parameters of a
    distribution, logits), shares weights with another one, or groups several layers."""

    @abstractmethod
    def evaluated(self) -> nn.Module:
        """A module of its own weights (copied) that computes what this one computes in eval mode."""


def evaluated(module: nn.Module) -> nn.Module:
    """The module with every `TrainingForm` replaced by what it computes in eval mode, inside Sequentials too. The
    module itself where there is none."""
    if isinstance(module, TrainingForm):
        return evaluated(module.evaluated()).train(module.training)
    if type(module) is not nn.Sequential or not any(isinstance(m, TrainingForm) for m in module.modules()):
        return module
    if "forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks:
        return module
    children = [evaluated(child) for child in module]
    flat: list[nn.Module] = []
    for child in children:
        flat += list(child) if type(child) is nn.Sequential else [child]
    return nn.Sequential(*flat).train(module.training)


def marked(module: nn.Module, spec: str) -> nn.Module:
    """The module with the spec of the model kind that it was built from, which a saved file holds."""
    setattr(module, _MARK, spec)
    return module


def spec_of(module: nn.Module) -> str:
    """The spec that a module was marked with; "" if none."""
    found = getattr(module, _MARK, "")
    return found if isinstance(found, str) else ""
