"""Invented sweeps whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special


def cluster_sizes(shape: str, n_clusters: int) -> np.ndarray:
    """Questions of each cluster."""
    places = np.arange(n_clusters)
    return {
        "single": np.ones(n_clusters),
        "equal": np.full(n_clusters, 8),
        "mixed": np.where(places % 2 == 0, 2, 14),
        "skewed": np.maximum(np.ceil(40 * 0.8**places), 1),
    }[shape].astype(int)


def continuous_differences(rng, sizes, icc, sweeps):
    """Stacked sweeps of normal differences with mean 0.3, shape (sweeps, questions), and their clusters."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.normal(size=(sweeps, len(sizes)))[:, codes]
    own = rng.normal(size=(sweeps, len(codes)))
    return 0.3 + np.sqrt(icc) * shared + np.sqrt(1 - icc) * own, codes, 0.3


def binary_differences(rng, sizes, icc, sweeps):
    """Pass/fail answers of two arms: 60 % and 70 % right, alike on a question, the gain differing by cluster."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    hardness = rng.normal(size=(sweeps, len(codes)))
    gain = rng.normal(size=(sweeps, len(sizes)))[:, codes] * np.sqrt(icc / (1 - icc))
    own = rng.normal(size=(sweeps, len(codes))) * 0.6
    spread = np.sqrt(1 + 0.6**2 + icc / (1 - icc))
    base = hardness < special.ndtri(0.6)
    arm = hardness + own - gain < special.ndtri(0.7) * spread
    return arm.astype(float) - base, codes, 0.1


def sweep_frame(rng, *, effect, questions=80, per_cluster=4, repeats=3) -> pd.DataFrame:
    """A frame of runs as a sweep gives it: `ordering` has the levels `first` and `last`, `last` is `effect` better.

    Questions are of different hardness, clusters share a part of the effect, and 1 in 50 runs fails.
    """
    clusters = np.arange(questions) // per_cluster
    hardness = rng.uniform(0.25, 0.65, questions)
    gain = effect + rng.normal(0, 0.05, clusters.max() + 1)[clusters]
    chance = np.stack([hardness, np.clip(hardness + gain, 0, 1)])
    right = rng.random((2, questions, repeats)) < chance[:, :, None]
    arm, question, repeat = (index.ravel() for index in np.indices(right.shape))
    return pd.DataFrame(
        {
            "ordering": pd.Categorical.from_codes(arm, categories=["first", "last"]),
            "sample_id": question,
            "cluster_id": clusters[question],
            "repeat": repeat,
            "status": np.where(rng.random(right.size) < 0.02, "error", "ok"),
            "score_exact": right.ravel().astype(float),
        }
    )
