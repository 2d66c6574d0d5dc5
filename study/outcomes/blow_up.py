"""When training blew up: a number that is not finite, or out of the rule's bounds for a whole window."""

import numpy as np

from study.outcomes.columns import Columns, Flags
from study.outcomes.rule import OutcomeRule
from trainables.trace import ReplicaTrace


@np.errstate(all="ignore")
def blow_up(trace: ReplicaTrace, rule: OutcomeRule) -> int | None:
    """Return the step at which a number became non-finite or left the rule's bounds; None if there is none.

    This is the first row that is not finite (by its flag, or by a loss or norm that is infinite, or NaN after step 0:
    at step 0 there is no interval to average over), or the first row of the first window, step 0 left out, in which
    one loss or norm is beyond its bound throughout.
    """
    rows = Columns(trace)
    after = rows.steps > 0
    bad = np.zeros(len(rows.steps), dtype=np.bool_)
    if "finite" in trace.columns:
        bad |= rows.numbers("finite") != 1.0
    loss = rule.loss_bound
    bounds = {"loss": loss, "penalty": loss, "grad_norm": rule.grad_norm_bound, "param_norm": rule.param_norm_bound}
    for name in trace.columns:
        kind = next((kind for kind in bounds if name.endswith(f"_{kind}")), None)
        if kind is not None:
            values = np.abs(rows.numbers(name, infinite=True))
            beyond = _stays(values > bounds[kind], after, rule.window)
            bad |= np.isinf(values) | (np.isnan(values) & after) | beyond
    return int(rows.steps[np.argmax(bad)]) if bad.any() else None


def _stays(beyond: Flags, after: Flags, window: int) -> Flags:
    """Mark the first row of every window of rows after step 0 that are all ``beyond``."""
    marks = np.zeros_like(beyond)
    rows = np.flatnonzero(after)
    if len(rows) and beyond.any():  # rare
        length = min(window, len(rows))
        starts = rows[: len(rows) - length + 1]
        marks[starts] = np.lib.stride_tricks.sliding_window_view(beyond[rows], length).all(axis=1)
    return marks
