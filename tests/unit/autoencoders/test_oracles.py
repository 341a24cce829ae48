from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from flint import arb, ctx

from aeverify.autoencoders.oracles import ORACLES, Oracle, oracle
from aeverify.autoencoders.protocol import Continuity, Part
from aeverify.errors import AeverifyError, SpecError, UnknownNameError

N = 100_000

SPECS = [
    "constant",
    "constant:radius=2.5,ambient_dim=3,latent_dim=2",
    "cut",
    "cut:half_width=0.3,radius=2",
    "cut:half_width=2.5",
    "fold",
    "fold:a=2,b=2",
    "fold:a=3,b=2",
    "double_wrap",
    "double_wrap:radius=0.5",
    "identity",
    "identity:ambient_dim=3",
    "shift",
    "shift:offset=-0.25,ambient_dim=3",
    "collapsed",
    "collapsed:radius=3",
    "atan2",
    "liar_continuity:radius=2",
    "liar_lipschitz",
    "liar_affine",
    "spiral_arc",
    "spiral_arc:offset=0.2",
    "interval_exchange",
    "interval_exchange:cut=0.3",
    "label",
    "cut_two_circles",
    "cut_two_circles:half_width=1",
]
WITH_BALLS = [s for s in SPECS if oracle(s).reconstruct_balls([arb(0.5)] * oracle(s).ambient_dim) is not None]


def angles() -> np.ndarray:
    """Midpoints of equal parts of the circle, with the angle pi itself at the end."""
    return np.append((np.arange(N) + 0.5) / N * 2 * math.pi, math.pi)


def dense(ae: Oracle) -> tuple[np.ndarray, np.ndarray]:
    """Points of the oracle's own set, each with its weight in length."""
    kind, _, rest = ae.truth.manifold.partition(":")
    given = dict(item.split("=") for item in rest.split(",")) if rest else {}
    s = angles()
    weight = np.append(np.full(N, 1 / N), 0.0)
    zero = np.zeros_like(s)
    if kind == "circle":
        r = float(given["radius"])
        flat = np.zeros((len(s), int(given["ambient_dim"])))
        flat[:, 0], flat[:, 1] = r * np.cos(s), r * np.sin(s)
        return flat, weight
    if kind == "ellipse":
        a, b = float(given["a"]), float(given["b"])
        speed = np.hypot(a * np.sin(s), b * np.cos(s)) * weight
        return np.column_stack([a * np.cos(s), b * np.sin(s)]), speed / speed.sum()
    if kind == "two_circles":
        first = np.column_stack([np.cos(s), np.sin(s), zero])
        second = np.column_stack([1 + np.sin(s), zero, np.cos(s)])
        return np.vstack([first, second]), np.tile(weight / 2, 2)
    assert kind == "spiral"
    t = np.linspace(0, 1, N + 1)
    speed = np.sqrt(1 + 25 * (t + 1) ** 2)
    return np.column_stack([(t + 1) * np.cos(5 * t + 1.5), (t + 1) * np.sin(5 * t + 1.5)]), speed / speed.sum()


@pytest.mark.parametrize("spec", SPECS)
def test_the_sup_error_is_the_derived_one(spec: str) -> None:
    """No dense point exceeds it, and some point reaches it, both up to rounding."""
    ae = oracle(spec)
    points, _ = dense(ae)
    assert ae.truth.sup_error is not None
    largest = float(ae.errors(points).max())
    assert abs(largest - ae.truth.sup_error.upper) <= 1e-9 * max(1.0, largest)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("threshold", [1e-6, 0.11, 0.45, 0.95, 1.3, 1.9999, 2.4, 7.0])
def test_the_bad_share_is_the_derived_one(spec: str, threshold: float) -> None:
    """The share of length above the threshold, counted on a fine partition."""
    ae = oracle(spec)
    share = ae.truth.bad_share(threshold)
    if share is None:
        assert spec == "fold:a=3,b=2"
        return
    points, weight = dense(ae)
    counted = float(weight[ae.errors(points) > threshold].sum())
    assert abs(counted - share.lower) <= 1e-4
    assert share.width <= 1e-14


