"""Plans: what a TOML file may say, and how its mistakes are told."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aeverify.autoencoders.recipes import RECIPES
from aeverify.config import Budget, DataSource, Given, Plan, Subject, Training, default_plan, load_plan, parse_plan
from aeverify.config.schema import claims_json_schema
from aeverify.core import GatePolicy, Ignore, Outcome
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


def read(text: str, folder: Path = Path(), **options: Any) -> Plan:
    """The plan in a text of TOML."""
    return parse_plan(tomllib.loads(text), folder=folder, **options)


CLAIMS_FILE = """
manifold = "circle"
[[models]]
file = "model.onnx"
decoder = "decoder.onnx"
architecture = "mlp:hidden=[64]"
latent = "code"
batch_size = 64
trust = true
name = "mine"
claims = ["Theorem 1"]
[claims.error-bound]
epsilon = 0.1
[gate]
claims = ["error-bound"]
fail_on = ["error", "inconclusive"]
baseline = "before/report.json"
noise = 0.05
[[ignore]]
claim = "error-bound"
subject = "mine"
reason = "retraining"
until = 2027-01-31
[budget]
seconds = 60.0
memory_mib = 2048
"""


def test_a_claims_file_is_read(tmp_path: Path):
    """Every key of a claims file reaches the plan; paths are beside the file."""
    (tmp_path / "claims.toml").write_text(CLAIMS_FILE)
    plan = load_plan(tmp_path / "claims.toml", today=date(2027, 1, 31))
    assert plan.subjects == (
        Subject(
            file=str(tmp_path / "model.onnx"),
            name="mine",
            claims=("theorem-1",),
            decoder=str(tmp_path / "decoder.onnx"),
            architecture="mlp:hidden=[64]",
            trust=True,
            latent="code",
            batch_size=64,
        ),
    )
    assert plan.policy == GatePolicy(
        ("error-bound",),
        False,
        (Outcome.ERROR, Outcome.INCONCLUSIVE),
        (Ignore("error-bound", "retraining", "2027-01-31", "mine"),),
    )
    assert (plan.budget, plan.noise) == (Budget(60.0, 2048), 0.05)
    assert (plan.baseline, plan.latent_dim) == (str(tmp_path / "before/report.json"), None)


def test_a_data_set_may_stand_for_the_manifold(tmp_path: Path):
    """Its options reach the loader; a second file of held-out rows lies beside the claims file too."""
    text = '[data]\npath = "a.npy"\nheld_out = "b.npy"\nlimit = 10\n[[models]]\noracle = "constant"\n'
    plan = read(text, tmp_path)
    assert plan.data == DataSource(str(tmp_path / "a.npy"), {"held_out": str(tmp_path / "b.npy"), "limit": 10})
    assert read(text.replace("b.npy", "column:test")).data == DataSource(
        "a.npy", {"held_out": "column:test", "limit": 10}
    )
    assert plan.manifold == ""


def test_a_command_line_replaces_models_and_set(tmp_path: Path):
    """What is given stands for what the file has; of a data table the options stay."""
    given = Given((Subject(oracle="constant"),), manifold="ellipse:a=3,b=2")
    plan = read('manifold = "circle"\n[train]\nrestarts = 3\n', given=given)
    assert (plan.manifold, plan.training, plan.subjects) == ("ellipse:a=3,b=2", None, given.subjects)
    on_data = read('[data]\npath = "a.npy"\nlimit = 5\n', tmp_path, given=Given(given.subjects, data="x.csv"))
    assert on_data.data == DataSource("x.csv", {"limit": 5})


@pytest.mark.parametrize(
    ("day", "expired"), [(date(2027, 1, 30), False), (date(2027, 1, 31), False), (date(2027, 2, 1), True)]
)
def test_an_ignore_holds_to_the_end_of_its_day(day: date, expired: bool):
    """The day itself is the last one."""
    assert read(CLAIMS_FILE, today=day).policy.ignores[0].expired is expired


IGNORE = '\n[[ignore]]\nclaim = "theorem-1"\nreason = "why"\nuntil = 2027-01-31\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (IGNORE.replace('reason = "why"\n', ""), "ignore.0.reason: Field required"),
        (IGNORE.replace("why", "  "), "ignore.0.reason"),
        (IGNORE.replace("until = 2027-01-31\n", ""), "ignore.0.until: Field required"),
        (IGNORE.replace("2027-01-31", '"tomorrow"'), "ignore.0.until: expected a date such as 2027-01-31"),
        (IGNORE.replace("2027-01-31", "2027-01-31T10:00:00Z"), "ignore.0.until: expected a date .* without a time"),
        (IGNORE.replace("2027-01-31", "20270131"), "ignore.0.until"),
        (IGNORE.replace("theorem-1", "theorem-11"), "ignore.0.claim: .*did you mean"),
        (IGNORE + IGNORE, "ignore.1: the same claim and subject as ignore.0"),
        (IGNORE.replace("until", "til"), "ignore.0.til: unknown key; valid here: claim, reason, subject, until"),
        ("\n[claims.theorem-1]\n[claims.Theorem_1]\n", "claims.Theorem_1: the same claim as 'theorem-1'"),
        ('\n[[models]]\noracle = "konstant"\n', "models.1.oracle: .*did you mean 'constant'"),
        ('\n[[models]]\noracle = "constant"\ndecoder = "d"\n', "models.1: decoder: only a file has that"),
        (
            '\n[[models]]\noracle="constant"\nname="a"\n[[models]]\noracle="constant"\nname="a"\n',
            "'a' is given to 2 models",
        ),
        ("\n[budget]\nseconds = -1.0\n", "budget.seconds: Input should be greater than 0"),
        ("\n[budget]\nseconds = nan\n", "budget.seconds"),
        ("\n[budget]\nmemory_mib = 0\n", "budget.memory_mib"),
        ("\n[budget]\nsecs = 1\n", "budget.secs: unknown key; valid here: memory_mib, seconds"),
        ('\n[gate]\nfail_on = ["pass"]\n', "gate.fail_on.0"),
        ('\n[gate]\nallow_inconclusive = true\nfail_on = ["vacuous"]\n', "choose one of the two"),
        ("\n[gate]\nnoise = -0.1\n", "gate.noise"),
        ('\n[gate]\nclaims = ["nothing"]\n', "gate.claims: There is no claim named 'nothing'"),
        ('\n[data]\npath = "x.npy"\n', "give exactly one K"),
        ("\n[measure]\ndraws = 1\n", "measure.draws: .*from 10 to 10,000,000"),
        ("\n[claims.theorem-2]\neps = 1.0\n", "claims.theorem-2: .*no parameter 'eps'"),
        ("\n[claims.theorem-2]\nepsilon = [1]\n", "claims.theorem-2.epsilon"),
    ],
)
def test_mistakes_in_a_claims_file_are_explained(text: str, words: str):
    """Each with its place."""
    with pytest.raises(UsageError, match=words):
        read('manifold = "circle"\n[[models]]\noracle = "constant"\n' + text)


def test_mistakes_of_all_kinds_are_told_at_once():
    """Wrong types, unknown keys, unknown names and parameters out of range of one file in one message."""
    text = (
        'manifold = "cirlce"\nalpha = 2.0\nspeling = 1\n[[models]]\noracle = "konstant"\n'
        "[claims.theorem-2]\nepsilon = -1.0\n[claims.theorem-9]\n[gate]\nclaim = []\n" + IGNORE.replace("why", "")
    )
    with pytest.raises(UsageError, match="8 mistakes") as caught:
        read(text)
    places = (
        "manifold",
        "alpha",
        "speling",
        "models.0.oracle",
        "claims.theorem-2",
        "claims.theorem-9",
        "gate.claim",
        "ignore.0.reason",
    )
    assert all(f"{place}: " in str(caught.value) for place in places)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f.write_bytes(b"#" * 1_000_001), "at most 1000000"),
        (lambda f: os.truncate(os.open(f, os.O_CREAT | os.O_WRONLY), 2**30), "1073741824 bytes; a plan has at most"),
        (lambda f: f.write_text("a = " + "[" * 3000 + "]" * 3000), "TOML"),
        (lambda f: f.write_text("a." * 5000 + "b = 1"), "nested deeper|TOML"),
        (lambda f: f.write_text("a = " + "{b = " * 25 + "1" + "}" * 25), "nested deeper than 20"),
        (lambda f: f.write_text("a = 1\na = 2"), "is not TOML"),
        (lambda f: f.write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda f: f.write_text("seed = " + "9" * 5000), "cannot be read|is not TOML"),
        (lambda f: f.mkdir(), "not a regular file"),
        (lambda f: os.mkfifo(f), "not a regular file"),
    ],
)
def test_hostile_files_are_refused_at_once(tmp_path: Path, make: Callable[[Path], object], words: str):
    """Too large, too deep, named twice, no text, no file: a usage error, and nothing is waited for."""
    file = tmp_path / "claims.toml"
    make(file)
    with pytest.raises(UsageError, match=words):
        load_plan(file)


def test_the_published_schema_is_current(root: Path):
    """docs/claims.schema.json is what the program reads; `python -m aeverify.config.schema` writes it."""
    assert json.loads((root / "docs/claims.schema.json").read_text()) == claims_json_schema()


def test_the_published_schema_says_what_the_program_says():
    """A validator of JSON Schema accepts a good file, and refuses an unknown key and a wrong type."""
    validator = Draft202012Validator(claims_json_schema())
    good = json.loads(json.dumps(tomllib.loads(CLAIMS_FILE), default=str))
    assert list(validator.iter_errors(good)) == []
    assert not validator.is_valid({**good, "speling": 1})
    assert not validator.is_valid({**good, "budget": {"seconds": "long"}})
    assert not validator.is_valid({**good, "ignore": [{"claim": "theorem-1", "until": "2027-01-31"}]})
