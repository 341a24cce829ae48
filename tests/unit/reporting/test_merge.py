from __future__ import annotations

from dataclasses import replace

from aeverify.core import ExitCode, ModelRecord, Outcome, Provenance, Report
from aeverify.reporting.merge import merge

SESSION = Provenance({"aeverify": "1"}, "", "", "", 3, "pytest", "2025-01-01T00:00:00+00:00", 1.0)
MEASURED = replace(SESSION, versions={"torch": "2"}, device="cpu", cpu_capability="AVX2", dtype="float64", root_seed=9)
MODEL = ModelRecord("model", "oracle", "", "abc")


def report(manifold: str, latent_dim: int = 1, **changes: object) -> Report:
    """A report without verdicts."""
    base = Report("title", manifold, {"reach": "1"}, latent_dim, (), (MODEL,), (), MEASURED)
    return replace(base, **changes)


def test_nothing_merged_is_vacuous():
    """A session that checked nothing passes nothing."""
    found = merge([], "session", SESSION)
    assert (found.outcome, found.exit_code) == (Outcome.VACUOUS, ExitCode.UNDECIDED)
    assert found.provenance.device == "none"


def test_provenance_is_of_the_session_and_of_its_parts():
    """Seed, command and time are the session's; versions and devices are those that computed."""
    found = merge([report("circle"), report("circle")], "session", SESSION).provenance
    assert (found.root_seed, found.command, found.device, found.dtype) == (3, "pytest", "cpu", "float64")
    assert found.versions == {"aeverify": "1", "torch": "2"}


def test_models_and_notes_are_listed_once():
    """The same model under two claims is one model."""
    found = merge([report("circle", notes=("a",)), report("circle", notes=("a", "b"))], "session", SESSION)
    assert (found.models, found.notes) == ((MODEL,), ("a", "b"))


def test_facts_of_several_sets_are_told_apart():
    """Facts carry the name of their set where there is more than one."""
    found = merge([report("circle"), report("two_circles", 2)], "session", SESSION)
    assert found.manifold == "circle; two_circles"
    assert found.manifold_facts == {"circle: reach": "1", "two_circles: reach": "1"}
    assert found.latent_dim == 2


def test_interrupt_of_a_part_is_an_interrupt_of_the_whole():
    """A part that was not finished keeps the whole from passing."""
    found = merge([report("circle"), report("circle", interrupted="measure")], "session", SESSION)
    assert (found.interrupted, found.exit_code) == ("measure", ExitCode.INTERRUPTED)
