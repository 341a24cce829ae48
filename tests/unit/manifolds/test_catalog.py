import math

import numpy as np
import pytest

from aeverify.core import Spec
from aeverify.errors import SpecError, UnknownNameError, UsageError
from aeverify.manifolds import MANIFOLDS, Circle, facts, manifold, training_points


def test_a_manifold_can_be_asked_for_in_three_ways():
    """A line, a Spec and the manifold itself give the same set."""
    k = manifold("circle:radius=2")
    assert k == manifold(Spec("circle", {"radius": 2})) == manifold(k) == Circle(2.0)


def test_defaults_are_spelt_out_in_the_canonical_spec():
    """Whatever was left out, one set has one line."""
    assert str(manifold("circle")) == "circle:radius=1,ambient_dim=2"
    assert str(manifold("circle:center=[0,0],plane=[0,1]")) == "circle:radius=1,ambient_dim=2"
    assert str(manifold("circle:center=[-0.0,0]")) == "circle:radius=1,ambient_dim=2"


@pytest.mark.parametrize(
    ("spec", "error", "what"),
    [
        ("elipse:a=3,b=2", UnknownNameError, "did you mean 'ellipse'"),
        ("handlebody", UnknownNameError, "Known: annulus"),
        ("circle:radus=2", SpecError, "Did you mean 'radius'"),
        ("spiral:a=2", SpecError, "takes no parameters"),
        ("ellipse:a=3", SpecError, "needs b"),
        ("ellipse", SpecError, "needs a and b"),
        ("ellipse:a=nan,b=1", SpecError, "finite"),
        ("ellipse:a=inf,b=1", SpecError, "finite"),
        ("ellipse:a=1e999,b=1", SpecError, "finite"),
        ("circle:radius=[1,2]", SpecError, "real number"),
        ("circle:radius=big", SpecError, "real number"),
        ("", SpecError, "Expected a spec"),
        ("union:parts=circle", SpecError, "list of quoted"),
        ("union:parts=[1,2]", SpecError, "list of quoted"),
        ('union:parts=["circle","nothing"]', UnknownNameError, "no manifold named"),
        ('union:parts=["circle","circle:radius=0"]', SpecError, "positive"),
    ],
)
def test_specs_that_cannot_be_built_say_why_in_one_paragraph(spec, error, what):
    """Unknown names and parameters come with the nearest known one, missing ones with an example."""
    with pytest.raises(error, match=what) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)


def test_the_papers_grid_is_the_papers_bit_for_bit():
    """1000 rows, made by the lines of the paper's appendix; the end point is repeated and the method says so."""
    sample = training_points("two_circles", "paper")
    t = np.linspace(0, 2 * np.pi, 500)
    second = np.column_stack((1 + 1 * np.sin(t), 0 * np.ones_like(t), 0 + 1 * np.cos(t)))
    assert len(sample) == 1000
    assert sample.points[500:].tolist() == second.tolist()
    assert np.abs(sample.points[0] - sample.points[499]).max() < 1e-15
    assert "499" in sample.method
    k = manifold("two_circles")
    for i in range(2):
        rows = sample.component == i
        np.testing.assert_allclose(k.embed(i, sample.parameters[rows]), sample.points[rows], atol=2e-15)
    assert sample.covering_radius.upper == pytest.approx(math.pi / 499, rel=1e-9)


def test_the_tutorials_sample_reproduces_its_printed_pca_error():
    """The root mean squared norm that PCA with one component leaves on the spiral's sample is 0.9049436506773132."""
    sample = training_points("spiral", "paper")
    x = sample.points - sample.points.mean(axis=0)
    assert math.sqrt(np.linalg.eigvalsh(x.T @ x / 100)[0]) == pytest.approx(0.9049436506773132, abs=1e-12)
    np.testing.assert_allclose(manifold("spiral").chart.embed(sample.parameters), sample.points, atol=1e-15)


def test_the_seed_plays_no_part_in_published_points():
    """Published data sets are what they are."""
    assert (
        training_points("spiral", "paper", 5).points.tolist() == training_points("spiral", "paper", 6).points.tolist()
    )


@pytest.mark.parametrize(("spec", "n"), [("circle", "paper"), ("two_circles", "all"), ("two_circles", "100")])
def test_points_that_nobody_published_are_refused(spec, n):
    """Only numbers and "paper" are understood, and "paper" only where there is one."""
    with pytest.raises(UsageError):
        training_points(spec, n)


def test_facts_are_short_texts():
    """The facts of the two circles name the reach of the whole and of each component."""
    told = facts(manifold("two_circles"))
    assert told["reach"] == "0.5"
    assert told["reach of each component"] == "1, 1"
    assert told["length"].startswith("12.5663706")
    assert told["dimension"] == "1 in R^3"
    assert facts(manifold("ellipse:a=3,b=2"))["reach"] == "1.333333333"


def test_every_entry_is_documented():
    """Every family has a summary, examples, and a meaning for each parameter."""
    for name, entry in MANIFOLDS.items():
        assert entry.name == name
        assert entry.summary
        assert entry.examples
        assert all(p.meaning for p in entry.parameters)
