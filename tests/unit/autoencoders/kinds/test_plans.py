"""Kinds in plans: trained, saved, judged and loaded again; what cannot be is refused before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aeverify.autoencoders.loading import load, training_record
from aeverify.autoencoders.protocol import Continuity

PLAN = """
title = "A kind"
manifold = "circle"
latent_dim = 1
[train]
architecture = "{architecture}"
recipe = "quick"
epochs = 2
batch_size = 20
points = 40
restarts = 2
[claims.theorem-1]
"""


def test_a_plan_trains_and_judges_a_kind(cli: Callable[..., Any]) -> None:
    """Theorem 1 holds for a variational autoencoder's deterministic maps; the models are in the folder of the run."""
    Path("plan.toml").write_text(PLAN.format(architecture="variational:hidden=[6]"))
    done = cli("run", "plan.toml", "--out", "out", "--format", "json", "--quiet")
    report = json.loads(done.stdout)
    verdicts = [v for v in report["verdicts"] if v["claim"] == "theorem-1"] or report["verdicts"]
    assert done.exit_code == 0
    assert verdicts and all(v["outcome"] == "PASS" for v in verdicts)
    model = load("out/models/restart-1.safetensors")
    assert model.continuity is Continuity.KNOWN
    assert training_record("out/models/restart-1.safetensors")["architecture"].startswith("variational:ambient_dim=2,")


@pytest.mark.parametrize(
    ("architecture", "says"),
    [
        ("memoriser", "computed from the points"),
        ("unet:skips=true,channels=[2]", "latent_dim is 1"),
        ("varational", "variational"),
        ("overcomplete", "at least 2 units"),
    ],
)
def test_what_a_plan_cannot_train_is_a_usage_error(cli: Callable[..., Any], architecture: str, says: str) -> None:
    """Exit code 2 and one paragraph."""
    Path("plan.toml").write_text(PLAN.format(architecture=architecture))
    done = cli("run", "plan.toml", "--out", "out", "--quiet")
    assert done.exit_code == 2
    assert says in done.stderr


def test_kinds_are_listed(cli: Callable[..., Any]) -> None:
    """With their settings and what these mean."""
    listed = json.loads(cli("list", "kinds", "--format", "json").stdout)["entries"]
    variational = next(e for e in listed if e["name"] == "variational")
    assert variational["parameters"]["beta"] == {"default": 1.0, "meaning": "weight of the divergence"}
