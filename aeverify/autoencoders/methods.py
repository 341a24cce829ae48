"""Methods of a torch module as modules of their own, so that they are traced and evaluated like any other."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class Method(nn.Module):
    """A module whose forward is a method of another one; they share the weights."""

    def __init__(self, owner: nn.Module, method: str) -> None:
        super().__init__()
        self.owner = owner
        self.method = method
        self.training = owner.training

    def forward(self, x: Tensor) -> Tensor:
        """What the method returns."""
        return getattr(self.owner, self.method)(x)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The name of the method."""
        return self.method
