"""The trained models that other tests rest on: each is what its name promises, with room to spare."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from aeverify.autoencoders.architectures import architecture
from aeverify.autoencoders.loading import load, training_record
from aeverify.autoencoders.protocol import Part
from aeverify.autoencoders.recipes import RECIPES, Recipe

FIXTURES = Path(__file__).parents[2] / "fixtures"


def circles(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the two unit circles of Kvalheim and Sontag at the angles t."""
    zero = np.zeros_like(t)
    return np.column_stack([np.cos(t), np.sin(t), zero]), np.column_stack([1 + np.sin(t), zero, np.cos(t)])


@pytest.mark.parametrize("name", ["two_circles_paper_0", "two_circles_paper_1"])
def test_the_paper_network_is_good_almost_everywhere_and_bad_somewhere(name: str) -> None:
    """Every training point within 0.1, at most 2 % of the length beyond 0.1, and on each circle an error above 1."""
    ae = load(FIXTURES / f"{name}.safetensors")
    training = np.vstack(circles(np.linspace(0, 2 * np.pi, 500)))
    assert ae.errors(training).max() < 0.1
    dense = circles((np.arange(100_000) + 0.5) / 100_000 * 2 * np.pi)
    for part in dense:
        errors = ae.errors(part)
        assert errors.max() > 1.0
        assert np.mean(errors > 0.1) < 0.02


@pytest.mark.parametrize("name", ["two_circles_paper_0", "two_circles_paper_1"])
def test_its_lipschitz_bound_is_above_what_a_tear_needs(name: str) -> None:
    """Where the training error is below 0.1 and the sup error above 1, D after E is steep; the bound is steeper."""
    ae = load(FIXTURES / f"{name}.safetensors")
    t = np.linspace(0, 2 * np.pi, 200_001)
    images = ae.reconstruct(circles(t)[0])
    slope = np.linalg.norm(np.diff(images, axis=0), axis=1).max() / (t[1] - t[0])
    evidence = ae.lipschitz(Part.RECONSTRUCTION)
    assert evidence is not None
    assert 100 < slope <= evidence.upper


def test_the_spiral_is_reconstructed_everywhere() -> None:
    """An arc is not obstructed: sup error below 0.1 on 20,001 points."""
    ae = load(FIXTURES / "spiral_0.safetensors")
    t = np.linspace(0, 1, 20_001)
    assert ae.errors(np.column_stack([(t + 1) * np.cos(5 * t + 1.5), (t + 1) * np.sin(5 * t + 1.5)])).max() < 0.1


@pytest.mark.parametrize(
    ("name", "shape"), [("two_circles_paper_0", "paper"), ("two_circles_paper_1", "paper"), ("spiral_0", "spiral")]
)
def test_the_files_say_how_they_were_made(name: str, shape: str) -> None:
    """Architecture, recipe and seed are in the metadata, and the recipe is still the registered one."""
    record = training_record(FIXTURES / f"{name}.safetensors")
    assert record["architecture"] == str(architecture(shape))
    registered = RECIPES[record["recipe"]["name"]]
    assert dataclasses.replace(Recipe.from_dict(record["recipe"]), summary=registered.summary) == registered
    assert record["converged"]
    assert int(record["seed"]) >= 0
