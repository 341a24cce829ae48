"""Fit StandardScaler and PCA to the digits that ship with scikit-learn, and store both without pickle.

    python examples/scikit_learn/fit.py examples/scikit_learn

writes digits.npz (the 1797 pictures, and which 1000 of them were held out) and pipeline.npz (the fitted numbers). The
gate opens `pipeline:fitted`, which puts the numbers back into a Pipeline: a pickle would run code of the file and break
with the next release of scikit-learn.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HELD_OUT, CODE = 1000, 24


def main(folder: Path) -> None:
    """Split, fit, store."""
    pixels = load_digits().data
    held_out = np.zeros(len(pixels), dtype=np.uint8)
    held_out[np.random.default_rng(0).permutation(len(pixels))[:HELD_OUT]] = 1
    np.savez_compressed(folder / "digits.npz", pixels=pixels.astype(np.uint8), held_out=held_out)
    scaler, pca = StandardScaler(), PCA(CODE, svd_solver="full")
    make_pipeline(scaler, pca).fit(pixels[held_out == 0])
    np.savez_compressed(
        folder / "pipeline.npz",
        scaler_mean=scaler.mean_,
        scaler_scale=scaler.scale_,
        pca_mean=pca.mean_,
        pca_components=pca.components_,
        pca_variance=pca.explained_variance_,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
