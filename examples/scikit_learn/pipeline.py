"""The fitted pipeline of this folder, for the gate: `aeverify check pipeline:fitted --trust-model`."""

from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


def fitted() -> Pipeline:
    """StandardScaler and PCA with the numbers that `fit.py` stored beside this file."""
    with np.load(Path(__file__).with_name("pipeline.npz")) as stored:
        scaler, pca = StandardScaler(), PCA(len(stored["pca_components"]))
        scaler.mean_, scaler.scale_ = stored["scaler_mean"], stored["scaler_scale"]
        scaler.var_, scaler.n_features_in_ = scaler.scale_**2, len(scaler.scale_)
        pca.mean_, pca.components_ = stored["pca_mean"], stored["pca_components"]
        pca.explained_variance_, pca.n_features_in_ = stored["pca_variance"], pca.components_.shape[1]
    return Pipeline([("scaler", scaler), ("pca", pca)])
