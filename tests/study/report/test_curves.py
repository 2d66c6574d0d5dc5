from typing import Any

import numpy as np

from study.outcome import IMAGE_RULE, Outcome
from study.report.curves import Line, frame, panels, thin
from study.store import Store

C = Outcome.CONVERGED


def test_thinned_series_keeps_ends_and_extremes() -> None:
    steps = np.arange(1_000.0)
    values = np.sin(steps / 50)
    values[333] = 9.0
    kept_steps, kept = thin(steps, values, 60)
    assert len(kept) <= 60
    assert (kept_steps[0], kept_steps[-1], kept.max(), kept.min()) == (0, 999, 9, values.min())


def test_short_series_is_not_thinned() -> None:
    steps = np.arange(5.0)
    assert thin(steps, steps)[1] is steps


def test_losses_of_very_different_size_share_a_logarithmic_axis(make: Any) -> None:
    store: Store = make([[C, C]])
    stored = store.trace(store.spec().blocks()[0])
    assert stored is not None
    lines = [Line(trace=stored.replica(seed), outcome=C) for seed in store.spec().seeds]
    loss = next(panel for panel in panels(IMAGE_RULE, lines) if panel.title == "generator loss")
    assert frame(loss, lines).scale == "linear"
    lines[0].trace.columns["g_loss"][5] = 1e6
    wide = frame(loss, lines)
    assert wide.scale == "symlog"
    assert wide.high > 1e6
