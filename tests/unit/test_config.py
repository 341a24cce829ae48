"""Plans: what a TOML file may say, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from aeverify.autoencoders.recipes import RECIPES
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


def test_every_setting_of_a_recipe_is_a_key_of_the_table_and_reaches_it():
    """All settings at once, each other than its default; what is not given stays the recipe's."""
    given = {
        "epochs": 7,
        "batch_size": 9,
        "learning_rate": 0.5,
        "batch_share": 0.25,
        "steps": 40,
        "optimizer": "sgd",
        "momentum": 0.5,
        "schedule": "cosine",
        "warmup": 0.125,
        "epsilon": 1e-5,
        "shuffle": False,
        "loss": "mae",
        "weight_decay": 0.01,
        "code_l1": 0.1,
        "contraction": 0.2,
        "input_noise": 0.3,
        "stop_epsilon": 0.1,
        "stop_delta": 0.0,
        "stop_every": 3,
        "patience": 5,
        "converged_below": 0.02,
    }
    own = {"recipe": "paper", "workers": 2, "checkpoint_interval": 5.0}
    training = parse_plan({**GOOD, "train": {**own, **given}}).training
    assert training is not None
    assert RECIPES["paper"].parameters.keys() == given.keys()
    assert given == {name: getattr(training.how(), name) for name in given}
    assert (training.workers, training.checkpoint_interval) == (2, 5.0)
    untouched = parse_plan({**GOOD, "train": {"recipe": "spiral"}}).training
    assert untouched is not None and untouched.how() == RECIPES["spiral"]


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
        ({"train": {"epochs": 0}}, "train.epochs: Input should be greater than or equal to 1"),
        ({"train": {"steps": 0}}, "train.steps"),
        ({"train": {"learning_rate": -1e-3}}, "train.learning_rate: Input should be greater than 0"),
        ({"train": {"optimizer": "adamw"}}, "train.optimizer: Input should be 'adam', 'rmsprop' or 'sgd'"),
        ({"train": {"schedule": "linear"}}, "'constant' or 'cosine'"),
        ({"train": {"momentum": 0.9}}, "momentum is a setting of sgd"),
        ({"train": {"stop_epsilon": 0.1}}, "give both or neither"),
        ({"train": {"stop_epsilon": 0.1, "stop_delta": 1.0}}, "stop_delta must be a share"),
        ({"train": {"code_l1": float("nan")}}, "train.code_l1"),
        ({"train": {"workers": 0}}, "train.workers"),
        ({"train": {"checkpoint_interval": -1.0}}, "train.checkpoint_interval"),
        ({"train": {"optimiser": "sgd"}}, "unknown key; valid here: .*checkpoint_interval, .*optimizer, .*workers"),
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
