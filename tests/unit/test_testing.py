from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from aeverify import reporting, testing
from aeverify.autoencoders.linear import PcaAutoencoder
from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims import claim as check_named
from aeverify.core import Outcome, Witness, WitnessPoint
from aeverify.errors import UnknownNameError, UsageError
from aeverify.manifolds import manifold
from aeverify.replaying import replay
from aeverify.testing import claims
from aeverify.testing.settings import Settings, activated, active
from aeverify.testing.witnesses import save_witness

drain = claims.drain


@pytest.fixture(autouse=True)
def _out_of_the_session_report(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is checked here, failures included, is no finding of this session."""
    monkeypatch.setattr(claims, "drain", list)
    yield
    drain()


def test_passing_claim_returns_its_verdict():
    """What was found can be looked at further."""
    verdict = testing.assert_claim(oracle("constant"), "circle", "theorem-1")
    assert (verdict.outcome, verdict.claim.id) == (Outcome.PASS, "theorem-1")


def test_vacuous_claim_fails_the_test():
    """A claim that says nothing about the model has not been shown."""
    with pytest.raises(AssertionError, match=r"^theorem-1 is VACUOUS for identity"):
        testing.assert_claim(oracle("identity"), "circle", "theorem-1")


def test_parameters_reach_the_claim():
    """The share of the circle beyond epsilon decides theorem 2, so delta does; a check may bring its own."""
    with pytest.raises(AssertionError, match=r"needed +bad_set_measure < 0\.001"):
        testing.assert_claim(oracle("cut:half_width=0.3"), "circle", "theorem-2", delta=0.001, training=False)
    check = check_named("theorem-2").configured({"delta": 0.001})
    with pytest.raises(AssertionError, match=r"needed +bad_set_measure < 0\.001"):
        testing.assert_claim(oracle("cut:half_width=0.3"), "circle", check, training=False)


def test_unknown_claim_or_parameter_is_a_usage_error():
    """A mistake of the test's author is no verdict."""
    with pytest.raises(UnknownNameError, match="did you mean 'theorem-"):
        testing.check_claim(oracle("constant"), "circle", "theorem-7")
    with pytest.raises(UsageError, match="no parameter 'epsilom'"):
        testing.check_claim(oracle("constant"), "circle", "theorem-2", epsilom=0.1)


def test_description_shows_the_first_points_of_a_long_witness():
    """Three points stand for all, and the reader is told how many are left out."""
    verdict = testing.assert_claim(oracle("constant"), "circle", "theorem-1")
    points = tuple(WitnessPoint(0, (i / 8,), (float(i), 0.0), (0.0,), (0.0, 0.0), float(i)) for i in range(5))
    text = testing.describe(replace(verdict, witness=Witness("point", "circle", "", points, "look here")))
    assert text.count("  x = (") == 3
    assert "witness    look here" in text
    assert "... and 2 more points" in text


def test_claims_of_a_test_are_recorded_for_the_plugin_once():
    """What was checked inside a test is handed over once, without figures."""
    drain()
    testing.check_claim(oracle("constant"), "circle", "theorem-1")
    found = drain()
    assert [[v.claim.id for v in c.report.verdicts] for c in found] == [["theorem-1"]]
    assert drain() == []


def test_claims_outside_of_tests_are_not_recorded(monkeypatch: pytest.MonkeyPatch):
    """A program that uses aeverify.testing without pytest keeps nothing in memory."""
    drain()
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    testing.check_claim(oracle("constant"), "circle", "theorem-1")
    assert drain() == []


def ring(n: int = 600) -> np.ndarray:
    """Rows on the unit circle, in equal steps."""
    angle = 2 * math.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


def flat() -> tuple[Autoencoder, Any]:
    """PCA with one component of an ellipse, and the data."""
    data = manifold("ellipse:a=3,b=2").sample(200, 0)
    return PcaAutoencoder.fit(data.points, 1), data


def narrow(size: float) -> Autoencoder:
    """A linear model of R^2 with a code of 2 numbers: the identity times `size`."""
    parts = [nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)]
    for part, factor in zip(parts, (1.0, size), strict=True):
        part.weight.data = factor * part.weight.data.new_tensor([[1.0, 0.0], [0.0, 1.0]])
    return Autoencoder.from_modules(*parts, name=f"times {size:g}")


