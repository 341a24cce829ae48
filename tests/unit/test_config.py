"""Plans: what a TOML file may say, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from aeverify.config import Plan, Subject, Training, default_plan, load_plan, parse_plan
from aeverify.errors import UsageError

GOOD = {"manifold": "circle", "latent_dim": 1, "models": [{"oracle": "constant"}]}


def test_a_plan_is_read(tmp_path: Path):
    """Every table reaches the plan."""
    file = tmp_path / "job.toml"
    file.write_text(
        """
        manifold = "ellipse:a=3,b=2"
        latent_dim = 1
        seed = 7
        [train]
        architecture = "mlp:hidden=[8]"
        restarts = 2
        points = 200
        [[models]]
        file = "model.safetensors"
        [claims.theorem-2]
        epsilon = 0.2
        [gate]
        claims = ["theorem-2"]
        allow_inconclusive = true
        [measure]
        draws = 1000
        """
    )
    plan = load_plan(file)
    assert Training(architecture="mlp:hidden=[8]", restarts=2, points=200) == plan.training
    assert (Subject(file=str(tmp_path / "model.safetensors")),) == plan.subjects
    assert (plan.manifold, plan.latent_dim, plan.seed, plan.effort.draws) == ("ellipse:a=3,b=2", 1, 7, 1000)
    assert plan.checks()[0].epsilon == 0.2
    assert plan.policy.allow_inconclusive and plan.policy.gated == ("theorem-2",)


def test_every_mistake_is_told_at_once():
    """A file with three mistakes gets three places, and an unknown key the valid ones."""
    with pytest.raises(UsageError, match="3 mistakes") as caught:
        parse_plan({"manifold": 3, "latent_dim": "one", "train": {"restart": 2}})
    message = str(caught.value)
    assert all(place in message for place in ("manifold", "latent_dim", "train.restart", "restarts"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"manifold": "elipse:a=1,b=2"}, "did you mean 'ellipse'"),
        ({"manifold": "ellipse:a=0,b=2"}, "semi-axis"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 3}, "larger than the data dimension"),
        ({"models": []}, "names no model"),
        ({"models": [{"name": "x"}]}, "exactly one of"),
        ({"claims": {}}, "empty"),
        ({"claims": {"theorem-3x": {}}}, "did you mean"),
        ({"claims": {"theorem-2": {"eps": 1.0}}}, "no parameter 'eps'"),
        ({"gate": {"claims": []}}, "no gated claim"),
        ({"seed": -1}, "seed"),
        ({"alpha": 0.0}, "alpha"),
        ({"measure": {"draws": 0}}, "draws"),
        ({"train": {"recipe": "papers"}}, "did you mean 'paper'"),
        ({"train": {"restarts": 0}}, "restarts"),
    ],
)
def test_mistakes_are_explained(change: dict[str, object], words: str):
    """Each wrong value is a usage error that says what was expected."""
    with pytest.raises(UsageError, match=words):
        parse_plan({**GOOD, **change})


@pytest.mark.parametrize("content", ["manifold = ", "\x00", "a = [" * 2000])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: str):
    """Broken syntax, control characters and deep nesting are usage errors."""
    (tmp_path / "plan.toml").write_text(content)
    with pytest.raises(UsageError, match="TOML"):
        load_plan(tmp_path / "plan.toml")


def test_a_missing_file_is_named(tmp_path: Path):
    """The message names the path."""
    with pytest.raises(UsageError, match=r"no plan file .*gone\.toml"):
        load_plan(tmp_path / "gone.toml")


def test_the_default_plan_is_the_papers_job():
    """Two circles, one code number, the paper's network, and a PCA baseline."""
    plan = default_plan(seed=5)
    assert isinstance(plan, Plan) and plan.training is not None
    assert (plan.manifold, plan.latent_dim, plan.seed, plan.training.architecture) == ("two_circles", 1, 5, "paper")
    ids = [c.claim.id for c in plan.checks()]
    assert ids[:5] == ["theorem-1", "theorem-2", "thick-set", "latent-topology", "paradox"]
    assert set(ids[5:]) >= {"even-preimages", "tear-sweep", "lipschitz-price", "retracing", "latent-separation"}
