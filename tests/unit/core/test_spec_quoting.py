import pytest

from aeverify.core import Spec


@pytest.mark.parametrize(
    "value",
    [
        "word",
        "two words",
        "a,b",
        "1",
        "true",
        "nan",
        "/tmp/a.csv",
        'say "so"',
        "back\\slash",
        "",
        ("a", "b,c"),
        (("x",), 1.5),
        'a:b="c,d\\\\",e=[1,2]"',
        'outer:base="inner:base=\\"x:a=1,b=2\\",c=3"',
    ],
)
def test_strings_survive_the_one_line_form(value):
    """Whatever a string holds, alone or in a list, the printed spec reads back as an equal spec."""
    spec = Spec("name", {"first": value, "second": 2})
    assert Spec.parse(str(spec)) == spec


def test_words_stay_bare():
    """Quotes appear only where they are needed."""
    assert str(Spec("mlp", {"activation": "relu"})) == "mlp:activation=relu"