PASSING: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: testing.assert_autoencodes(narrow(0.95), "circle", 0.06), "error-bound", "CERTIFIED"),
    (lambda: testing.assert_error_bounded(oracle("cut"), "circle", 0.1, 0.5), "error-bound", "STATISTICAL"),
    (lambda: testing.assert_error_bounded(narrow(0.95), "circle", 0.06, 0.1), "error-bound", "CERTIFIED"),
    (lambda: testing.assert_obstructed(oracle("constant"), "circle"), "theorem-1", "CERTIFIED"),
    (lambda: testing.assert_homology_survives(oracle("identity"), "circle"), "latent-homology-survives", "CERTIFIED"),
    (lambda: testing.assert_no_collisions(narrow(1.0), "circle", apart=0.5, gap=0.4), "injectivity-gap", "CERTIFIED"),
    (lambda: testing.assert_denoises(oracle("constant"), "circle", noise=0.7, levels=1, share=0.1),
     "untrained-denoising", "STATISTICAL"),
    (lambda: testing.assert_pca_subspace(flat()[0], "ellipse:a=3,b=2", training_points=flat()[1]),
     "pca-subspace", "EMPIRICAL"),
    (lambda: testing.assert_autoencodes(narrow(0.95), ring(), 0.06), "data-sup", "CERTIFIED"),
    (lambda: testing.assert_error_bounded(narrow(0.95), ring(), 0.06, 0.02), "population-error", "STATISTICAL"),
    (lambda: testing.assert_obstructed(oracle("constant"), ring(), covering_radius=0.01, reach=1.0),
     "data-width", "EMPIRICAL"),
    (lambda: testing.assert_homology_survives(narrow(0.5), ring(100)), "data-latent-homology", "EMPIRICAL"),
    (lambda: testing.assert_no_collisions(narrow(1.0), ring(100), apart=0.1), "data-collisions", "EMPIRICAL"),
]  # fmt: skip
FAILING: list[tuple[Callable[[], Any], str]] = [
    (lambda: testing.assert_autoencodes(narrow(0.95), "circle", 0.04), "error-bound is FAIL"),
    (lambda: testing.assert_error_bounded(oracle("cut"), "circle", 0.1, 0.001), "error-bound is FAIL"),
    (lambda: testing.assert_obstructed(narrow(1.0), "circle"), "theorem-1 is VACUOUS"),
    (lambda: testing.assert_homology_survives(oracle("constant"), "circle"), "latent-homology-survives is VACUOUS"),
    (lambda: testing.assert_no_collisions(narrow(0.5), "circle", apart=0.5, gap=0.6), "injectivity-gap is FAIL"),
    (lambda: testing.assert_denoises(narrow(1.0), "circle"), "untrained-denoising is FAIL"),
    (lambda: testing.assert_pca_subspace(oracle("fold:a=3,b=2"), "ellipse:a=2,b=3"), "pca-subspace is FAIL"),
    (lambda: testing.assert_autoencodes(narrow(0.95), ring(), 0.04), "data-sup is FAIL"),
    (lambda: testing.assert_error_bounded(narrow(0.95), ring(), 0.04, 0.02), "population-error is FAIL"),
    (lambda: testing.assert_error_bounded(narrow(0.95), ring(20), 0.06, 0.02), "population-error is INCONCLUSIVE"),
    (lambda: testing.assert_obstructed(oracle("constant"), ring()), "data-width is INCONCLUSIVE"),
    (lambda: testing.assert_homology_survives(oracle("constant"), ring(100)), "data-latent-homology is FAIL"),
    (lambda: testing.assert_no_collisions(oracle("constant"), ring(100), apart=0.1), "data-collisions is FAIL"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "name", "rigor"), PASSING, ids=[f"{i}-{p[1]}" for i, p in enumerate(PASSING)])
def test_assertions_pass_with_the_claim_and_rigor_that_they_name(call: Callable[[], Any], name: str, rigor: str):
    """Each assertion checks its claim, on manifolds and on arrays."""
    verdict = call()
    assert (verdict.outcome, verdict.claim.id, str(verdict.rigor)) == (Outcome.PASS, name, rigor)


@pytest.mark.parametrize(("call", "phrase"), FAILING, ids=[f"{i}-{p[1].split()[0]}" for i, p in enumerate(FAILING)])
def test_assertions_fail_where_their_claim_does(call: Callable[[], Any], phrase: str):
    """Each assertion can fail, with the claim's outcome in the first line."""
    with pytest.raises(AssertionError, match=f"^{phrase}"):
        call()


