"""Wrong parameters of every kind are refused with the reason, by the specification that users write."""

import pytest

from aeverify import manifold
from aeverify.errors import SpecError, UnknownNameError
from aeverify.manifolds import MANIFOLDS

REFUSED = [
    # r <= 0
    ("circle:radius=0", "positive"),
    ("circle:radius=-1", "positive"),
    ("sphere:dim=2,radius=0", "positive"),
    ("ball:dim=2,radius=-2", "positive"),
    ("ellipse:a=1,b=0", "positive"),
    ("ellipsoid:axes=[1,-1,1]", "positive"),
    ("torus:R=2,r=0", "positive"),
    ("torus:R=2,r=-1", "positive"),
    ("clifford:r1=1,r2=0", "positive"),
    ("klein:R=2,r=0", "positive"),
    ("segment:length=0", "positive"),
    ('scaled:base="circle",factor=0', "positive"),
    # R <= r
    ("torus:R=1,r=1", "R"),
    ("torus:R=1,r=2", "R"),
    ("klein:R=1,r=1", "R"),
    ("torus_knot:p=2,q=3,R=1,r=1", "R"),
    ("moebius:R=1,h=1", "h"),
    ("annulus:inner=2,outer=1", "outer"),
    # curves that meet themselves, or are traced twice
    ("fourier:cosine=[[0,0],[1,0]],sine=[[1,0],[0,1]]", "embedded"),
    ("fourier:cosine=[[1,0],[0,0]],sine=[[0,0],[0,1]]", "embedded"),
    ("fourier:cosine=[[0,0],[1,0]],sine=[[0,0],[0,1]]", "traced 2 times"),
    ("torus_knot:p=2,q=4", "coprime|common"),
    # ambient_dim too small
    ("circle:radius=1,ambient_dim=1", "ambient_dim"),
    ("fourier:seed=0,ambient_dim=1", "ambient_dim"),
    ('included:base="torus:R=2,r=1",ambient_dim=2', "ambient_dim"),
    ("segment:length=1,ambient_dim=0", "ambient_dim"),
    # NaN and infinity
    ("circle:radius=nan", "finite"),
    ("sphere:dim=2,radius=inf", "finite"),
    ("torus:R=nan,r=1", "finite"),
    ("ellipsoid:axes=[1,1e999,1]", "finite"),
    ("star:a=nan,k=3", "finite"),
    # huge dimensions
    ("sphere:dim=1000000,radius=1", "dim"),
    ("ball:dim=1000000,radius=1", "dim"),
    ("circle:radius=1,ambient_dim=1000000000", "ambient_dim"),
    ('included:base="circle",ambient_dim=100000000', "ambient_dim"),
    ("blob:pixels=1000000", "pixels"),
    ("rotating_bar:pixels=1000000", "pixels"),
    # other kinds of nonsense
    ("star:a=1,k=3", "a of a star"),
    ("sphere:dim=2.5,radius=1", "dim"),
    ("circle:radius=1e300", "between"),
    ('product:factors=["circle"]', "2"),
    ('union:parts=["circle","circle"]', "disjoint"),
]


@pytest.mark.parametrize(("spec", "why"), REFUSED)
def test_wrong_parameters_are_refused_with_the_reason(spec, why):
    """One paragraph that names what is wrong, before anything is allocated."""
    with pytest.raises(SpecError, match=why) as caught:
        manifold(spec)
    assert "\n" not in str(caught.value)


def test_a_curve_that_cannot_be_proved_embedded_shows_where():
    """The refusal names two parameters at which the figure eight meets itself, and what to do."""
    with pytest.raises(SpecError, match=r"parameters 0\.\d+ and 0\.\d+") as caught:
        manifold("fourier:cosine=[[1,0],[0,0]],sine=[[0,0],[0,1]]")
    assert "Change" in str(caught.value)


@pytest.mark.parametrize("name", sorted(MANIFOLDS))
def test_text_for_a_number_is_refused_by_every_family(name):
    """Every parameter of every family refuses a word that it does not know."""
    example = MANIFOLDS[name].examples[0]
    for parameter in MANIFOLDS[name].parameters:
        given = manifold(example).spec.parameters
        changed = {**{k: v for k, v in given.items() if k != parameter.name}, parameter.name: "rubbish"}
        text = ",".join(f"{k}={_text(v)}" for k, v in changed.items())
        with pytest.raises((SpecError, UnknownNameError)):
            manifold(f"{name}:{text}")


def _text(value):
    from aeverify.core import Spec

    return str(Spec("x", {"v": value})).removeprefix("x:v=")
