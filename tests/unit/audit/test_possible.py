"""The stages without training: what theory excludes, what it forces, and what it leaves open."""

from __future__ import annotations

import math
from typing import Any

import pytest

from aeverify.audit.findings import Finding
from aeverify.audit.floors import floors
from aeverify.audit.possible import judge
from aeverify.core.evidence import Rigor
from tests.unit.audit.rows import row, stated

LEVEL = {"functions": "lipschitz", "lipschitz": 3.0, "level": 0.5}
FLOOR = 1 / (8 * math.pi)


def found(quantity: str, relation: str, threshold: float, **fields: Any) -> Finding | None:
    """The finding of theory on a statement about the unit circle with a scalar code."""
    return judge(row(stated(quantity, relation, threshold, **fields)))


def reason(*arguments: Any, **fields: Any) -> str | None:
    """Its reason, None where theory leaves the row to training."""
    finding = found(*arguments, **fields)
    return None if finding is None else finding.reason.code


@pytest.mark.parametrize(
    ("relation", "threshold", "quantifier", "expected"),
    [
        ("<=", 0.999, "all", "impossible"),
        ("<=", 0.999, "some", "impossible"),
        ("<=", 0.999, "average", "impossible"),
        ("<", 1.0, "some", "impossible"),
        ("about", 0.5, "some", "impossible"),
        ("==", 0.5, "all", "impossible"),
        ("<=", 1.001, "some", "supported"),
        ("<=", 1.001, "all", "refuted"),
        (">=", 1.0, "all", "forced"),
        (">=", 0.3, "average", "forced"),
        (">", 0.999, "all", "forced"),
        (">=", 1.001, "all", "refuted"),
        (">=", 1.001, "some", "forced"),
        (">=", 1.001, "average", "not-checkable"),
        ("about", 1.5, "some", "not-checkable"),
        ("<=", 1.0, "some", "undecided"),
    ],
)
def test_worst_errors_against_the_width(relation: str, threshold: float, quantifier: str, expected: str):
    """w_1 of the unit circle is 1, and the infimum is not said to be attained."""
    assert reason("sup-error", relation, threshold, quantifier=quantifier) == expected


def test_an_impossible_claim_comes_with_bound_proof_and_command():
    """The bound is the width, the proof is in words and a command shows it again."""
    finding = found("sup-error", "<=", 0.5)
    assert finding is not None
    assert finding.evidence[0].lower == 1.0
    assert finding.evidence[0].rigor is Rigor.EXACT
    assert finding.proof
    assert finding.commands == ("aeverify width 'circle:radius=1,ambient_dim=2' --latent-dim 1 --explain",)


def test_what_was_measured_is_named_where_it_bounds_the_other_side():
    """A sampled maximum sold as a supremum, and a mean: the text says which side they bound."""
    impossible = found("sup-error", "<=", 0.5, measured="sampled-maximum")
    assert impossible is not None and "bounds the supremum from below only" in impossible.text
    wrong = found("sup-error", "<=", 2.5, measured="mean-error", quantifier="average")
    assert wrong is not None and (wrong.reason.code, "a mean bounds" in wrong.text) == ("wrong-side", True)
    assert reason("sup-error", ">=", 0.5, measured="sampled-maximum") == "forced"


def test_a_claim_with_a_recipe_is_left_to_training_unless_theory_decides():
    """Possible: to be reproduced. Impossible or forced: nothing is trained."""
    training = {"training": {"architecture": "mlp:hidden=[4]", "seeds": 2}}
    assert judge(row(stated("sup-error", "<=", 1.5), **training)) is None
    assert judge(row(stated("sup-error", "<=", 1.5), model="oracle:constant")) is None
    impossible = judge(row(stated("sup-error", "<=", 0.5), **training))
    assert impossible is not None and impossible.reason.code == "impossible"