@pytest.mark.parametrize(
    ("call", "phrase"),
    [
        (lambda: testing.assert_denoises(oracle("constant"), ring()), "a claim about a manifold"),
        (lambda: testing.assert_homology_survives(oracle("constant"), ring(), field=3), "over Z/2"),
        (lambda: testing.assert_obstructed(oracle("constant"), "circle", reach=1.0), "no parameter 'reach'"),
        (lambda: testing.assert_obstructed(oracle("constant"), [[1.0, 2.0]]), "an array of rows, got list"),
        (lambda: testing.assert_no_collisions(oracle("constant"), ring(), apart=2.0), "data-collisions.separation"),
        (lambda: testing.assert_autoencodes(oracle("constant"), np.full((3, 2), np.nan), 0.1), "NaN"),
    ],
)
def test_assertions_on_the_wrong_ground_are_usage_errors(call: Callable[[], Any], phrase: str):
    """What cannot be asked of data, or of a manifold, says so."""
    with pytest.raises(UsageError, match=phrase):
        call()


def test_shares_of_alpha_add_up_to_alpha():
    """However many claims a test checks, all statistical statements together err with probability at most alpha."""
    settings = Settings(alpha=0.02)
    shares = [settings.next_alpha() for _ in range(1000)]
    assert sum(shares) == pytest.approx(0.02 * (1 - 1 / 1001))
    assert shares[:3] == pytest.approx([0.01, 0.02 / 6, 0.02 / 12])


def test_settings_reach_the_checks():
    """Seed and alpha are those of the test; a claim without statistical statements takes no share; what is given in the
    call wins; cases of one test share alpha."""
    with activated(Settings(seed=5, alpha=0.02)):
        testing.check_claim(oracle("constant"), "circle", "theorem-1")
        first = testing.check_claim(oracle("constant"), "circle", "theorem-2")
        second = testing.check_claim(oracle("constant"), "circle", "theorem-2", seed=6)
        case = testing.ClaimCase("theorem-2", cases=4)
        third = testing.check_claim(oracle("constant"), "circle", case)
        given = testing.check_claim(oracle("constant"), "circle", "theorem-2", alpha=0.5)
    reports = (first, second, third, given)
    assert [r.error_budget.alpha for r in reports] == pytest.approx([0.01, 0.02 / 6, 0.02 / 12 / 4, 0.5])
    assert [r.provenance.root_seed for r in reports] == [5, 6, 5, 5]
    assert active() is None
    plain = testing.check_claim(oracle("constant"), "circle", "theorem-2")
    assert (plain.error_budget.alpha, plain.provenance.root_seed) == (0.01, 0)


def test_budget_limits_enclosures(monkeypatch: pytest.MonkeyPatch):
    """Enclosures get what is left of the budget, shared by the components of K; then nothing more is checked."""
    seen = []
    from aeverify import pipeline

    judge = pipeline.check

    def watched(*args: Any, **named: Any) -> Any:
        seen.append(named["effort"])
        return judge(*args, **named)

    monkeypatch.setattr(pipeline, "check", watched)
    settings = Settings(budget=8.0)
    with activated(settings):
        testing.check_claim(oracle("label"), "two_circles", "theorem-1")
        assert 0.0 < settings.seconds_left < 8.0
        settings.spend(100.0)
        late = testing.check_claim(oracle("label"), "two_circles", "theorem-1")
    assert [effort.enclosure_seconds for effort in seen] == [4.0]
    assert [(v.outcome, v.reason.name) for v in late.verdicts] == [(Outcome.INCONCLUSIVE, "NOT_RUN")]
    assert late.exit_code == 4


def test_fixture_has_every_assertion():
    """What is a function of aeverify.testing is a method of the fixture."""
    names = [name for name in testing.__all__ if name.startswith("assert_")]
    assert len(names) == 8
    found = testing.Claims(Settings(seed=3, root_seed=2, alpha=0.5, budget=1.0, device="cpu"))
    assert [getattr(found, name) is getattr(testing, name) for name in names] == [True] * 8
    assert (found.seed, found.root_seed, found.alpha, found.budget, found.device) == (3, 2, 0.5, 1.0, "cpu")


def test_device_that_is_not_there_is_a_usage_error():
    """A test that needs a GPU fails where there is none, and says why."""
    with pytest.raises(UsageError, match="cuda:99"):
        _ = testing.Claims(Settings(device="cuda:99")).device


