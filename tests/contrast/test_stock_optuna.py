"""Optuna's samplers and pruners against this project's: what each makes of trials that diverge."""

import warnings
from collections.abc import Sequence
from math import inf, nan

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import WilcoxonPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from search_spaces import Float, Range, Space
from study.design.search import SearchSpec
from study.outcomes.outcome import Outcome
from study.search import race, samplers
from study.search.candidates import Candidate
from study.search.scoring import candidates
from tests.contrast.scenes import decided, pinned
from tests.study.made_searches import BASE, told_of

LR = {"lr": FloatDistribution(0.0, 1.0)}
LIVED = [k / 20 for k in range(20)]
"""Where the GANs that trained are; the best one at 0.5."""
DIED = [0.4 + 0.2 * k / 50 for k in range(50)]
"""Where others diverged: all around the best one."""


def told_nan(study: optuna.Study, lr: float) -> FrozenTrial:
    """The trial of a GAN that diverged, as Optuna keeps it."""
    study.enqueue_trial({"lr": lr})
    with pytest.warns(UserWarning, match="nan is not acceptable"):
        return study.tell(study.ask(LR), nan)


def proposed(lived: Sequence[float], died: Sequence[float], *, running: bool = False) -> list[float]:
    """What TPE suggests next. The dead are told as NaN, or left running."""
    study = optuna.create_study(direction="minimize", sampler=RandomSampler(seed=1))
    for lr in lived:
        study.enqueue_trial({"lr": lr})
        study.tell(study.ask(LR), 20 + (lr - 0.5) ** 2)
    for lr in died:
        if running:
            study.enqueue_trial({"lr": lr})
            study.ask(LR)
        else:
            told_nan(study, lr)
    study.sampler = TPESampler(seed=0)
    return [study.ask(LR).params["lr"] for _ in range(5)]


@pinned("study/search/optuna_adapter/sampler.py")
def test_stock_optuna_files_nan_under_fail_without_a_value() -> None:
    trial = told_nan(optuna.create_study(direction="minimize"), 0.5)
    assert (trial.state, trial.value) == (TrialState.FAIL, None)


@pinned("study/search/optuna_adapter/sampler.py")
def test_stock_tpe_proposes_the_same_whatever_has_failed() -> None:
    assert proposed(LIVED, DIED) == proposed(LIVED, [])


@pinned("study/search/optuna_adapter/sampler.py")
@pytest.mark.parametrize("running", [False, True])
def test_stock_tpe_draws_at_random_while_fewer_than_ten_have_lived(running: bool) -> None:
    """The others may be many: optuna issue 332 has 27 of 11,000."""
    blind = optuna.create_study(sampler=TPESampler(seed=0))
    assert proposed(LIVED[:9], DIED, running=running) == [blind.ask(LR).params["lr"] for _ in range(5)]


@pinned("study/search/optuna_adapter/sampler.py")
def test_stock_tpe_takes_a_trial_left_running_for_a_bad_one() -> None:
    """Which is what OptunaSearch makes of NaN; only since Optuna 5, where ``constant_liar`` is the default."""
    assert proposed(LIVED, DIED, running=True) != proposed(LIVED, [])


SPACE = Space(
    name="contrast",
    title="Learning rate",
    source="test",
    axes=(Range(name="lr", domain=Float(low=0.0, high=1.0), paths=("g_optimizer.lr",), default=0.5, source="test"),),
)


def cell(lr: float, fids: Sequence[float]) -> Candidate:
    (candidate,) = candidates([{"lr": lr}], decided(cell=fids))
    return candidate


def suggested(known: Sequence[Candidate]) -> list[float]:
    """Our proposals by TPE after the first one, which is the space's default, for several seeds."""
    found = []
    for seed in range(8):
        proposer = samplers.proposer(SearchSpec(space=SPACE, base=BASE, seed=seed, warm=told_of(known)))
        proposer.propose(())
        proposal = proposer.propose(())
        assert proposal is not None
        found.append(float(proposal.point["lr"]))
    return found


def test_ours_keeps_away_from_where_gans_die() -> None:
    lived = [cell(lr, [20 + 100 * (lr - 0.5) ** 2] * 5) for lr in LIVED]
    died = [cell(lr, [nan] * 5) for lr in DIED]
    near = [sum(0.4 <= lr <= 0.6 for lr in suggested(known)) for known in (lived, lived + died)]
    assert near[0] > near[1] + 1


def test_ours_learns_from_nothing_but_failures() -> None:
    died = [cell(lr, [nan] * 5) for lr in DIED]
    assert suggested(died) != suggested([])


def prunes(fids: Sequence[float]) -> bool:
    """Whether Optuna stops a trial, one seed after the other, with these FIDs; the best one had 1.0 to 1.9."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study = optuna.create_study(direction="minimize", pruner=WilcoxonPruner())
    best = study.ask()
    for seed in range(10):
        best.report(1 + seed / 10, seed)
    study.tell(best, 1.45)
    trial = study.ask()
    for seed, fid in enumerate(fids):
        trial.report(fid, seed)
    return trial.should_prune()


@pinned("study/search/race.py")
@pytest.mark.parametrize("dead", [nan, inf])
def test_stock_wilcoxon_pruner_never_stops_a_trial_with_a_dead_seed(dead: float) -> None:
    assert prunes([50.0] * 10)
    with pytest.warns(UserWarning, match="will not prune"):
        assert not prunes([50.0] * 9 + [dead])


def test_ours_gives_no_further_block_to_seeds_that_die() -> None:
    reliable, dead = candidates([{"lr": 0.1}, {"lr": 0.9}], decided(reliable=[20.0] * 10, dead=[nan] * 10))
    assert race.incumbent([reliable, dead]) is reliable
    assert race.interval(dead)[1] < race.interval(reliable)[0]
    assert race.challenger([reliable, dead], most=100, busy=()) is not dead
    assert dead.outcomes == {Outcome.DIVERGED: 10}