def test_models_that_may_jump_are_not_obstructed():
    """R and the plane have a bijection, so that some discontinuous model is perfect."""
    assert reason("sup-error", "<=", 0.1, functions="any", quantifier="some") == "supported"
    assert reason("sup-error", ">=", 0.1, functions="any") == "refuted"


def test_bad_sets_of_lipschitz_models_have_a_floor():
    """{e > 1/2} holds an arc of 2 (1/2)/(L + 1), a share of 1/(8 pi) for L = 3; without L there is none but 0."""
    assert reason("bad-set-share", "<=", 0.99 * FLOOR, **LEVEL) == "impossible"
    assert reason("bad-set-share", ">=", 0.99 * FLOOR, **LEVEL) == "forced"
    assert reason("bad-set-share", "<=", 1e-9, quantifier="some", level=0.5) == "supported"
    assert reason("bad-set-share", "<=", 0.0, quantifier="some", level=0.5) == "impossible"
    assert reason("bad-set-share", ">", 0.0, level=0.5) == "forced"
    assert reason("bad-set-share", "<=", 0.0, quantifier="some", level=1.0) != "impossible"


def test_a_printed_zero_is_possible_within_its_tolerance():
    """0.000 printed to three digits stands for anything below 0.0005, which is above 0."""
    statement = stated("mean-error", "about", 0.0)
    exact, rounded = judge(row(statement)), judge(row(statement, tolerance=5e-4))
    assert exact is not None and exact.reason.code == "impossible"
    assert rounded is not None and rounded.reason.code == "not-checkable"


def test_mean_errors_of_lipschitz_models_have_floors():
    """On the circle the mean of e is at least 1/(2 pi (L + 1)), that of e^2 at least 1/(3 pi (L + 1))."""
    lipschitz = {"functions": "lipschitz", "lipschitz": 2.0}
    for quantity, floor in (("mean-error", 1 / (6 * math.pi)), ("mean-squared-error", 1 / (9 * math.pi))):
        (evidence,) = floors(row(stated(quantity, "<=", 0.0, **lipschitz)).statement)  # type: ignore[arg-type]
        assert evidence.lower == pytest.approx(floor, rel=1e-9)
        assert evidence.lower <= floor
        assert reason(quantity, "<=", 0.999 * floor, **lipschitz) == "impossible"
        assert reason(quantity, "<=", 1e-6, quantifier="some") == "supported"
        assert reason(quantity, "==", 0.0, quantifier="some") == "impossible"


def test_affine_decoders_leave_the_smaller_eigenvalues():
    """The circle leaves 1/2 of mean e^2 and so sqrt(1/2) of the worst error, less the allowance for the draw."""
    affine = {"functions": "affine-decoder"}
    (mean,) = floors(row(stated("mean-squared-error", "<=", 0.0, **affine)).statement)  # type: ignore[arg-type]
    assert 0.46 < mean.lower < 0.5
    assert mean.rigor is Rigor.STATISTICAL
    assert reason("mean-squared-error", "<=", 0.45, **affine) == "impossible"
    assert reason("mean-squared-error", "<=", 0.45, quantifier="some") == "supported"
    spiral = row({**stated("sup-error", "<=", 0.1, **affine, quantifier="some"), "set": "spiral"})
    finding = judge(spiral)
    assert finding is not None and (finding.reason.code, finding.evidence[0].details["name"]) == (
        "impossible",
        "Eckart-Young floor",
    )


