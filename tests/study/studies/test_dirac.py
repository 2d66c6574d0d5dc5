"""The Dirac study: every method's outcome, decided by the study's rule on what the loop and the probes measured."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from study.design.hypotheses import Share
from study.design.plan import Cell
from study.design.planning import plan_study
from study.outcomes.outcome import Outcome
from study.studies.dirac import ORDER, RULE, STUDY
from tests.study.retraining import retrained
from trainables.data import Point
from trainables.reporting import report_steps

QUICK = {cell.name: cell for cell in plan_study(STUDY, "quick", now=datetime(2026, 1, 1, tzinfo=UTC)).cells}
STANDARD = {cell.name: cell for cell in plan_study(STUDY, "standard", now=datetime(2026, 1, 1, tzinfo=UTC)).cells}
ORBIT, ARRIVED, GONE = Outcome.NOT_LEARNED, Outcome.CONVERGED, Outcome.DIVERGED
VERDICTS = {
    "minimax": ORBIT,
    "ns": ORBIT,
    "wgan clip": ORBIT,
    "wgan-gp": ORBIT,
    "wgan-lp": ORBIT,
    "instance noise": ARRIVED,
    "r1": ARRIVED,
    "ns r1": ARRIVED,
}


def outcomes(cell: Cell, seeds: int) -> Counter[Outcome]:
    return Counter(retrained(cell.config, range(seeds), RULE))


@pytest.mark.parametrize(("method", "outcome"), [("r1", ARRIVED), ("wgan-gp", ORBIT)])
def test_simultaneous_updates_have_their_verdicts(method: str, outcome: Outcome) -> None:
    assert outcomes(QUICK[f"{method} / simultaneous"], seeds=4) == {outcome: 4}


@pytest.mark.slow
@pytest.mark.parametrize("order", [level.label for level in ORDER.levels])
@pytest.mark.parametrize("method", VERDICTS)
def test_every_start_has_the_published_verdict(method: str, order: str) -> None:
    found = outcomes(QUICK[f"{method} / {order}"], seeds=20)
    if VERDICTS[method] is ORBIT:  # an orbit that comes near the data at every turn is an oscillation
        assert found[ORBIT] + found[Outcome.OSCILLATING] == 20, found
    else:
        assert found == {VERDICTS[method]: 20}


def test_what_is_claimed_to_fail_fails_in_every_profile_that_asks_it() -> None:
    """The non-saturating GAN is claimed to fail with simultaneous updates alone: alternating ones arrive in time."""
    (claim,) = (one for one in STUDY.hypotheses if isinstance(one, Share) and one.where["method"] == "ns")
    assert claim.where == {"method": "ns", "order": "simultaneous"}
    assert (claim.side, claim.outcomes) == ("below", (ARRIVED,))


LATE = {"simultaneous": ORBIT, "alternating 1": ARRIVED, "alternating 5": ARRIVED}


@pytest.mark.slow
@pytest.mark.parametrize("order", LATE)
def test_after_5000_steps_alternating_updates_have_arrived(order: str) -> None:
    assert outcomes(STANDARD[f"ns / {order}"], seeds=4) == {LATE[order]: 4}


def test_a_stiff_penalty_diverges() -> None:
    """WGAN-div at (2, 6): a step of 0.2 is too long for starts with psi near 1, about half of them."""
    found = outcomes(QUICK["wgan-div / simultaneous"], seeds=20)
    assert 5 <= found[GONE] < 20
    assert found[ARRIVED] == 0


def test_all_starts_lie_outside_what_counts_as_arrived() -> None:
    """Or a replica could not rise above its start, and would be judged by that."""
    for cell in QUICK.values():
        assert isinstance(cell.config.data, Point)
        assert cell.config.generator.init.low > 10 * cell.config.data.std


def test_a_window_is_longer_than_half_a_turn() -> None:
    """Near the equilibrium the minimax game turns by 0.2 / 2 radians per step, the Wasserstein game by 0.2."""
    for cell in QUICK.values():
        reports = report_steps(cell.config.steps, cell.config.evaluation.every)[1:]
        shortest = min(last - first for first, last in zip(reports, reports[RULE.window - 1 :], strict=False))
        assert shortest * 0.2 / 2 > np.pi
