"""The gap between the network as a real function and the program that is deployed in a narrower number type.

Everything else in this room is about the real function of the stored weights. A network stored in float32 and run in
float32 is another function: it rounds after every operation. How far the two are apart is observed here at points of
K, and reported beside the certified numbers, never inside them.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeverify.autoencoders.protocol import Autoencoder
from aeverify.core.evidence import Evidence, Rigor
from aeverify.core.interval import Interval
from aeverify.core.seeds import Seed, as_seed
from aeverify.manifolds.base import Manifold, require_count
from aeverify.measure.evaluation import evaluate, require_compatible, sampled_point, witness_of

FloatArray = NDArray[np.float64]

_ROWS = 4_096


def deployment_gap(
    autoencoder: Autoencoder, manifold: Manifold, *, seed: Seed | int = 0, samples: int = 10_000
) -> Evidence | str:
    """Lower bound of the largest |f_float32(x) - f(x)| over K, f = D after E, from samples; or why there is none.

    The float32 program gets the point rounded to float32, as it would be deployed; that rounding is part of the gap.

    Args:
        autoencoder: torch modules; others have no float32 form that is known.
        manifold: the set K.
        seed: root of the random stream.
        samples: number of uniform draws.

    Returns:
        Evidence "deployment_gap" [largest gap seen less an allowance, inf), EMPIRICAL, in the units of the data; inf as
        the lower end is never returned: where the float32 program overflows to infinity or NaN, details["non_finite"]
        counts the points, and they are left out of the maximum.

    Raises:
        UsageError: other dimensions, or a count that is not positive.
        NonFiniteOutputError: the float64 function itself is not finite on K.
    """
    require_compatible(autoencoder, manifold)
    count = require_count(samples, "number of samples")
    modules: list[Any] = [getattr(autoencoder, name, None) for name in ("encoder", "decoder")]
    if None in modules:
        return "the model is not made of torch modules"
    import torch

    encoder, decoder = (copy.deepcopy(m).float().eval() for m in modules)
    sample = manifold.sample(count, as_seed(seed).child("measure", "deployment"))
    exact = evaluate(autoencoder, manifold, sample.points, sample.component, sample.parameters)
    parts: list[Any] = []
    with torch.no_grad():
        for start in range(0, count, _ROWS):
            rows = torch.from_numpy(sample.points[start : start + _ROWS]).float()
            parts.append(decoder(encoder(rows)).double().reshape(len(rows), -1).numpy())
    deployed: FloatArray = np.concatenate(parts)
    finite = np.asarray(np.isfinite(deployed).all(axis=1))
    known = np.where(finite[:, None], deployed, exact.reconstructions)
    gaps = np.linalg.norm(known - exact.reconstructions, axis=1)
    i = int(gaps.argmax())
    lower = max(float(gaps[i] - exact.allowance[i]), 0.0)
    point = sampled_point(autoencoder, manifold, sample, i)
    return Evidence(
        quantity="deployment_gap",
        interval=Interval.at_least(lower if math.isfinite(lower) else 0.0),
        rigor=Rigor.EMPIRICAL,
        method=f"Lower end: largest distance of the float32 program from the float64 function among {count} uniform "
        "draws, less an allowance for the rounding of the latter.",
        witness=witness_of("point", autoencoder, manifold, (point,), "The two programs differ most here."),
        details={"samples": count, "non_finite": int((~finite).sum()), "seed": str(seed), "dtype": "float32"},
    )
