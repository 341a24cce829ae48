import math

import pytest

from aeverify import measure, widths
from aeverify.autoencoders.oracles import oracle
from aeverify.core import Evidence, Interval, Rigor
from aeverify.errors import UsageError
from aeverify.manifolds import manifold


def evidence(**changes):
    plain = {"quantity": "sup_error", "interval": Interval(0.5, 0.75), "rigor": Rigor.CERTIFIED, "method": "Made up."}
    return Evidence(**{**plain, **changes})


def test_a_certified_model_is_an_upper_bound():
    """A model with sup error at most .75 brings the width of the unit circle scaled down to it."""
    found = widths.bounds("star:a=0.3,k=3,radius=0.7", 1, models=[evidence(interval=Interval(0.7, 0.7000001))])
    assert found.upper == 0.7000001
    assert found.details["upper"]["method"] == "a model"


def test_the_projection_of_an_ellipse_attains_its_width():
    """The certified sup error of the fold oracle on the ellipse (3, 2), measured by the library, is the width 2."""
    model = oracle("fold:a=3,b=2")
    k = manifold(model.truth.manifold)
    found = widths.upper_from_model(measure.sup_error(model, k, tolerance=1e-3), str(k))
    assert widths.best_lower(k, 1).lower <= found.upper <= 2.03


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "width"},
        {"rigor": Rigor.EMPIRICAL},
        {"rigor": Rigor.STATISTICAL, "confidence": 0.99},
        {"interval": Interval(0.5, math.inf)},
    ],
)
def test_evidence_that_bounds_nothing_is_refused(wrong):
    """Another quantity, a rigor below CERTIFIED, an infinite end."""
    with pytest.raises(UsageError):
        widths.upper_from_model(evidence(**wrong), "circle")


def test_a_model_of_another_set_is_refused():
    """The witness names the set that the error was measured on."""
    model = oracle("constant")
    found = measure.sup_error(model, manifold("circle"))
    with pytest.raises(UsageError, match="does not bound the width"):
        widths.upper_from_model(found, "ellipse:a=3.0,b=2.0")
