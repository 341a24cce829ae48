"""Studies with certified evidence: what it is used for, how it falls back, and what it is held to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aeverify import measure, widths
from aeverify.autoencoders.loading import load
from aeverify.autoencoders.oracles import oracle
from aeverify.claims import Effort, Study, claim
from aeverify.claims.width_bound import require_width_bound
from aeverify.core import Evidence, Interval, Outcome, Reason, Rigor, Seed
from aeverify.errors import InvariantError, UsageError
from aeverify.manifolds import manifold
from aeverify.measure import certified

SMALL = Effort(samples=1000, draws=5000, homology_samples=100, share_tolerance=1e-4)


@pytest.fixture(scope="module")
def trained():
    """The paper's network, trained on the paper's circles."""
    from pathlib import Path

    return load(Path(__file__).parents[2] / "fixtures" / "two_circles_paper_0.safetensors")


def study(model, space: str = "two_circles", effort: Effort = SMALL) -> Study:
    """A study with small sample sizes."""
    return Study(model, manifold(space), Seed(0), effort=effort)


def test_worst_error_and_bad_set_of_a_network_are_certified(trained):
    """Both ends, on each circle."""
    found = study(trained)
    assert [e.rigor for e in found.sup_errors()] == [Rigor.CERTIFIED] * 2
    assert all(e.interval.width <= 2e-3 for e in found.sup_errors())
    assert found.bad_set(0.1).rigor is Rigor.CERTIFIED
    verdict = claim("thick-set").check(found)
    assert (verdict.outcome, verdict.rigor) == (Outcome.PASS, Rigor.CERTIFIED)
    assert verdict.threshold.lower > 0


def test_without_layers_the_study_falls_back_and_says_so():
    """An oracle: STATISTICAL, with the reason in the method that the report shows."""
    found = study(oracle("cut"), "circle").bad_set(0.1)
    assert found.rigor is Rigor.STATISTICAL
    assert found.method.startswith("No certified enclosure: the model is not made of torch layers.")


def test_without_time_there_are_no_enclosures(trained):
    """Zero seconds leave them out; the requirement names that as the reason."""
    found = study(trained, effort=replace(SMALL, enclosure_seconds=0.0))
    assert found.bad_set(0.1).rigor is Rigor.STATISTICAL
    (only,) = found.requirement(0.1, 0.05)
    assert "no time was given to it" in only.method


def test_an_unfinished_enclosure_is_narrowed_by_draws(trained):
    """What was reached stays, the draws narrow it, and the evidence is no more rigorous than they are."""
    found = study(trained, effort=replace(SMALL, enclosure_seconds=1e-6))
    first, second = found.bad_sets(0.1)
    assert (first.interval, first.rigor) == (Interval(0.0, 1.0), Rigor.CERTIFIED)
    assert second.rigor is Rigor.STATISTICAL
    assert first.interval.encloses(second.interval)
    assert "was not finished (time budget)" in second.method
    assert found.bad_set(0.1) == second


def test_a_requirement_falls_back_when_time_runs_out(trained):
    """The draws decide a share; the reason is what was reached."""
    found = study(trained, effort=replace(SMALL, enclosure_seconds=1e-6))
    verdict = claim("error-bound").configured({"epsilon": 0.1, "delta": 0.05}).check(found)
    assert (verdict.outcome, verdict.rigor) == (Outcome.PASS, Rigor.STATISTICAL)
    assert "decides nothing" in verdict.evidence.method


def test_a_certified_requirement_has_a_witness(trained):
    """Everywhere is refuted by one point, off a share it is proved."""
    failed = claim("error-bound").configured({"epsilon": 0.1}).check(study(trained))
    assert (failed.outcome, failed.rigor) == (Outcome.FAIL, Rigor.CERTIFIED)
    assert failed.witness.points[0].error > 0.1
    passed = claim("error-bound").configured({"epsilon": 0.1, "delta": 0.01}).check(study(trained))
    assert (passed.outcome, passed.rigor) == (Outcome.PASS, Rigor.CERTIFIED)


def falsified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the enclosures claim that no error exceeds 1/2."""
    import aeverify.enclosure as enclosure

    true = enclosure.enclose_sup_error

    def lie(*arguments, **options):
        found = true(*arguments, **options)
        return replace(found, interval=Interval(0.0, 0.5), witness=None, witness_error=None)

    monkeypatch.setattr(enclosure, "enclose_sup_error", lie, raising=False)


def test_the_hook_of_the_tests_bites(trained, monkeypatch):
    """A falsified enclosure below the width 1 of the circles raises wherever a test makes one."""
    falsified(monkeypatch)
    network = certified.enclosable(trained, manifold("two_circles"))
    with pytest.raises(InvariantError, match="no continuous autoencoder"):
        certified.sup_enclosure(trained, manifold("two_circles"), network, (0,), 1e-2, 5.0)


def test_an_enclosure_below_a_point_that_was_found_is_a_contradiction(trained, monkeypatch):
    """Without the hook too: the search has an error of 2 in hand, so the claim ends in ERROR, never in FAIL."""
    falsified(monkeypatch)
    monkeypatch.setattr(widths, "best_lower", lambda *_: Evidence("width", Interval(0.1, 1.0), Rigor.EXACT, ""))
    verdict = claim("theorem-1").check(study(trained))
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, Reason.CONTRADICTION)
    assert "no number in common" in verdict.message


def test_a_study_holds_its_enclosures_to_the_width(trained, monkeypatch):
    """An enclosure [0.2, 0.5] on circles of width 1 is a bug, and the verdict says so."""
    low = Evidence("sup_error", Interval(0.2, 0.5), Rigor.CERTIFIED, "", details={"boxes": 1})
    monkeypatch.setattr(measure, "sup_error_by_component", lambda *_, **__: (low, low))
    with pytest.raises(InvariantError, match="component 0 of two_circles"):
        study(trained).sup_errors()
    verdict = claim("theorem-1").check(study(trained))
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, Reason.CONTRADICTION)


def test_the_bound_itself_is_no_violation():
    """The best autoencoder attains the width."""
    width = Evidence("width", Interval.at_least(1.0), Rigor.EXACT, "")
    require_width_bound(Evidence("sup_error", Interval(0.9, 1.0), Rigor.CERTIFIED, ""), width, "K")
    with pytest.raises(InvariantError):
        require_width_bound(Evidence("sup_error", Interval(0.9, 0.999), Rigor.CERTIFIED, ""), width, "K")


@pytest.mark.parametrize("field", ["sup_tolerance", "share_tolerance", "enclosure_seconds"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), True])
def test_efforts_out_of_range_are_refused(field, value):
    """Negative, NaN and true are no amounts; a tolerance of zero neither."""
    with pytest.raises(UsageError, match=field):
        Effort(**{field: value})
    with pytest.raises(UsageError):
        Effort(share_tolerance=0.0)
