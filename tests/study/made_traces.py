"""Made-up traces, written as one letter per snapshot after step 0: Good, Collapsed, Poor, Untrained, Memorized."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis import strategies as st

from study.outcomes.decision import Decision, decide
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from trainables.trace import ReplicaTrace

EVERY = 2
"""Report k stands at its multiple exactly: there is no room to draw its step."""
WEIGHTS = np.array([2, 1, 1, 1, 1, 1, 1, 1]) / 9
CLASSES = np.full(10, 0.1)
HEALTH = {
    "finite": True,
    "d_loss": 0.5,
    "g_loss": 0.5,
    "d_grad_norm": 1.0,
    "g_grad_norm": 1.0,
    "d_param_norm": 9.0,
    "g_param_norm": 9.0,
}
KINDS = ("mixture", "image")


def one(size: int, place: int, share: float) -> np.ndarray:
    return np.where(np.arange(size) == place, share, 0.0)


def mixture(shares: np.ndarray, diversity: float, distance: float) -> dict[str, Any]:
    return {"mode_share_eighth": shares, "diversity": diversity, "distance_quantiles": distance * np.arange(5) / 2}


def image(
    frechet: float, shares: np.ndarray, diversity: float, *, support: float = 0.9, **more: float
) -> dict[str, Any]:
    """Images within the data's support, that are new and all different, unless said otherwise."""
    near = {f"knn_{name}_{space}": support for name in ("precision", "coverage") for space in ("features", "pixels")}
    values = {"knn_recall_pixels": 0.9, "distinctness": 1.0, "memorization": 0.0, "spacing": 1.0, "residue": 1.0}
    return {"frechet_classifier": frechet, "class_share": shares, "diversity": diversity, **near, **values, **more}


ROWS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "mixture": {
        "U": mixture(0.24 * WEIGHTS, 0.6, 0.5),
        "P": mixture(0.30 * WEIGHTS, 0.7, 0.4),
        "C": mixture(one(8, 3, 0.9), 0.05, 0.1),
        "G": mixture(0.9 * WEIGHTS, 0.97, 0.1),
    },
    "image": {
        "U": image(100.0, one(10, 8, 1.0), 0.3, support=0.0),
        "P": image(50.0, CLASSES, 0.9, support=0.1),
        "C": image(60.0, one(10, 1, 1.0), 0.1),
        "G": image(6.0, CLASSES, 0.95),
        "M": image(6.0, CLASSES, 0.95, memorization=1.0),
    },
}
MANY = 1e8
"""Samples, so many that no error of measuring matters."""
REFERENCE = {
    "mixture": {
        "mode_weights": WEIGHTS,
        "std": np.array([0.01]),
        "data_diversity": np.array([1.3]),
        "samples": np.array([MANY]),
        "hq_floor_eighth": np.array([0.0]),
        "hq_ceiling_eighth": np.array([1.0]),
    },
    "image": {
        "class_weights": CLASSES,
        "feature_variance": np.array([100.0]),
        "data_diversity": np.array([9.0]),
        "samples": np.array([MANY]),
        "neighbors": np.array([MANY]),
        "knn_recall_ceiling_pixels": np.array([1.0]),
        **{f"knn_coverage_floor_{space}": np.array([0.0]) for space in ("features", "pixels")},
        **{f"knn_coverage_ceiling_{space}": np.array([1.0]) for space in ("features", "pixels")},
    },
}
RULES = {"mixture": MIXTURE_RULE, "image": IMAGE_RULE}


def from_rows(rows: Sequence[Mapping[str, Any]], kind: str) -> ReplicaTrace:
    names = rows[0].keys() if rows else ()
    columns = {name: np.array([row[name] for row in rows]) for name in names}
    return ReplicaTrace(seed=0, columns=columns, reference=REFERENCE[kind])


def rows_of(letters: str, kind: str) -> list[dict[str, Any]]:
    """The untrained row of step 0 (no losses or gradients yet), then one row per letter."""
    first = {"d_loss": nan, "g_loss": nan, "d_grad_norm": nan, "g_grad_norm": nan}
    rows: list[dict[str, Any]] = [{"step": 0, **HEALTH, **first, **ROWS[kind]["U"]}]
    return rows + [{"step": EVERY * (i + 1), **HEALTH, **ROWS[kind][x]} for i, x in enumerate(letters)]


def trace_of(letters: str, kind: str) -> ReplicaTrace:
    return from_rows(rows_of(letters, kind), kind)


def decided(letters: str, kind: str, **changes: Any) -> Decision:
    return decide(trace_of(letters, kind), replace(RULES[kind], **changes))


def good_rows(kind: str, row: Mapping[str, Any], **changes: Any) -> bool:
    rows = [*rows_of("", kind), *({"step": step, **HEALTH, **row} for step in (1, 2, 3))]
    return decide(from_rows(rows, kind), replace(RULES[kind], **changes)).ever_good


VALUES = st.one_of(st.sampled_from([nan, inf, -inf, 0.0, 1.0, -1.0, 1e308, None]), st.floats())


@st.composite
def any_traces(draw: st.DrawFn) -> ReplicaTrace:
    """Columns of any values, some missing, some with another shape, over any reference."""
    count = draw(st.integers(0, 6))
    scalars = [*HEALTH, "diversity", "frechet_classifier", "knn_recall_pixels", "distinctness", "memorization"]
    lists = {"mode_share_eighth": 8, "distance_quantiles": 5, "class_share": 10}
    columns: dict[str, Any] = {"step": np.array(draw(st.lists(st.integers(-1, 9), min_size=count, max_size=count)))}
    for name in draw(st.sets(st.sampled_from(scalars))):
        columns[name] = np.array(draw(st.lists(VALUES, min_size=count, max_size=count)))
    for name in draw(st.sets(st.sampled_from([*lists]))):
        width = draw(st.sampled_from([lists[name], 1]))
        row = st.lists(VALUES, min_size=width, max_size=width)
        columns[name] = np.array(draw(st.lists(row, min_size=count, max_size=count)))
    reference = draw(st.sampled_from([{}, *REFERENCE.values(), {"mode_weights": np.full(8, nan)}]))
    return ReplicaTrace(seed=0, columns=columns, reference=reference)


COURSES = st.text("GCPU", max_size=14)