@pytest.mark.parametrize("spec", SPECS)
def test_the_latent_image_has_the_derived_number_of_components(spec: str) -> None:
    """For 1-D codes: gaps between sorted codes that a step of the partition cannot make."""
    ae = oracle(spec)
    if ae.latent_dim > 1:
        return
    points, _ = dense(ae)
    codes = np.sort(ae.encode(points)[:, 0])
    assert 1 + int((np.diff(codes) > 0.01).sum()) == ae.truth.latent_betti[0]


def test_the_double_wrap_has_a_latent_circle() -> None:
    """Codes lie on the circle of radius r and go round it twice: b_1 = 1, and antipodes share a code."""
    ae = oracle("double_wrap:radius=2")
    points, _ = dense(ae)
    codes = ae.encode(points)
    assert np.abs(np.hypot(*codes.T) - 2).max() < 1e-14
    turned = np.unwrap(np.arctan2(codes[:N, 1], codes[:N, 0]))
    assert abs(turned[-1] - turned[0] - 4 * math.pi) < 1e-3
    assert np.abs(ae.encode(points) - ae.encode(-points)).max() < 1e-14
    assert ae.truth.latent_betti == (1, 1)


@pytest.mark.parametrize("spec", [s for s in SPECS if oracle(s).truth.continuous])
def test_those_said_to_be_continuous_have_no_jump(spec: str) -> None:
    """Across segments of the ambient space, halving the step halves the largest change of code and decoded point."""
    ae = oracle(spec)
    rng = np.random.default_rng(0)
    start, stop = (rng.uniform(-2.5, 2.5, size=(40, 1, ae.ambient_dim)) for _ in range(2))
    stop[0] = -start[0]  # through the origin

    def change(steps: int) -> float:
        u = np.linspace(0, 1, steps + 1)[None, :, None]
        rows = (start + u * (stop - start)).reshape(-1, ae.ambient_dim)
        codes = ae.encode(rows)
        both = np.hstack([codes, ae.decode(codes)]).reshape(40, steps + 1, -1)
        return float(np.linalg.norm(np.diff(both, axis=1), axis=2).max())

    coarse, fine = change(8_000), change(32_000)
    assert fine <= 0.3 * coarse or fine < 1e-12


@pytest.mark.parametrize("spec", [s for s in SPECS if not oracle(s).truth.continuous])
def test_those_said_to_jump_do_jump(spec: str) -> None:
    """Two points closer than 1e-9 have codes at least 0.3 apart."""
    ae = oracle(spec)
    if ae.truth.manifold == "spiral":
        t = float(spec.partition("cut=")[2] or 0.5) + np.array([-1e-10, 1e-10])
        rows = (t + 1)[:, None] * np.column_stack([np.cos(5 * t + 1.5), np.sin(5 * t + 1.5)])
    else:
        rows = np.array([[-1.0, 1e-10], [-1.0, -1e-10]])
    codes = ae.encode(rows)
    assert np.abs(codes[0] - codes[1]).max() > 0.3


