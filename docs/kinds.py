"""Train every model kind at real size: `python docs/kinds.py [STEPS]` writes the tables of docs/kinds.md.

The set is a closed curve of pictures of 8 x 8 pixels (`rotating_bar`), 500 points of it, STEPS (3000) steps of 50 rows.
Each model is saved, and judged where its code has at most as many numbers as the data: the reports with the plots of
data, codes, errors and decoded curves are reports/kinds/<number>-<kind>/report.html. About 10 minutes of one core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from aeverify import reporting, run
from aeverify.autoencoders.kinds import KINDS, learn
from aeverify.autoencoders.loading import save
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.autoencoders.recipes import recipe
from aeverify.config import Plan, Subject
from aeverify.core.seeds import Seed
from aeverify.manifolds import manifold
from aeverify.measure.certified import enclosable

SET, POINTS, GRID = "rotating_bar", 500, 5000
REPORTS = Path("reports/kinds")
PAGE = Path(__file__).with_suffix(".md")
SHAPE = "shape=[1,8,8]"
SPECS = (
    "pca:latent_dim=2",
    "linear:latent_dim=2",
    "tied:latent_dim=2,hidden=[]",
    "tied:latent_dim=2,activation=tanh",
    "undercomplete:latent_dim=1",
    "undercomplete:latent_dim=2",
    "overcomplete:latent_dim=128,hidden=[128]",
    "replicator:latent_dim=2",
    "sparse:latent_dim=16",
    "sparse:latent_dim=16,penalty=kl",
    "contractive:latent_dim=2",
    "contractive:latent_dim=2,estimator=hutchinson",
    "denoising:latent_dim=2",
    "masked:latent_dim=2",
    "topological:latent_dim=2",
    "variational:latent_dim=2",
    "variational:latent_dim=2,likelihood=bernoulli",
    "variational:latent_dim=2,prior=torus",
    "variational:latent_dim=3,prior=sphere",
    f"convolutional:latent_dim=2,{SHAPE}",
    f"convolutional:latent_dim=2,{SHAPE},up=upsampling",
    "convolutional:latent_dim=2,shape=[8,8]",
    f"unet:latent_dim=2,{SHAPE}",
    f"unet:skips=true,{SHAPE}",
    "recurrent:latent_dim=2,features=8",
    "memoriser:latent_dim=1",
    "recirculation:latent_dim=2",
)


def main(steps: int) -> None:
    """Train, measure, judge, write."""
    space = manifold(SET)
    points, grid = space.sample(POINTS, Seed(0).child("points").value).points, space.grid(GRID).points
    how = recipe("quick", steps=steps, batch_size=50)
    lines = [
        "| spec | m | root mean squared error | largest error seen (lower bound of the sup) | CPU seconds | report |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for number, spec in enumerate(SPECS):
        began = time.process_time()
        model = learn(spec, points, how, Seed(0), name=spec)
        seconds = time.process_time() - began
        errors = model.errors(grid)
        report = judged(model, number)
        lines.append(
            f"| `{spec}` | {model.latent_dim} | {np.sqrt(np.mean(errors**2)):.4f} | {errors.max():.4f} | {seconds:.0f} "
            f"| {report} |"
        )
        sys.stderr.write(lines[-1] + "\n")
    replace("trained", "\n".join(lines))
    replace("kinds", described())


def judged(model: Autoencoder, number: int) -> str:
    """Save a model and write the report of all claims that apply; says what came of it."""
    if model.latent_dim > model.ambient_dim:
        return "none: the code is no bottleneck"
    folder = REPORTS / f"{number:02d}-{model.name.split(':')[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    path = save(model, folder / "model.safetensors")
    plan = Plan(
        f"Model kinds: {model.name}", SET, model.latent_dim, subjects=(Subject(file=str(path), name=model.name),)
    )
    report = run(plan, out=folder)
    reporting.write_report(report, folder)
    outcomes = [str(v.outcome) for v in report.verdicts]
    return ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes)))


def described() -> str:
    """The table of the registry."""
    examples = {spec.split(":")[0]: spec for spec in SPECS}
    lines = ["| kind | sources | what it is | enclosures |", "| --- | --- | --- | --- |"]
    for name, entry in KINDS.items():
        found = {spec: enclosed(spec) for spec in SPECS if spec.startswith(f"{name}:")}
        assert name in examples
        lines.append(f"| `{name}` | {', '.join(entry.sources)} | {entry.summary} | {told(found)} |")
    return "\n".join(lines)


def told(found: dict[str, str]) -> str:
    """One word where all specs of a kind agree, else the exceptions too."""
    answers = sorted(set(found.values()))
    if len(answers) == 1:
        return answers[0]
    refused = (spec.split(":")[1].split(",") for spec, said in found.items() if said == "no")
    without = [part for parts in refused for part in parts if part.split("=")[0] in ("prior", "skips")]
    return f"yes, but not with {', '.join(f'`{setting}`' for setting in without)}"


def enclosed(spec: str) -> str:
    """Whether certified enclosures exist: "yes" where every layer has a rule."""
    from aeverify.autoencoders.kinds import TrainedKind, kind

    made = kind(spec, ambient_dim=64)
    if not isinstance(made, TrainedKind):
        return "Lipschitz bounds" if made.name == "memoriser" else "yes"
    return "no" if isinstance(enclosable(made.untrained(0), manifold(SET)), str) else "yes"


def replace(mark: str, text: str) -> None:
    """Put text between the marks of a table."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} -->\n", f"\n<!-- /{mark} -->"
    before, rest = page.split(begin)
    PAGE.write_text(before + begin + text + end + rest.split(end)[1], encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
