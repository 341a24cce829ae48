"""Train a small convolutional autoencoder in plain PyTorch on pictures of a rotating bar, and save its weights.

    python examples/pytorch/train.py examples/pytorch

writes model.pt, a state dict with the prefixes `encoder.` and `decoder.` and nothing else; about 20 s of one core. The
layers are those of `convolutional:shape=[1,8,8],activation=silu`, which is the architecture that claims.toml names, so
that the file needs no code to be opened.
"""

import sys
from pathlib import Path

import torch
from torch import nn

from aeverify.manifolds import manifold

PICTURES = "rotating_bar:pixels=8,width=0.3"


def autoencoder() -> nn.ModuleDict:
    """Two convolutions of stride 2 to a code of two numbers, and back."""
    encoder = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(64, 2),
    )
    decoder = nn.Sequential(
        nn.Linear(2, 64),
        nn.Unflatten(1, (16, 2, 2)),
        nn.SiLU(),
        nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),
        nn.SiLU(),
        nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1),
        nn.Flatten(),
    )
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder})


def main(folder: Path, steps: int = 6000) -> None:
    """Minimise the mean squared error with Adam; the learning rate falls along a cosine."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = autoencoder()
    pictures = torch.tensor(manifold(PICTURES).sample(2000, 0).points, dtype=torch.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        x = pictures[torch.randint(0, len(pictures), (64,))]
        loss = ((model["decoder"](model["encoder"](x)) - x) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    sys.stdout.write(f"mean squared error of a pixel {loss.item():.3g}\n")
    torch.save(model.state_dict(), folder / "model.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