@pytest.mark.parametrize(
    ("given", "expected", "phrase"),
    [
        ([], {}, "nothing checked is not a pass"),
        ("theorem-1", {}, "takes a list of claims"),
        ([3], {}, "ids of claims, .* got int 3"),
        (["theorem-1"], {"theorem-2": "why"}, "'theorem-2', which is not among the claims"),
        (["error-bound", "error-bound"], {"error-bound": "why"}, "which is 2 times among the claims"),
        (["theorem-1"], {"theorem-1": " "}, "must say why the claim fails"),
        (["theorem-1"], {"theorem-1": None}, "must say why the claim fails"),
    ],
)
def test_parametrizing_with_nonsense_is_a_usage_error(given: Any, expected: Any, phrase: str):
    """It is found when the test is defined."""
    with pytest.raises(UsageError, match=phrase):
        testing.parametrize_with_claims(given, expected_failures=expected)


def test_parametrizing_what_is_no_test_is_a_usage_error():
    """A class, or a second list for one argument, is refused."""
    mark = testing.parametrize_with_claims(["theorem-1"])

    def test(claim: object) -> None: ...

    with pytest.raises(UsageError, match="decorates a test function, got type"):
        mark(int)
    with pytest.raises(UsageError, match="given claims twice under the argument 'claim'"):
        mark(mark(test))


def test_cases_are_what_was_listed():
    """Ids, pairs, mappings and checks become cases; names are matched as the command line matches them."""

    def test(claim: object) -> None: ...

    check = check_named("thick-set")
    marked = testing.parametrize_with_claims(
        ["Theorem 1", ("error-bound", {"epsilon": 0.1}), check], expected_failures={"theorem_1": "because"}
    )(test)
    cases = dict(marked.aeverify_claims)["claim"]
    assert [(str(c), dict(c.parameters), c.expected_failure, c.cases) for c in cases] == [
        ("Theorem 1", {}, "because", 3),
        ("error-bound", {"epsilon": 0.1}, "", 3),
        ("thick-set", {}, "", 3),
    ]


def test_saved_witness_is_replayed_from_its_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The model is saved beside the report, so that both can be moved; a damaged file is not believed."""
    model = narrow(0.5)
    report = testing.check_claim(model, "circle", "error-bound", epsilon=0.1)
    told = save_witness(report, report.verdicts[0], model, tmp_path / "first/it.json")
    assert told.replay == f"aeverify replay {tmp_path / 'first/it.json'} error-bound"
    (tmp_path / "first").rename(tmp_path / "second")
    monkeypatch.chdir(tmp_path)
    again = reporting.read_report("second/it.json")
    assert [(r.claim, r.status) for r in replay(again, None, "second")] == [("error-bound", "REPRODUCED")]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        ["it.json", f"{model.fingerprint()[:32]}.safetensors"]
    )


def test_models_without_a_file_form_leave_the_python_call(tmp_path: Path):
    """Callables cannot be saved; the witness says how to replay it with the model in memory."""
    model = Autoencoder.from_callables(np.zeros_like, np.zeros_like, ambient_dim=2, latent_dim=2, name="zero")
    report = testing.check_claim(model, "circle", "error-bound")
    told = save_witness(report, report.verdicts[0], model, tmp_path / "it.json", "it.json")
    call = "aeverify.replay(aeverify.reporting.read_report('it.json'), 'error-bound', autoencoder=model)"
    assert told.replay == call
    assert [p.name for p in tmp_path.iterdir()] == ["it.json"]


def test_large_models_are_not_copied_at_every_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Any]
):
    """Above a size the witness names the model's own file."""
    from aeverify.autoencoders.loading import load, save
    from aeverify.testing import witnesses

    monkeypatch.setattr(witnesses, "_MAX_PARAMETERS", 7)
    monkeypatch.chdir(tmp_path)
    model = load(save(narrow(0.5), "model.safetensors"))
    report = testing.check_claim(model, "circle", "error-bound")
    told = save_witness(report, report.verdicts[0], model, tmp_path / "out/it.json", "out/it.json")
    assert told.replay == f"aeverify replay out/it.json error-bound --model {tmp_path / 'model.safetensors'}"
    finished = cli(*told.replay.split()[1:])
    assert (finished.exit_code, finished.stdout.split()[0]) == (0, "REPRODUCED")


def test_witness_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path):
    """The folder's name is taken by a file."""
    (tmp_path / "taken").write_text("")
    report = testing.check_claim(oracle("constant"), "circle", "error-bound")
    with pytest.raises(UsageError, match="cannot be written"):
        save_witness(report, report.verdicts[0], oracle("constant"), tmp_path / "taken/it.json")
