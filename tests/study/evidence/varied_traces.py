"""Random traces of a ring and of images, with ups and downs, gaps and, now and then, a blow-up."""

from typing import Any

import numpy as np

from trainables.trace import ReplicaTrace

RADII = ("eighth", "r3", "r10", "r30")
IMAGES = {
    "feature_variance": np.array([100.0]),
    "class_weights": np.full(10, 0.1),
    "samples": np.array([500.0]),
    "neighbors": np.array([300.0]),
    "knn_recall_ceiling_pixels": np.array([0.9]),
    **{f"knn_coverage_floor_{space}": np.array([0.1]) for space in ("features", "pixels")},
    **{f"knn_coverage_ceiling_{space}": np.array([0.95]) for space in ("features", "pixels")},
}
RING = {
    "mode_weights": np.full(8, 1 / 8),
    "samples": np.array([500.0]),
    **{f"hq_floor_{radius}": np.array([0.1 + 0.05 * place]) for place, radius in enumerate(RADII)},
    **{f"hq_ceiling_{radius}": np.array([1.0]) for radius in RADII},
}


def course(rng: np.random.Generator, count: int) -> np.ndarray:
    """``[T]`` in [0, 1]: how good, in stretches long enough for whole windows; 0 at first."""
    levels = rng.choice([0.0, 0.3, 0.55, 0.8, 1.0, 1.0], count)
    return np.concatenate([[0.0], np.repeat(levels, rng.integers(1, 6, count))[:count]])


def some_trace(rng: np.random.Generator, kind: str) -> ReplicaTrace:
    good = course(rng, int(rng.choice([0, 1, 2, 12, 12, 20])))
    count = len(good)
    columns: dict[str, Any] = {
        "step": 100 * np.arange(count),
        "finite": np.ones(count, dtype=bool),
        "d_loss": rng.choice([0.5, 2e3, 2e4, np.inf], count, p=[0.85, 0.08, 0.06, 0.01]),
        "g_grad_norm": np.where(np.arange(count) > count - 4, rng.choice([1.0, 5e3]), 1.0),
        "diversity": np.where(rng.random(count) < 0.03, np.nan, np.clip(good + rng.normal(0, 0.1, count), 0, 1)),
        "diversity_error": np.full(count, 0.01),
        "spacing": np.where(rng.random(count) < 0.05, 0.001, 1.0),
        "classification_error": 1 - good,
    }
    return (_ring if kind == "ring" else _image)(rng, good, columns)


def _ring(rng: np.random.Generator, good: np.ndarray, columns: dict[str, Any]) -> ReplicaTrace:
    kept = rng.random((len(good), 8)) < 0.4 + good[:, None]
    if rng.random() < 0.3:  # some modes now, the others next
        kept = (np.arange(8) + np.arange(len(good))[:, None]) % 8 < 6
    for place, radius in enumerate(RADII):
        near = np.clip(good + 0.1 * (place - 1), 0, 1)[:, None]
        columns[f"mode_share_{radius}"] = np.where(kept, near / np.maximum(kept.sum(axis=1), 1)[:, None], 0.0)
    columns["distance_quantiles"] = np.full((len(good), 5), 1.1) - good[:, None]
    return ReplicaTrace(seed=0, columns=columns, reference=RING)


def _image(rng: np.random.Generator, good: np.ndarray, columns: dict[str, Any]) -> ReplicaTrace:
    count = len(good)
    columns["frechet_classifier"] = 100 * (1 - good) * rng.uniform(0.3, 1, count)
    columns["frechet_error"] = np.full(count, 0.5)
    columns["class_share"] = np.array([rng.dirichlet(np.full(10, 0.05 + 20 * own)) for own in good])
    columns["class_confidence"] = np.where(rng.random(count) < 0.1, 0.95, 0.5)
    columns["label_accuracy"] = np.clip(good + 0.1, 0, 1)
    for name in ("precision", "coverage", "recall"):
        for space in ("features", "pixels"):
            columns[f"knn_{name}_{space}"] = np.clip(good - 0.1 + rng.normal(0, 0.05, count), 0, 1)
    columns["distinctness"] = np.where(rng.random(count) < 0.1, 0.5, 0.9)
    columns["distinctness_error"] = np.full(count, 0.02)
    columns["residue"] = np.where(rng.random(count) < 0.1, 2.6, 1.8)
    columns["residue_error"] = np.full(count, 0.05)
    columns["memorization"] = np.full(count, rng.choice([0.0, 0.0, 0.45, 0.9]))
    return ReplicaTrace(seed=0, columns=columns, reference=IMAGES)


def with_gaps(rng: np.random.Generator, trace: ReplicaTrace) -> ReplicaTrace:
    """One in four lacks a column, as other data and other games do: all cells of a launch are decided together."""
    names = ("class_share", "label_accuracy", "mode_share_r3", "spacing", "knn_recall_pixels", "finite")
    lost = {name for name in names if rng.random() < 0.25}
    columns = {name: values for name, values in trace.columns.items() if name not in lost}
    order = rng.permutation(len(trace)) if rng.random() < 0.25 else np.arange(len(trace))
    return ReplicaTrace(
        seed=0, columns={name: values[order] for name, values in columns.items()}, reference=trace.reference
    )
