"""What row checks work with: training points, models of all kinds, verdicts, committed weights, printed numbers."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from aeverify.audit.context import AuditContext
from aeverify.audit.rows import load_rows
from aeverify.core.seeds import Seed
from aeverify.core.verdict import Outcome
from aeverify.errors import UsageError
from tests.unit.audit.rows import CIRCLE, row, table

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "spiral_0.safetensors"
SHORT = {"epochs": 2, "batch_size": 25, "points": 50}


def context(name: str = "r-1", seed: int = 0, folder: Path | None = None, fixtures: Path = Path()) -> AuditContext:
    """The context of a row of that id."""
    subject = row(id=name, not_checkable="of a test", parameters={"printed": 2.8})
    return AuditContext(row=subject, seed=Seed(seed), alpha=0.02, folder=folder, fixtures=fixtures)


def test_rows_that_train_the_same_share_their_models():
    """Data and models depend on what is trained and on the seed, not on the row that asks; other draws are its own."""
    one, two = context("one"), context("two")
    assert (one.sample(CIRCLE, 20).points == two.sample(CIRCLE, 20).points).all()
    models = [c.trained("mlp:hidden=[4]", CIRCLE, "quick", latent_dim=1, **SHORT)[0] for c in (one, two)]
    assert models[0].fingerprint() == models[1].fingerprint()
    other = context("one", seed=1).trained("mlp:hidden=[4]", CIRCLE, "quick", latent_dim=1, **SHORT)[0]
    assert other.fingerprint() != models[0].fingerprint()
    assert one.rng("noise").random() == context("one").rng("noise").random() != two.rng("noise").random()


def test_kinds_are_trained_fitted_and_kept(tmp_path: Path):
    """A kind with a loss of its own and one that is computed, by their names; a new context loads both."""
    for spec, recipe in (("variational:beta=0.1", "quick"), ("pca", "default")):
        options = SHORT if recipe == "quick" else {"points": 50}
        first = context(folder=tmp_path).training(spec, CIRCLE, recipe, 2, latent_dim=1, **options)
        count = len(list(tmp_path.iterdir()))
        again = context(folder=tmp_path).training(spec, CIRCLE, recipe, 2, latent_dim=1, **options)
        assert len(first.models) == 2
        assert [m.fingerprint() for m in again.models] == [m.fingerprint() for m in first.models]
        assert [dict(r) for r in again.records] == [dict(r) for r in first.records]
        assert len(list(tmp_path.iterdir())) == count


def test_trainings_that_diverge_are_counted_and_not_repeated(tmp_path: Path):
    """A rate far too large: no model, and the note that it diverged is kept."""
    for _ in range(2):
        found = context(folder=tmp_path).training(
            "mlp:hidden=[4]", CIRCLE, "quick", 1, latent_dim=1, learning_rate=1e30, optimizer="sgd", **SHORT
        )
        assert (found.models, found.diverged) == ((), 1)
    assert [p.suffixes for p in tmp_path.iterdir()] == [[".diverged", ".json"]]


def test_points_of_ones_own_are_trained_on():
    """A Sample stands for the set; its points tell models apart."""
    base = context()
    small, large = (base.sample(CIRCLE, n) for n in (25, 50))
    models = [base.trained("pca", s, latent_dim=1)[0] for s in (small, large)]
    assert models[0].fingerprint() != models[1].fingerprint()
    assert np.isfinite(models[0].errors(large.points)).all()


def test_claims_are_asked_of_a_model_by_name():
    """The verdict of a claim with parameters, by the effort of the budget."""
    base = context()
    model = base.trained("pca", base.sample(CIRCLE, 50), latent_dim=1)[0]
    assert base.verdict(model, CIRCLE, "theorem-1").outcome is Outcome.PASS
    assert base.verdict(model, CIRCLE, "theorem-2", epsilon=0.01, delta=0.01).outcome is not Outcome.PASS
    assert base.study(model, CIRCLE, share=4).alpha == 0.005


@pytest.mark.parametrize(
    ("kind", "good", "wrong", "expected"),
    [
        ("number", 2, ["x", True, math.nan, [1]], "a finite number"),
        ("count", 3, [-1, 2.0, True, "3"], "an integer, 0 or more"),
        ("text", "circle", [1, ["circle"], {}], "a text"),
        ("listed", [1], [[], "ab", 3, {}], "a list that is not empty"),
        ("table", {"a": 1}, [[1], "a", 2], "a table"),
    ],
)
def test_parameters_of_the_wrong_kind_are_refused(kind: str, good: object, wrong: list[object], expected: str):
    """With the row, the name and what was got."""
    base = context()
    for value in (good, *wrong):
        object.__setattr__(base.row, "parameters", {"p": value})
        if value is good:
            assert getattr(base, kind)("p") == good
            continue
        with pytest.raises(UsageError, match=f"Parameter 'p' of row .* must be {expected}, got "):
            getattr(base, kind)("p")


def test_committed_weights_and_printed_numbers(tmp_path: Path):
    """Weights lie beside the ledger; a number that the row does not print is refused by name."""
    shutil.copy(FIXTURE, tmp_path / "spiral.safetensors")
    base = context(fixtures=tmp_path)
    assert base.fixture("spiral").latent_dim == 1
    with pytest.raises(UsageError):
        base.fixture("none")
    assert base.parameter("printed") == 2.8
    with pytest.raises(UsageError, match="no parameter 'other'; it has: printed"):
        base.parameter("other")


def test_every_row_check_says_what_it_does():
    """One sentence each, under the name by which ledgers call it."""
    checks = load_rows()
    assert "obstructed-only-if" in checks
    for name, entry in checks.items():
        assert entry.name == name
        assert entry.summary.endswith(".")
    assert table(check="obstructed-only-if")["check"] in checks
