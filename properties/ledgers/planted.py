"""Writes planted_false.toml and planted_true.toml: twelve claims that are false and twelve that are true, by one rule.

The rule: no threshold is chosen by looking at what aeverify answers, and none of one side by looking at the other. A
threshold is a closed form, which is derived by hand in the row, times a factor that a named random stream draws: the
stream of seed 2026, side and row id, uniform on (0.2, 0.9) where the threshold has to lie below the closed form and on
(1.1, 3) where it has to lie above. Which of the two makes the claim false follows from its relation alone. Claims on
integers (Betti numbers, injective codes) take the integer of the closed form, or on the false side the other one.
The closed forms are evaluated here with the standard library; nothing of aeverify's widths is imported.

    python properties/ledgers/planted.py
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aeverify.core.seeds import Seed

ROOT = 2026
BELOW, ABOVE = (0.2, 0.9), (1.1, 3.0)
HOME = Path(__file__).parent


@dataclass(frozen=True)
class Planted:
    """One planted claim: its words, its statement without the threshold, and where the threshold comes from.

    Attributes:
        form: the closed form; an exact integer where `factor` is None.
        derivation: why it is that.
        factor: the range of the factor, BELOW or ABOVE.
        expected: the audit reason.
        because: words that the finding must contain, so that it is right for the right reason.
    """

    claim: str
    statement: dict[str, str | float | int]
    form: float
    derivation: str
    factor: tuple[float, float] | None
    expected: str
    because: str
    model: str = ""
    premise: str = ""
    more: dict[str, float] = field(default_factory=dict)


def threshold(side: str, index: int, planted: Planted) -> float:
    """The closed form times the factor of its stream, to 4 significant digits."""
    if planted.factor is None:
        return planted.form
    rng = np.random.Generator(np.random.PCG64(Seed(ROOT).child(f"planted_{side}", index).value))
    return float(f"{planted.form * rng.uniform(*planted.factor):.4g}")


def _on(
    spec: str, m: int, quantity: str, relation: str, quantifier: str = "all", **more: str | float | int
) -> dict[str, str | float | int]:
    return {"set": spec, "latent_dim": m, "quantity": quantity, "relation": relation, "quantifier": quantifier, **more}


CIRCLE, TORUS, SPHERE = "circle:radius=1,ambient_dim=2", "torus:R=2,r=1", "sphere:dim=2,radius=1"
CLIFFORD, KLEIN, ELLIPSE = "clifford:r1=0.6,r2=1.1", "klein:R=2,r=1", "ellipse:a=3,b=2"
TUBE = "w_2 of a torus of revolution is its tube radius r = 1: the inradius from below, a flattened tube from above."
ANTIPODES = "w_1 of the product of two circles is sqrt(r1^2 + r2^2): antipodes from below, the centre from above."
ONE = "w_1 of the two linked unit circles is 1: each is a unit circle, and its centre is as good a constant as any."
BALL = (
    "e is (L + 1)-Lipschitz and reaches 1 (w_1 of the unit circle), so that {e > 1/2} holds an arc of length "
    "2 (1/2)/(L + 1), a share of 1/(2 pi (L + 1)) of the circle; L = 3."
)
CAKE = (
    "By the layer cake the mean of e^2 is at least 2 B^3/(3 (L + 1)) / (2 pi) with B = 1, so 1/(3 pi (L + 1)); L = 2."
)
HALF = "The covariance of the unit circle is 1/2 times the identity, of which one eigenvalue is left out."
SHORT = "w_1 of an ellipse is its smaller semi-axis, b = 2: half the minimal width; folding flat attains it."

FALSE = (
    Planted(
        "A two-dimensional code reconstructs the torus everywhere to within the threshold.",
        _on(TORUS, 2, "sup-error", "<=", "some"),
        1.0,
        TUBE,
        BELOW,
        "impossible",
        "sup-error >= 1",
    ),
    Planted(
        "A one-dimensional code reconstructs the product of two circles everywhere to within the threshold.",
        _on(CLIFFORD, 1, "sup-error", "<=", "some"),
        math.hypot(0.6, 1.1),
        ANTIPODES,
        BELOW,
        "impossible",
        "antipodes",
    ),
    Planted(
        "The largest error over the test points bounds the error everywhere on two circles with a scalar code.",
        _on("two_circles", 1, "sup-error", "<=", "some", measured="sampled-maximum"),
        1.0,
        ONE,
        BELOW,
        "impossible",
        "a maximum over sampled points bounds the supremum from below only",
    ),
    Planted(
        "The mean error over the circle bounds its worst error with a scalar code.",
        _on(CIRCLE, 1, "sup-error", "<=", "some", measured="mean-error"),
        1.0,
        "w_1 of the unit circle is 1, its radius: antipodes from below, the centre from above.",
        BELOW,
        "impossible",
        "a mean bounds the supremum from below only",
    ),
    Planted(
        "Some planar code gives every point of the sphere a code of its own.",
        _on(SPHERE, 2, "injective-codes", "==", "some"),
        1,
        "By Borsuk and Ulam every continuous map of the sphere to the plane identifies two antipodes.",
        None,
        "impossible",
        "w_2",
    ),
    Planted(
        "The Klein bottle has a class in degree 2 over Z/3.",
        {"set": KLEIN, "degree": 2, "field": "Z/3", "quantity": "betti", "relation": "=="},
        1,
        "A closed non-orientable surface has a fundamental class over Z/2 and over no field of odd characteristic.",
        None,
        "refuted",
        "1 over Z/2",
    ),
    Planted(
        "Planar codes of the torus keep its void, a class in degree 2.",
        _on(TORUS, 2, "latent-betti", ">=", "some", degree=2, field="Z/2"),
        1,
        "A compact subset of the plane separates nothing in degree 2 (Alexander duality).",
        None,
        "impossible",
        "compact subset of R^2",
    ),
    Planted(
        "Some 3-Lipschitz autoencoder with a scalar code errs by more than 1/2 on a smaller share of the circle.",
        _on(CIRCLE, 1, "bad-set-share", "<=", "some", functions="lipschitz", lipschitz=3.0, level=0.5),
        1 / (8 * math.pi),
        BALL,
        BELOW,
        "impossible",
        "Lipschitz floor",
    ),
    Planted(
        "Some 2-Lipschitz autoencoder with a scalar code has a smaller mean squared error on the circle.",
        _on(CIRCLE, 1, "mean-squared-error", "<=", "some", functions="lipschitz", lipschitz=2.0),
        1 / (9 * math.pi),
        CAKE,
        BELOW,
        "impossible",
        "Lipschitz floor",
    ),
    Planted(
        "With a linear decoder and a scalar code the mean squared error on the circle is smaller than PCA's.",
        _on(CIRCLE, 1, "mean-squared-error", "<=", "some", functions="affine-decoder"),
        0.5,
        HALF,
        BELOW,
        "impossible",
        "Eckart-Young",
    ),
    Planted(
        "No continuous autoencoder with a scalar code does better on the ellipse than the threshold.",
        _on(ELLIPSE, 1, "sup-error", ">=", "all"),
        2.0,
        SHORT,
        ABOVE,
        "refuted",
        "below",
    ),
    Planted(
        "A spherical latent space of dimension 2 holds a faithful copy of the torus.",
        _on(TORUS, 3, "injective-codes", "==", "some", latent_set=SPHERE),
        1,
        "An injective map between closed surfaces is a homeomorphism, and Betti numbers 1, 2, 1 and 1, 0, 1 differ.",
        None,
        "impossible",
        "Betti numbers differ",
    ),
)

TRUE = (
    Planted(
        "Some autoencoder with a planar code reconstructs the torus everywhere to within the threshold.",
        _on(TORUS, 2, "sup-error", "<=", "some"),
        1.0,
        TUBE,
        ABOVE,
        "supported",
        "as near to 1",
    ),
    Planted(
        "Some autoencoder with a scalar code reconstructs the product of circles everywhere to within the threshold.",
        _on(CLIFFORD, 1, "sup-error", "<=", "some"),
        math.hypot(0.6, 1.1),
        ANTIPODES,
        ABOVE,
        "supported",
        "as near to",
    ),
    Planted(
        "The best worst error of a scalar code on the two linked circles is 1.",
        _on("two_circles", 1, "width", "=="),
        1,
        ONE,
        None,
        "supported",
        "w_1 of two_circles is 1",
    ),
    Planted(
        "The cut map of half-width 0.05 has a mean error on the circle of at most the threshold.",
        _on(CIRCLE, 1, "mean-error", "<="),
        2 * 0.05 / math.pi,
        "It errs on an arc of angle 2 * 0.05 alone, a share of 0.05/pi, by at most the diameter 2.",
        ABOVE,
        "supported",
        "mean-error of",
        model="oracle:cut:half_width=0.05",
    ),
    Planted(
        "Some code of dimension 3 gives every point of the sphere a code of its own.",
        _on(SPHERE, 3, "injective-codes", "==", "some"),
        1,
        "The sphere lies in R^3; take the identity.",
        None,
        "supported",
        "injective",
    ),
    Planted(
        "The Klein bottle has a class in degree 2 over Z/2.",
        {"set": KLEIN, "degree": 2, "field": "Z/2", "quantity": "betti", "relation": "=="},
        1,
        "Every closed surface has a fundamental class over Z/2.",
        None,
        "supported",
        "1 over Z/2",
    ),
    Planted(
        "Planar codes of the torus lose its void, whatever the encoder.",
        _on(TORUS, 2, "latent-betti", "<=", "all", degree=2, field="Z/2"),
        0,
        "A compact subset of the plane separates nothing in degree 2 (Alexander duality).",
        None,
        "forced",
        "compact subset of R^2",
    ),
    Planted(
        "Every 3-Lipschitz autoencoder with a scalar code errs by more than 1/2 on at least this share of the circle.",
        _on(CIRCLE, 1, "bad-set-share", ">=", "all", functions="lipschitz", lipschitz=3.0, level=0.5),
        1 / (8 * math.pi),
        BALL,
        BELOW,
        "forced",
        "Lipschitz floor",
    ),
    Planted(
        "Every 2-Lipschitz autoencoder with a scalar code has at least this mean squared error on the circle.",
        _on(CIRCLE, 1, "mean-squared-error", ">=", "all", functions="lipschitz", lipschitz=2.0),
        1 / (9 * math.pi),
        CAKE,
        BELOW,
        "forced",
        "Lipschitz floor",
    ),
    Planted(
        "With a linear decoder and a scalar code every mean squared error on the circle is at least this.",
        _on(CIRCLE, 1, "mean-squared-error", ">=", "all", functions="affine-decoder"),
        0.5,
        HALF,
        BELOW,
        "forced",
        "Eckart-Young",
    ),
    Planted(
        "Every continuous autoencoder with a scalar code errs on the ellipse by at least the threshold.",
        _on(ELLIPSE, 1, "sup-error", ">=", "all"),
        2.0,
        SHORT,
        BELOW,
        "forced",
        "sup-error >= ",
    ),
    Planted(
        "A spherical latent space of dimension 2 holds a faithful copy of the sphere.",
        _on(SPHERE, 3, "injective-codes", "==", "some", latent_set=SPHERE),
        1,
        "Take the identity.",
        None,
        "supported",
        "identity",
    ),
)


def ledger(side: str) -> str:
    """The TOML text of one side, "false" or "true"."""
    lines = [
        "# Written by planted.py, which states the rule for the thresholds; edit that and run it again.",
        'schema = "aeverify-ledger/1"',
        f'title = "Planted claims that are {side}"',
        "",
        "[sources.planted]",
        'title = "Claims planted to test the audit"',
        'identifier = "properties/ledgers/planted.py"',
    ]
    for i, p in enumerate(FALSE if side == "false" else TRUE, start=1):
        t = threshold(side, i, p)
        drawn = (
            ""
            if p.factor is None
            else (f" Times a factor drawn from ({p.factor[0]}, {p.factor[1]}) by the stream {ROOT}/planted_{side}/{i}.")
        )
        row = {
            "id": f"planted-{side}-{i:02d}",
            "source": "planted",
            "claim": p.claim,
            "derivation": p.derivation + drawn,
            "expected": p.expected,
            **({"model": p.model} if p.model else {}),
        }
        lines += ["", "[[rows]]", *(f"{k} = {json.dumps(v)}" for k, v in row.items())]
        lines += ["", "[rows.parameters]", f"closed_form = {p.form!r}", f"because = {json.dumps(p.because)}"]
        lines += [
            "",
            "[rows.statement]",
            *(f"{k} = {json.dumps(v)}" for k, v in p.statement.items()),
            f"threshold = {t!r}",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for each in ("false", "true"):
        (HOME / f"planted_{each}.toml").write_text(ledger(each), encoding="utf-8")