@pytest.mark.parametrize("spec", SPECS)
def test_declared_lipschitz_constants_hold_except_for_the_liar(spec: str) -> None:
    """No pair near the set or in its surroundings is stretched by more than the derived constant."""
    ae = oracle(spec)
    rng = np.random.default_rng(1)
    on_set = dense(ae)[0][:: N // 3000]
    rows = np.vstack([on_set, rng.uniform(-3, 3, size=(3000, ae.ambient_dim))])
    near = rows + rng.normal(size=rows.shape) * 1e-5
    codes, near_codes = ae.encode(rows), ae.encode(near)
    both = ae.decode(codes), ae.decode(near_codes)
    line = rng.uniform(-8, 8, size=(3000, ae.latent_dim))
    near_line = line + 1e-5
    pairs = {
        Part.ENCODER: (rows, near, codes, near_codes),
        Part.DECODER: (line, near_line, ae.decode(line), ae.decode(near_line)),
        Part.RECONSTRUCTION: (rows, near, *both),
    }
    for part, (x, y, fx, fy) in pairs.items():
        evidence = ae.lipschitz(part)
        if evidence is None:
            continue
        quotient = np.linalg.norm(fx - fy, axis=1) / np.linalg.norm(x - y, axis=1)
        holds = quotient.max() <= evidence.upper * (1 + 1e-6)
        assert holds != (spec == "liar_lipschitz" and part is not Part.DECODER)


def test_the_cut_constant_is_attained_at_the_edge_of_the_tear() -> None:
    """sqrt((pi - h)^2 + max(1, (pi - h)/h)^2)/r, reached within 1 %."""
    for h in (0.2, 2.0):
        ae = oracle(f"cut:half_width={h},radius=2")
        edge = math.pi - h + (1e-4 if h < math.pi / 2 else -1e-4)
        x = 1.9999 * np.array([math.cos(edge), math.sin(edge)])
        gradient = [(ae.encode((x + d)[None]) - ae.encode((x - d)[None]))[0, 0] / 2e-6 for d in 1e-6 * np.eye(2)]
        evidence = ae.lipschitz(Part.ENCODER)
        assert evidence is not None
        assert 0.99 * evidence.upper <= math.hypot(*gradient) <= evidence.upper * (1 + 1e-6)


@pytest.mark.parametrize("spec", WITH_BALLS)
def test_balls_hold_the_float_values(spec: str) -> None:
    """At exact points the enclosures are thin and hold what float64 computes, up to its rounding."""
    ae = oracle(spec)
    rng = np.random.default_rng(2)
    rows = np.vstack([dense(ae)[0][:: N // 40], rng.uniform(-2, 2, size=(20, ae.ambient_dim))])
    codes, images = ae.encode(rows), ae.reconstruct(rows)
    for row, code, image in zip(rows.tolist(), codes, images, strict=True):
        for balls, values in ((ae.encode_balls(row), code), (ae.reconstruct_balls(row), image)):
            assert balls is not None
            assert len(balls) == len(values)
            for ball, value in zip(balls, values, strict=True):
                assert float(ball.rad()) < 1e-20
                assert abs(float(ball.mid()) - value) < 1e-9


@pytest.mark.parametrize("spec", WITH_BALLS)
def test_a_box_holds_the_images_of_its_points(spec: str) -> None:
    """Also boxes across the tear, the origin and the clamps."""
    ae = oracle(spec)
    rng = np.random.default_rng(3)
    middles = [[-1.0] + [0.0] * (ae.ambient_dim - 1), [0.01] * ae.ambient_dim, rng.uniform(-2, 2, ae.ambient_dim)]
    for middle in middles:
        for radius in (1e-3, 0.1):
            balls = ae.reconstruct_balls([arb(float(v), radius) for v in middle])
            assert balls is not None
            rows = np.asarray(middle) + rng.uniform(-radius, radius, size=(50, ae.ambient_dim))
            for image in ae.reconstruct(rows):
                for ball, value in zip(balls, image, strict=True):
                    assert not ball.is_finite() or float(ball.lower()) - 1e-9 <= value <= float(ball.upper()) + 1e-9


def test_the_cut_is_enclosed_exactly_where_it_is_torn() -> None:
    """At the angle pi the code is 0 and the error 2 r, in balls that do not see the branch cut of the angle."""
    ae = oracle("cut:half_width=1e-6,radius=2")
    balls = ae.reconstruct_balls([arb(-2), arb(0)])
    assert balls is not None
    with ctx.workprec(128):
        error = ((balls[0] + 2) ** 2 + balls[1] ** 2).sqrt()
        assert abs(error - 4) < arb(1e-25)


def test_a_narrow_tear_is_not_seen_by_five_hundred_samples() -> None:
    """The sup error is 2 although every sample is reconstructed."""
    ae = oracle("cut:half_width=1e-6")
    s = (np.arange(500) + 0.5) / 500 * 2 * math.pi
    rows = np.column_stack([np.cos(s), np.sin(s)])
    assert ae.errors(rows).max() < 1e-12
    assert ae.errors(np.array([[-1.0, 0.0]]))[0] == 2.0


def test_nan_on_the_arc_and_nowhere_else() -> None:
    """The share of non-finite outputs is half_width/pi, also where the arc crosses the angle pi."""
    for center in (0.0, 3.1, -1.0):
        ae = oracle(f"nan:center={center},half_width=0.2")
        points, weight = dense(ae)
        finite = np.isfinite(ae.reconstruct(points)).all(axis=1)
        assert abs(weight[~finite].sum() - ae.truth.non_finite_share) < 2e-5
        assert ae.truth.sup_error is None
        assert ae.truth.bad_share(0.1) is None


def test_what_the_mutants_declare() -> None:
    """`atan2` leaves its continuity open; each liar declares what its docstring says is false."""
    assert oracle("cut").continuity is Continuity.KNOWN
    assert oracle("atan2").continuity is Continuity.OPAQUE
    assert oracle("interval_exchange").continuity is Continuity.OPAQUE
    assert oracle("liar_continuity").continuity is Continuity.DECLARED
    assert not oracle("liar_continuity").truth.continuous
    assert oracle("liar_affine").affine_decoder
    assert not oracle("cut").affine_decoder
    evidence = oracle("liar_lipschitz:declared=1.5").lipschitz(Part.RECONSTRUCTION)
    assert evidence is not None
    assert evidence.upper == 1.5


def test_the_affine_liar_beats_the_pca_floor() -> None:
    """Its mean squared error is 2 h/pi, below 1/2: no affine decoder can do that on the circle."""
    ae = oracle("liar_affine:half_width=0.1")
    points, weight = dense(ae)
    assert abs(float((weight * ae.errors(points) ** 2).sum()) - 0.2 / math.pi) < 1e-4


@pytest.mark.parametrize("name", list(ORACLES))
def test_every_oracle_rebuilds_from_its_source(name: str) -> None:
    """source and fingerprint come from the canonical spec; defaults spelled out change nothing."""
    ae = oracle(name)
    again = oracle(ae.source)
    assert again.source == ae.source
    assert again.fingerprint() == ae.fingerprint()
    assert len(ae.fingerprint()) == 64


def test_parameters_change_the_fingerprint_and_spelling_does_not() -> None:
    """0.05 is the default, however it is written."""
    assert oracle("cut:half_width=0.05,radius=1.0").fingerprint() == oracle("cut").fingerprint()
    assert oracle("cut:half_width=0.06").fingerprint() != oracle("cut").fingerprint()


def test_the_fingerprint_is_the_same_in_another_process() -> None:
    """A report names an oracle by it."""
    code = "from aeverify.autoencoders.oracles import oracle; print(oracle('label').fingerprint())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == oracle("label").fingerprint()


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("cutt", UnknownNameError),
        ("cut:width=1", SpecError),
        ("cut:half_width=0", SpecError),
        ("cut:half_width=3.2", SpecError),
        ("cut:half_width=-1", SpecError),
        ("cut:half_width=nan", SpecError),
        ("cut:half_width=wide", SpecError),
        ("cut:half_width=true", SpecError),
        ("cut:radius=0", SpecError),
        ("cut:radius=1e300", SpecError),
        ("constant:latent_dim=3", SpecError),
        ("constant:ambient_dim=2.5", SpecError),
        ("identity:ambient_dim=1", SpecError),
        ("interval_exchange:cut=1", SpecError),
        ("fold:a=0", SpecError),
        ("nan:half_width=4", SpecError),
        ("liar_lipschitz:declared=0", SpecError),
        ("", SpecError),
    ],
)
def test_unusable_specs_are_refused(spec: str, error: type[AeverifyError]) -> None:
    """Each with an error of our own."""
    with pytest.raises(error):
        oracle(spec)


def test_every_entry_is_documented() -> None:
    """A summary, a derivation, and a meaning for each parameter."""
    for entry in ORACLES.values():
        assert entry.summary
        assert len(entry.doc) > 80
        assert all(about["meaning"] for about in entry.parameters.values())
