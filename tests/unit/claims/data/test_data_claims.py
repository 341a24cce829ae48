"""Claims about data: their parameters, their premises, and what a verdict on them says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from aeverify.autoencoders.oracles import oracle
from aeverify.autoencoders.protocol import Autoencoder
from aeverify.claims.data import DATA_CLAIMS, DataStudy, checks_for, data_claim
from aeverify.core import Outcome, Reason, Rigor, Seed, Verdict
from aeverify.data import DataSet, load_data
from aeverify.errors import UnknownNameError, UsageError
from aeverify.measure.data import reevaluate_rows


def circle(rows: int = 800, seed: int = 0) -> np.ndarray:
    """Independent uniform rows of the unit circle."""
    t = np.random.Generator(np.random.PCG64(seed)).uniform(0, 2 * math.pi, rows)
    return np.c_[np.cos(t), np.sin(t)]


def verdict(claim: str, model: Autoencoder, data: DataSet, alpha: float = 0.01, **parameters: Any) -> Verdict:
    """The verdict on one claim."""
    (check,) = checks_for(data, model.latent_dim, {claim: parameters})
    return check.check(DataStudy(model, data, Seed(0), alpha=alpha))


def test_a_run_without_names_takes_what_needs_no_number_of_the_users():
    """The others are asked for by name."""
    chosen = checks_for(load_data(circle()), 1)
    assert [c.claim.id for c in chosen] == ["data-collisions"]
    assert sum(c.statistical_statements for c in DATA_CLAIMS.values()) == 4


@pytest.mark.parametrize("claims", ["population-error", ["Population Error"], [DATA_CLAIMS["population-error"]]])
def test_claims_are_named_freely(claims: Any):
    """Case, spaces and dashes do not matter; a check stands for itself."""
    assert [c.claim.id for c in checks_for(load_data(circle()), 1, claims)] == ["population-error"]


def test_unknown_claims_and_parameters_are_refused():
    """Claims about manifolds with words of their own, since nothing is known of data."""
    data = load_data(circle())
    with pytest.raises(UsageError, match="claim about a manifold"):
        checks_for(data, 1, ["theorem-1"])
    with pytest.raises(UnknownNameError, match="population-error"):
        data_claim("population-eror")
    with pytest.raises(UsageError, match="no parameter 'eps'"):
        checks_for(data, 1, {"population-error": {"eps": 1.0}})
    with pytest.raises(UsageError, match="must be a number"):
        checks_for(data, 1, {"population-error": {"epsilon": "small"}})
    for empty in ([], {}):
        with pytest.raises(UsageError, match="No claim was named"):
            checks_for(data, 1, empty)


@pytest.mark.parametrize(
    ("claim", "parameters"),
    [
        ("population-error", {"epsilon": 0.0}),
        ("population-error", {"delta": 0.0}),
        ("population-error", {"delta": 1.0}),
        ("population-quantile", {"level": 1.0}),
        ("population-quantile", {"epsilon": math.inf}),
        ("population-mean", {"bound": -1.0}),
        ("population-mean", {"epsilon": math.nan}),
        ("data-sup", {"epsilon": -0.1}),
        ("data-collisions", {"separation": 1.0}),
        ("data-collisions", {"tolerance": 0.0}),
        ("data-latent-homology", {"mismatch": -1}),
        ("data-latent-homology", {"max_degree": 3}),
        ("data-latent-homology", {"distance": math.inf}),
        ("data-width", {"covering_radius": -1.0}),
        ("data-width", {"reach": math.nan}),
    ],
)
def test_parameters_out_of_range_are_refused(claim: str, parameters: dict[str, Any]):
    """When the check is configured, before anything runs."""
    with pytest.raises(UsageError, match=claim):
        data_claim(claim).configured(parameters)


def test_a_model_of_another_dimension_is_refused():
    """Before any claim is asked."""
    with pytest.raises(UsageError, match=r"rows of 3 numbers"):
        DataStudy(oracle("identity"), load_data(np.eye(3)), Seed(0))


def test_one_percent_at_ninety_nine_takes_528_rows():
    """Without one bad row: 1 - (alpha/2)^(1/n) <= 0.01 from n = 528 on."""
    for rows, outcome in ((527, Outcome.INCONCLUSIVE), (528, Outcome.PASS)):
        data = load_data(circle(rows), held_out=1.0)
        assert verdict("population-error", oracle("identity"), data, delta=0.01).outcome is outcome


def test_a_statistical_verdict_lists_what_it_takes_from_the_caller():
    """Independent draws, held out by a named rule; its rigor is STATISTICAL, and the data are recorded."""
    data = load_data(circle(), held_out=0.5, name="ring")
    found = verdict("population-error", oracle("constant"), data, epsilon=0.5, delta=0.1)
    assert (found.outcome, found.rigor, found.manifold) == (Outcome.FAIL, Rigor.STATISTICAL, "data:ring")
    assert found.evidence is not None and found.witness is not None
    assert "drawn with seed 0" in found.evidence.assumptions[1]
    assert found.evidence.details["fingerprint"] == data.fingerprint
    assert found.witness.points[0].error == pytest.approx(1.0)
    assert [p.id for p in found.premises] == ["held-out", "independent", "disjoint", "function-of-one-point"]


@pytest.mark.parametrize("claim", ["population-error", "population-quantile", "population-mean"])
def test_claims_about_the_population_need_their_premises(claim: str):
    """Held-out rows, independence, no row in both parts: each one that fails ends in VACUOUS by its name."""
    x, model = circle(), oracle("identity")
    repeated = load_data(x, held_out=x[:5])
    cases = {
        "held-out": load_data(x),
        "independent": load_data(x, held_out=0.5, independent=False),
        "disjoint": repeated,
    }
    for premise, data in cases.items():
        found = verdict(claim, model, data)
        assert (found.outcome, found.reason) == (Outcome.VACUOUS, Reason.PREMISE_UNMET)
        assert (found.premises[-1].id, found.premises[-1].holds) == (premise, False)
    assert "row 0 of held-out array" in verdict(claim, model, repeated).message


@pytest.mark.parametrize("claim", ["population-error", "data-sup", "data-collisions", "data-latent-homology"])
def test_a_model_that_looks_at_the_other_rows_decides_nothing(claim: str):
    """Batch norm in train mode is no function of one row."""
    norm = torch.nn.BatchNorm1d(2, affine=False).double()

    def encode(x):
        return norm.train()(torch.from_numpy(x)).numpy() if len(x) > 1 else x

    model = Autoencoder.from_callables(encode, lambda z: z, ambient_dim=2, latent_dim=2)
    found = verdict(claim, model, load_data(circle() * 3.0, held_out=0.5))
    assert (found.outcome, found.premises[-1].id) == (Outcome.VACUOUS, "function-of-one-point")
    assert "evaluation mode" in found.message


@pytest.mark.parametrize("claim", list(DATA_CLAIMS))
def test_nan_is_an_error_with_the_row(claim: str):
    """Never a pass and never a failure of the claim."""
    data = load_data(circle(), held_out=0.5)
    found = verdict(
        claim, oracle("nan"), data, **({"covering_radius": 0.1, "reach": 0.9} if claim == "data-width" else {})
    )
    assert (found.outcome, found.reason) == (Outcome.ERROR, Reason.NON_FINITE_OUTPUT)
    assert found.witness is not None and found.witness.kind == "non_finite"


def test_the_mean_needs_twenty_rows_and_a_bound_that_holds():
    """A bound that a row refutes makes the claim VACUOUS."""
    few = verdict("population-mean", oracle("identity"), load_data(circle(19), held_out=1.0))
    assert (few.outcome, few.premises[-1].id) == (Outcome.VACUOUS, "enough-rows")
    data = load_data(circle(), held_out=1.0)
    refuted = verdict("population-mean", oracle("constant"), data, bound=0.9)
    assert (refuted.outcome, refuted.premises[-1].id) == (Outcome.VACUOUS, "bounded")
    free = verdict("population-mean", oracle("identity"), data)
    assert (free.outcome, free.supporting[0].quantity) == (Outcome.INCONCLUSIVE, "mean_error_bootstrap")


def test_the_worst_row_is_certified_where_layers_are_known_and_empirical_elsewhere():
    """And nothing is said of other points."""
    data = load_data(circle())
    known = verdict("data-sup", oracle("identity"), data)
    opaque = Autoencoder.from_callables(lambda x: x, lambda z: z, ambient_dim=2, latent_dim=2)
    assert (known.outcome, known.rigor) == (Outcome.PASS, Rigor.CERTIFIED)
    assert (verdict("data-sup", opaque, data).rigor) is Rigor.EMPIRICAL
    assert known.evidence is not None and "Nothing is said of other points" in known.evidence.method


def test_the_bound_of_the_width_is_that_of_the_circle_less_the_covering_radius():
    """Near 1; the held-out half tests the covering radius of the other; and the caller's word is listed."""
    data = load_data(circle(2_000), held_out=0.5)
    found = verdict("data-width", oracle("constant"), data, covering_radius=0.03, reach=0.9)
    assert (found.outcome, found.rigor) == (Outcome.PASS, Rigor.EMPIRICAL)
    assert found.threshold is not None and 0.9 < found.threshold.lower <= 1.0
    bound = found.supporting[0]
    assert any("as the caller says" in a for a in bound.assumptions)
    refuted = verdict("data-width", oracle("constant"), data, covering_radius=1e-4, reach=0.9)
    assert (refuted.outcome, refuted.premises[-1].id) == (Outcome.VACUOUS, "covering")
    unknown = verdict("data-width", oracle("constant"), data)
    assert (unknown.outcome, unknown.reason) == (Outcome.INCONCLUSIVE, Reason.PREMISE_UNDECIDED)
    assert unknown.evidence is not None and unknown.evidence.lower == 0.0
    assert unknown.evidence.details["estimate"] > 0.9