@pytest.mark.parametrize(
    ("spec", "m", "expected"),
    [
        ("sphere:dim=2,radius=1", 2, "impossible"),
        ("sphere:dim=2,radius=1", 3, "supported"),
        ("klein:R=2,r=1", 3, "impossible"),
        ("klein:R=2,r=1", 4, "supported"),
        ("moebius:R=1,h=0.4", 2, "impossible"),
        ("annulus:inner=1,outer=2", 2, "supported"),
        ("swiss_roll:start=0.75,end=2.25,width=21", 2, "supported"),
        ("spiral", 1, "supported"),
    ],
)
def test_injective_codes_where_the_set_embeds(spec: str, m: int, expected: str):
    """A positive width leaves no injective continuous encoder; an embedding is one."""
    claim = {"set": spec, "latent_dim": m, "quantity": "injective-codes", "relation": "==", "quantifier": "some"}
    finding = judge(row({**claim, "threshold": 1}))
    assert finding is not None and finding.reason.code == expected
    denied = judge(row({**claim, "threshold": 0, "quantifier": "all"}))
    assert denied is not None
    assert denied.reason.code == {"impossible": "forced", "supported": "refuted"}[expected]
    trivial = judge(row({**claim, "threshold": 0, "quantifier": "some"}))
    assert trivial is not None and trivial.reason.code == "forced"


def test_codes_in_a_closed_manifold_of_the_same_dimension():
    """A torus is no sphere, a sphere is one, and an ellipse may be a circle for all that Betti numbers say."""

    def on(spec: str, latent: str, m: int) -> str:
        claim = {"set": spec, "latent_dim": m, "latent_set": latent, "quantity": "injective-codes"}
        finding = judge(row({**claim, "relation": "==", "threshold": 1, "quantifier": "some"}))
        assert finding is not None
        return finding.reason.code

    sphere = "sphere:dim=2,radius=1"
    assert on("torus:R=2,r=1", sphere, 3) == "impossible"
    assert on(sphere, sphere, 3) == "supported"
    assert on("ellipsoid:axes=[3,2,1]", sphere, 3) == "undecided"
    assert on("sphere:dim=3,radius=0.5", "torus:R=2,r=1", 3) == "impossible"


def test_codes_have_no_homology_from_degree_m_on():
    """Alexander duality decides degree m and above; below, components are all that is known."""

    def on(degree: int, relation: str, threshold: float, spec: str = "two_circles", m: int = 1) -> str | None:
        claim = {"set": spec, "latent_dim": m, "quantity": "latent-betti", "degree": degree, "field": "Z/2"}
        finding = judge(row({**claim, "relation": relation, "threshold": threshold}, model="oracle:constant"))
        return None if finding is None else finding.reason.code

    assert on(1, ">=", 1) == "impossible"
    assert on(1, "==", 0) == "forced"
    assert on(0, "<=", 2) == "forced"
    assert on(0, ">=", 3) == "impossible"
    assert on(0, ">=", 2) is None
    assert on(1, ">=", 1, "torus:R=2,r=1", 2) is None


@pytest.mark.parametrize(
    ("field", "threshold", "expected"), [("Z/2", 1, "supported"), ("Z/3", 1, "refuted"), ("Q", 0, "supported")]
)
def test_betti_numbers_by_field(field: str, threshold: float, expected: str):
    """The Klein bottle has a class in degree 2 over Z/2 alone, and the text says over which fields it has one."""
    claim = {"set": "klein:R=2,r=1", "quantity": "betti", "degree": 2, "field": field, "relation": "=="}
    finding = judge(row({**claim, "threshold": threshold}))
    assert finding is not None
    assert finding.reason.code == expected
    assert "0 over Q, 1 over Z/2, 0 over Z/3" in finding.text


def test_widths_as_claims():
    """A printed width is right within its tolerance, wrong outside of the enclosure, and open inside of a gap."""

    def on(spec: str, relation: str, threshold: float, tolerance: float = 0.0) -> str:
        claim = {"set": spec, "latent_dim": 1, "quantity": "width", "relation": relation, "threshold": threshold}
        finding = judge(row(claim, tolerance=tolerance))
        assert finding is not None
        return finding.reason.code

    assert on("ellipse:a=3,b=2", "==", 2.0) == "supported"
    assert on("ellipse:a=3,b=2", "==", 4 / 3) == "refuted"
    assert on("reuleaux:width=1,sides=3,sharpness=0.9", "==", 0.5, 1e-5) == "supported"
    assert on("veronese", "<=", 0.75) == "undecided"
    assert on("veronese", "<=", 0.5) == "refuted"
