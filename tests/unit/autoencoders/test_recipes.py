from __future__ import annotations

import math

import pytest

from aeverify.autoencoders.recipes import RECIPES, Recipe, described, recipe
from aeverify.errors import UnknownNameError, UsageError


def test_the_paper_recipe_is_the_printed_one() -> None:
    """Adam, mean squared error, batches of 20, 2000 epochs, shuffled; Keras' default rate and epsilon."""
    r = RECIPES["paper"]
    assert (r.optimizer, r.loss, r.batch_size, r.epochs, r.shuffle) == ("adam", "mse", 20, 2000, True)
    assert (r.learning_rate, r.epsilon, r.schedule, r.warmup) == (1e-3, 1e-7, "constant", 0.0)
    assert {r.rate(step, 100) for step in range(100)} == {1e-3}


def test_the_spiral_recipe_is_that_of_the_tutorial() -> None:
    """Keras' default optimiser, 1000 epochs, batches of 32."""
    r = RECIPES["spiral"]
    assert (r.optimizer, r.epochs, r.batch_size, r.learning_rate) == ("rmsprop", 1000, 32, 1e-3)


def test_warm_up_and_cosine() -> None:
    """The rate rises linearly to its largest value and ends near zero."""
    r = recipe("default", learning_rate=1.0, warmup=0.1)
    rates = [r.rate(step, 1000) for step in range(1000)]
    assert rates[:100] == [(step + 1) / 100 for step in range(100)]
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[500] == pytest.approx(0.5)
    assert 0.0 < rates[-1] < 1e-5
    assert rates[250] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


def test_the_factors_of_a_span_are_those_of_its_steps() -> None:
    """A slice of the schedule is the schedule, whatever span it is asked in."""
    r = recipe("default", warmup=0.1)
    whole = r.factors(0, 1000, 1000)
    assert [r.rate(s, 1000) for s in range(1000)] == (r.learning_rate * whole).tolist()
    assert whole[37:512].tolist() == r.factors(37, 512, 1000).tolist()


def test_steps_replace_epochs() -> None:
    """1000 points in batches of 20 are 50 steps an epoch; an odd last batch counts."""
    assert (RECIPES["paper"].steps_an_epoch(1000), RECIPES["paper"].total_steps(1000)) == (50, 100_000)
    assert recipe("paper", steps=17).total_steps(1000) == 17
    assert RECIPES["spiral"].steps_an_epoch(100) == 4


def test_penalties_ask_for_the_general_engine() -> None:
    """Only the mean squared error alone has its gradient written out."""
    assert all(r.is_plain for r in RECIPES.values())
    for setting in ({"loss": "mae"}, {"code_l1": 0.1}, {"contraction": 0.1}, {"input_noise": 0.1}):
        assert not recipe("quick", **setting).is_plain
    assert recipe("quick", weight_decay=0.1).is_plain


def test_batches_follow_the_share_unless_the_size_is_asked_for() -> None:
    """`default` takes a tenth of a small data set; a size that the caller sets is meant as it stands."""
    assert [RECIPES["default"].rows_a_step(n) for n in (1000, 5000, 100, 7)] == [100, 100, 10, 1]
    assert recipe("default", batch_size=50).rows_a_step(100) == 50
    with pytest.raises(UsageError, match="batch of 200 rows is larger than the 100"):
        recipe("default", batch_size=200).rows_a_step(100)
    with pytest.raises(UsageError, match="batch of 20 rows"):
        RECIPES["paper"].rows_a_step(10)


def test_adapting_leaves_what_is_none() -> None:
    """None means: as in the recipe."""
    assert recipe("paper", epochs=None, batch_size=None) == RECIPES["paper"]
    assert recipe("paper", epochs=3).epochs == 3
    assert recipe(RECIPES["quick"]) is not None


def test_a_recipe_survives_json() -> None:
    """to_dict and from_dict are inverse."""
    for r in RECIPES.values():
        assert Recipe.from_dict(r.to_dict()) == r


def test_every_setting_has_a_meaning() -> None:
    """For `list recipes`."""
    for r in RECIPES.values():
        assert r.summary
        assert all(about["meaning"] for about in r.parameters.values())
        assert r.parameters["epochs"]["default"] == r.epochs


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"batch_size": 0},
        {"batch_size": -3},
        {"learning_rate": 0.0},
        {"learning_rate": -1e-3},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"warmup": 1.0},
        {"batch_share": 0.0},
        {"optimizer": "lbfgs"},
        {"schedule": "linear"},
        {"loss": "hinge"},
        {"shuffle": "yes"},
        {"momentum": 0.9},
        {"optimizer": "sgd", "momentum": 1.0},
        {"decay": 0.1},
        {"steps": 0},
        {"weight_decay": -1.0},
        {"code_l1": math.nan},
        {"contraction": -1},
        {"input_noise": math.inf},
        {"stop_epsilon": 0.1},
        {"stop_delta": 0.1},
        {"stop_epsilon": 0.0, "stop_delta": 0.1},
        {"stop_epsilon": 0.1, "stop_delta": 1.0},
        {"stop_every": 0},
        {"patience": 0},
        {"name": "other"},
    ],
)
def test_unusable_settings_are_refused(settings: dict[str, object]) -> None:
    """Out of range, of another type, or unknown."""
    with pytest.raises(UsageError):
        recipe("default", **settings)


def test_an_unknown_recipe_lists_the_nearest() -> None:
    """Did you mean."""
    with pytest.raises(UnknownNameError, match="did you mean 'paper'"):
        recipe("papers")


def test_a_recipe_is_told_with_what_was_changed() -> None:
    """The name alone where nothing was; an unregistered one by its name."""
    assert described(recipe("paper")) == "paper"
    assert described(recipe("paper", code_l1=0.1, epochs=3)) == "paper with epochs=3, code_l1=0.1"
    assert described(Recipe("own", "", epochs=1, batch_size=1, learning_rate=1.0)) == "own"