def test_the_width_says_nothing_of_models_that_jump_or_of_classes_that_are_born_late():
    """A discontinuous model, and a reach too small for the birth of the loop."""
    data = load_data(circle(), held_out=0.5)
    jumps = Autoencoder.from_callables(
        lambda x: x[:, :1], lambda z: np.c_[z, z], ambient_dim=2, latent_dim=1, continuous=False
    )
    found = verdict("data-width", jumps, data, covering_radius=0.1, reach=0.9)
    assert (found.outcome, found.reason) == (Outcome.VACUOUS, Reason.NOT_CONTINUOUS)
    late = verdict("data-width", oracle("constant"), data, covering_radius=0.1, reach=1e-4)
    assert (late.outcome, late.reason) == (Outcome.VACUOUS, Reason.NO_OBSTRUCTION)


def test_a_bottleneck_distance_can_be_asked_for_too():
    """The counts agree, the shapes do not."""
    data = load_data(circle())
    squeezed = Autoencoder.from_callables(
        lambda x: x * [1.0, 0.5], lambda z: z / [1.0, 0.5], ambient_dim=2, latent_dim=2, continuous=True
    )
    assert verdict("data-latent-homology", squeezed, data).outcome is Outcome.PASS
    found = verdict("data-latent-homology", squeezed, data, distance=0.1)
    assert (found.outcome, found.evidence.quantity if found.evidence else "") == (Outcome.FAIL, "bottleneck_distance")
    assert verdict("data-latent-homology", squeezed, data, distance=0.9).outcome is Outcome.PASS


def test_a_cloud_without_features_leaves_nothing_to_keep():
    """VACUOUS, and not a pass."""
    blob = np.random.Generator(np.random.PCG64(0)).standard_normal((300, 2))
    found = verdict("data-latent-homology", oracle("identity"), load_data(blob))
    assert (found.outcome, found.premises[-1].id) == (Outcome.VACUOUS, "features")


@pytest.mark.parametrize("claim", [c for c in DATA_CLAIMS if c != "data-width"])
def test_a_failure_has_a_witness_that_a_replay_reproduces(claim: str):
    """At the coordinates that it carries, and after it was written and read."""
    model = oracle("constant")
    found = verdict(claim, model, load_data(circle(), held_out=0.5), **{"bound": 2.1} if "mean" in claim else {})
    assert found.outcome is Outcome.FAIL and found.witness is not None
    assert Verdict.from_dict(found.to_dict()) == found
    assert reevaluate_rows(model, found.witness) == found.witness


def test_the_same_seed_gives_the_same_verdict():
    """To the last digit."""
    data = load_data(circle(), held_out=0.3, seed=5)
    for claim in DATA_CLAIMS:
        first, again = (verdict(claim, oracle("cut:half_width=0.1"), data).to_dict() for _ in range(2))
        assert first == again
