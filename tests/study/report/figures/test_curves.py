from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from study.outcomes.measures import measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from study.report import build
from study.report.drawing import svg
from study.report.figures.curves import Decades, Line, chosen, equilibrium, frame, panels, small_multiples, thin
from study.storage.store import Store
from tests.study.report.read_page import Page, section
from trainables import trace
from trainables.objectives import Wasserstein

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


def test_of_images_the_support_is_drawn_that_the_rule_asks_for(make: Any) -> None:
    lines = traced(make([[C, C]]))
    support = next(panel for panel in panels(IMAGE_RULE, lines) if panel.title == "support of the data")
    seen = measure(lines[0].trace, IMAGE_RULE).value("support")
    assert np.allclose(support.series(lines[0].trace)[1], np.clip(seen, 0, 1), equal_nan=True)
    assert frame(support, lines).threshold == IMAGE_RULE.support_min
    without = [panel.title for panel in panels(replace(IMAGE_RULE, support_min=None), lines)]
    assert without[:2] == ["Fréchet distance (classifier)", "diversity"]


def test_losses_of_very_different_size_share_a_logarithmic_axis(make: Any) -> None:
    store: Store = make([[C, C]])
    stored = store.trace(store.plan().blocks()[0])
    assert stored is not None
    lines = [Line(trace=stored.replica(seed), outcome=C) for seed in store.plan().seeds]
    loss = next(panel for panel in panels(IMAGE_RULE, lines) if panel.title == "generator loss")
    assert frame(loss, lines).scale == "linear"
    lines[0].trace.columns["g_loss"][5] = 1e6
    wide = frame(loss, lines)
    assert wide.scale == "symlog"
    assert wide.high > 1e6


def traced(store: Store) -> list[Line]:
    stored = store.trace(store.plan().blocks()[0])
    assert stored is not None
    config = store.plan().cells[0].config
    return [Line(trace=stored.replica(seed), outcome=C, equilibrium=equilibrium(config)) for seed in store.plan().seeds]


def test_losses_are_marked_at_their_equilibrium(make: Any) -> None:
    """The first cell is least squares (0, 1, 1): d = 1/4, g = 1/8."""
    lines = traced(make([[C, C]]))
    losses = [panel for panel in panels(IMAGE_RULE, lines) if panel.loss]
    assert [lines[0].equilibrium[panel.loss] for panel in losses] == [0.25, 0.125]
    frames = [frame(panel, lines) for panel in losses]
    assert all(own.low < mark < own.high for own, mark in zip(frames, (0.25, 0.125), strict=True))
    marked = svg.embed(small_multiples(losses, frames, lines, "marked"))
    bare = svg.embed(small_multiples(losses, frames, [replace(line, equilibrium={}) for line in lines], "bare"))
    assert marked.count("stroke-dasharray: 5") == bare.count("stroke-dasharray: 5") + 2


def test_a_panel_that_a_cell_cannot_fill_is_left_out_of_it(make: Any) -> None:
    """As the distance from the best D, which is not known of a plugin's loss."""
    known = traced(make([[C, C]]))
    drawn = panels(IMAGE_RULE, known)
    frames = [frame(panel, known) for panel in drawn]
    unknown = [
        replace(line, trace=replace(line.trace, columns={k: v for k, v in line.trace.columns.items() if k != "d_loss"}))
        for line in known
    ]
    titles = [svg.embed(small_multiples(drawn, frames, lines, "cell")) for lines in (known, unknown)]
    assert ["discriminator loss" in own for own in titles] == [True, False]
    assert ["generator loss" in own for own in titles] == [True, True]


def test_a_row_of_several_objectives_has_no_equilibrium_line(make: Any) -> None:
    lines = traced(make([[C, C]]))
    mixed = [lines[0], replace(lines[1], equilibrium={"d_loss": 1.0, "g_loss": 0.0})]
    losses = [panel for panel in panels(IMAGE_RULE, lines) if panel.loss]
    frames = [frame(panel, mixed) for panel in losses]
    assert "stroke-dasharray: 5" not in svg.embed(small_multiples(losses, frames, mixed, "mixed"))


def test_an_equilibrium_outside_the_losses_makes_no_axis_logarithmic(make: Any) -> None:
    lines = traced(make([[C, C]]))
    for line in lines:
        line.trace.columns["d_loss"][:] = 1e-3
    loss = next(panel for panel in panels(IMAGE_RULE, lines) if panel.loss == "d_loss")
    assert frame(loss, lines).scale == "linear"


def test_a_wasserstein_generator_loss_has_no_equilibrium(make: Any) -> None:
    config = make([[C]]).plan().cells[0].config
    assert equilibrium(replace(config, objective=Wasserstein())) == {"d_loss": 0.0}


def test_divergence_and_best_d_are_drawn_where_they_were_measured(make: Any) -> None:
    lines = traced(make([[C, C]]))
    titles = [panel.title for panel in panels(IMAGE_RULE, lines)]
    assert not any("divergence" in title or "best D" in title for title in titles)
    for line in lines:
        steps = line.trace.columns["step"]
        line.trace.columns.update(jsd=np.linspace(0.6, 0.1, len(steps)), d_optimum_error=np.full(len(steps), 0.2))  # type: ignore[attr-defined]
    chosen = panels(IMAGE_RULE, lines)
    assert [panel.title for panel in chosen][2] == "Jensen–Shannon divergence (nats)"
    assert chosen[-1].title == "D’s distance from the best D"
    drawn = svg.embed(small_multiples(chosen, [frame(panel, lines) for panel in chosen], lines, "both rows"))
    assert all(panel.title in drawn for panel in chosen)


def test_up_to_sixty_replicas_are_all_drawn() -> None:
    assert chosen([C] * 60) == list(range(60))
    assert chosen([]) == []


def test_of_more_replicas_the_first_of_each_outcome_are_drawn_in_proportion() -> None:
    outcomes = [C, C, C, Outcome.DIVERGED] * 250 + [Outcome.OSCILLATING] * 9
    drawn = [outcomes[place] for place in chosen(outcomes)]
    assert [drawn.count(own) for own in (C, Outcome.DIVERGED, Outcome.OSCILLATING)] == [44, 14, 4]
    assert chosen(outcomes)[:4] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-0.5, 2e4, [-0.1, 0.0, 1.0, 100.0, 10_000.0]),
        (-2e3, 2e3, [-1e3, -10.0, -0.1, 0.0, 0.1, 10.0, 1e3]),
        (-0.001, 0.001, [0.0]),
    ],
)
def test_losses_over_many_decades_have_few_marks(low: float, high: float, ticks: list[float]) -> None:
    assert Decades(0.1).tick_values(low, high) == pytest.approx(ticks)


def test_logarithmic_axes_are_labeled_in_plain_numbers(make: Any) -> None:
    store = make([[C, C]])
    path = store.trace_path(store.plan().blocks()[0])
    stored = trace.read(path)
    rows = [dict(row) | {"g_loss": -3e6} if row["step"] == 500 else row for row in stored.rows]
    trace.write(trace.Trace(meta=stored.meta, rows=rows), path)
    curves = section(Page(build(store)).source, "curves")
    assert ">\N{MINUS SIGN}1e6</text>" in curves
    assert "mathdefault" not in curves
