"""The losses and their gradients against the score: the picture behind the argument for least squares.

Mao et al. 2017, section 3: a cross-entropy gives next to no gradient to a sample on the "right" side of the boundary,
however far from the data it is; a square is flat at one point only. Every number is computed from the objectives
themselves, the gradients by automatic differentiation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from torch import Tensor

from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.drawing.figure import Figure
from study.report.drawing.svg import COLORS, Picture
from trainables.objectives import LeastSquares, Minimax, NonSaturating, Objective, Wasserstein

Floats = npt.NDArray[np.float64]
SCORES: Floats = np.linspace(-6, 6, 481)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An objective with its name in the picture and how its lines look."""

    objective: Objective
    name: str
    color: Outcome
    dashes: Any = "-"


OBJECTIVES = (
    Shown(objective=Minimax(), name="minimax", color=Outcome.DIVERGED),
    Shown(objective=NonSaturating(), name="non-saturating", color=Outcome.MODE_COLLAPSED, dashes=(0, (4, 2.5))),
    Shown(objective=LeastSquares(a=0, b=1, c=1), name="least squares (0, 1, 1)", color=Outcome.CONVERGED),
    Shown(
        objective=LeastSquares(a=-1, b=1, c=0),
        name="least squares (−1, 1, 0)",
        color=Outcome.OSCILLATING,
        dashes=(0, (6, 1.5)),
    ),
    Shown(objective=Wasserstein(), name="Wasserstein", color=Outcome.NOT_LEARNED, dashes=(0, (1, 1.2))),
)
"""The losses that are drawn, in the colors of the report. Where two losses coincide, dashes show both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of a game: a loss as a function of the score of one kind of sample."""

    title: str
    loss: Callable[[Objective, Tensor], Tensor]


TERMS = (
    Term(title="D, on a real sample", loss=lambda objective, score: objective.d_loss(score, rest(objective, score)[1])),
    Term(
        title="D, on a generated sample",
        loss=lambda objective, score: objective.d_loss(rest(objective, score)[0], score),
    ),
    Term(title="G, on its sample", loss=lambda objective, score: objective.g_loss(score)),
)


def rest(objective: Objective, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return scores of a real and a generated sample at which D's two terms are 0, to leave the other term alone."""
    match objective:
        case LeastSquares():
            real, fake = objective.b, objective.a
        case Wasserstein():
            real, fake = 0.0, 0.0
        case Minimax() | NonSaturating():
            real, fake = 1e3, -1e3
    return torch.full_like(like, real), torch.full_like(like, fake)


def curve(term: Term, objective: Objective, scores: Floats = SCORES) -> tuple[Floats, Floats]:
    """Return the loss and its derivative at every score, ``[N]`` each: one sample per batch, one replica per score."""
    score = torch.from_numpy(scores)[:, None].requires_grad_()
    loss = term.loss(objective, score)
    (gradient,) = torch.autograd.grad(loss.sum(), score)
    return loss.detach().numpy(), gradient[:, 0].numpy()


def draw() -> Canvas:
    """Draw losses over gradients, a column of two panels per term; to be called within ``svg.drawing``."""
    with matplotlib.rc_context({"font.size": 10.5, "axes.titlesize": 11.5, "lines.linewidth": 1.8}):
        return _drawn()


def _drawn() -> Canvas:
    figure = Canvas(figsize=(10.5, 6.9), layout="constrained", facecolor="none")
    grid = figure.subplots(2, len(TERMS), sharex=True, sharey="row")
    for place, term in enumerate(TERMS):
        upper, lower = grid[0, place], grid[1, place]
        for shown in OBJECTIVES:
            loss, gradient = curve(term, shown.objective)
            for ax, values in ((upper, loss), (lower, gradient)):
                ax.plot(SCORES, values, color=svg.color(shown.color), linestyle=shown.dashes, label=shown.name)
        upper.set_title(term.title, loc="left")
        _frame(upper, (-6.3, 9))
        _frame(lower, (-3.2, 3.2))
        lower.set_xlabel("score D(·), before any sigmoid")
    grid[0, 0].set_ylabel("loss", color=COLORS["ink"])
    grid[1, 0].set_ylabel("derivative by the score", color=COLORS["ink"])
    _explain(grid[1])
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _frame(ax: Axes, limits: tuple[float, float]) -> None:
    ax.set_facecolor("none")
    ax.xaxis.label.set_color(COLORS["ink"])
    ax.set_ylim(*limits)
    ax.set_xticks((-4, -2, 0, 2, 4))
    ax.set_xlim(SCORES[0], SCORES[-1])
    for line in (ax.axhline, ax.axvline):
        line(0, color=COLORS["rule"], linewidth=1, zorder=0)


def _explain(row: Sequence[Axes]) -> None:
    """Annotate where a gradient vanishes."""
    muted = COLORS["muted"]
    arrow = {"arrowstyle": "-", "color": muted, "linewidth": 0.8, "shrinkB": 2}
    notes = (
        (0, "cross-entropy: no\ngradient at any\nhigh score", (4.2, -0.02), (1.4, -2.7)),
        (1, "cross-entropy:\nno gradient at\nany low score", (-4.2, 0.02), (-5.7, 1.5)),
        (1, "least squares: zero\nat the label alone", (0, 0), (0.9, -2.2)),
        (2, "minimax: no gradient\nwhere D rejects", (-4.2, -0.02), (-5.7, 1.6)),
        (2, "non-saturating:\nnone where\nD accepts", (4.2, -0.02), (1.9, -2.9)),
    )
    for place, text, target, at in notes:
        row[place].annotate(text, xy=target, xytext=at, arrowprops=arrow, fontsize=9.5, color=muted)


PICTURE = Picture(
    draw=draw,
    label="Losses over their derivatives by the score D(·), for a real sample, a generated sample and the generator: "
    + ", ".join(shown.name for shown in OBJECTIVES),
)
FIGURE = Figure(
    name="losses",
    shows="the losses and their gradients against the score: theory, of no launch",
    of=NoneType,
    picture=lambda _: PICTURE,
)
