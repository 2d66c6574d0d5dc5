"""Figures of the theory: the plotted numbers are the objectives' own."""

import numpy as np
import pytest
import torch

from study.report.drawing import svg
from study.report.figures import losses
from study.report.figures.losses import SCORES, TERMS, Shown, curve, draw, rest
from trainables.objectives import OBJECTIVES, Objective

every = pytest.mark.parametrize("shown", losses.OBJECTIVES, ids=lambda shown: shown.name)
SIGMOID = 1 / (1 + np.exp(-SCORES))
SLOPES = {  # by the score, of D on real, D on generated, G
    "minimax": (SIGMOID - 1, SIGMOID, -SIGMOID),
    "non-saturating": (SIGMOID - 1, SIGMOID, SIGMOID - 1),
    "least squares (0, 1, 1)": (SCORES - 1, SCORES, SCORES - 1),
    "least squares (−1, 1, 0)": (SCORES - 1, SCORES + 1, SCORES),
    "Wasserstein": (-np.ones_like(SCORES), np.ones_like(SCORES), -np.ones_like(SCORES)),
}


def one(score: float) -> torch.Tensor:
    return torch.tensor([[score]], dtype=torch.float64)


def test_every_objective_is_drawn() -> None:
    assert {type(shown.objective) for shown in losses.OBJECTIVES} == set(OBJECTIVES)


@every
def test_the_two_curves_of_d_add_up_to_its_loss(shown: Shown) -> None:
    """Each is one term alone: the other sample rests where its own term is 0."""
    objective: Objective = shown.objective
    real, fake = (curve(term, objective)[0] for term in TERMS[:2])
    for i, j in ((0, 480), (100, 300), (240, 240), (333, 7)):
        assert real[i] + fake[j] == pytest.approx(objective.d_loss(one(SCORES[i]), one(SCORES[j])).item(), abs=1e-12)
    assert objective.d_loss(*rest(objective, one(0))).item() == 0


@every
def test_the_curve_of_g_is_its_loss(shown: Shown) -> None:
    drawn = curve(TERMS[2], shown.objective)[0]
    own = [shown.objective.g_loss(one(score)).item() for score in SCORES]
    np.testing.assert_allclose(drawn, own, rtol=1e-14, atol=0)


@every
def test_the_slopes_are_those_of_pencil_and_paper(shown: Shown) -> None:
    for term, expected in zip(TERMS, SLOPES[shown.name], strict=True):
        np.testing.assert_allclose(
            curve(term, shown.objective)[1], expected, rtol=0, atol=1e-12 * np.abs(expected).max()
        )


def test_the_picture_holds_these_numbers() -> None:
    with svg.drawing():
        axes = draw().axes
    for place, term in enumerate(TERMS):
        for row in (0, 1):
            drawn = {line.get_label(): line.get_ydata() for line in axes[row * len(TERMS) + place].get_lines()}
            for shown in losses.OBJECTIVES:
                assert np.array_equal(drawn[shown.name], curve(term, shown.objective)[row])
