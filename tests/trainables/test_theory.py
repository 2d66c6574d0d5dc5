"""Theory: divergences and the best D at masses made by hand, and what real samples and dead replicas get."""

from dataclasses import replace
from math import erf, log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables.rounding import assert_same
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import ImageSource, ImageTruth, MixtureSource, MixtureTruth, Ring
from trainables.networks import Mlp
from trainables.objectives import LeastSquares, Minimax, NonSaturating, Objective, Wasserstein
from trainables.optim import Adam
from trainables.phases import View
from trainables.streams import Streams
from trainables.theory import Bins, Theory, jensen_shannon, pearson

CPU = torch.device("cpu")
COUNT = 2_000
CONFIG = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    objective=NonSaturating(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    batch_size=100,
    steps=1,
    evaluation=Evaluation(samples=COUNT),
)
CLOSED = [Minimax(), NonSaturating(), LeastSquares(), LeastSquares(a=-1, b=1, c=0), LeastSquares(a=3, b=-2, c=0.5)]
closed = pytest.mark.parametrize("objective", CLOSED, ids=str)
FAR = 50.0
"""Where no mode of the ring is."""


@pytest.fixture(scope="module")
def ring() -> MixtureSource:
    return Ring().load(device=CPU, dtype=torch.float64)


def probe(source: MixtureSource, objective: Objective = NonSaturating(), **changes: object) -> Theory:
    config = replace(CONFIG, objective=objective, **changes)
    return Theory(config, source, source.truth, device=CPU)


def fresh(source: MixtureSource, replicas: int = 1, count: int = COUNT) -> Tensor:
    return source.batch(Streams(range(20, 20 + replicas)), 0, count).samples


def far_away(samples: Tensor, share: float) -> Tensor:
    """The samples with the first ``share`` of each batch moved where the density is 0."""
    moved = samples.clone()
    moved[:, : round(share * samples.shape[1])] = FAR
    return moved


def best_score(objective: Objective, source: MixtureSource, p_far: float) -> object:
    """The best D against ``(1 - p_far) p_d + p_far (a point far away)``, as raw scores."""

    def score(samples: Tensor) -> Tensor:
        p, q = torch.tensor(1.0, dtype=torch.float64), torch.tensor(1 - p_far, dtype=torch.float64)
        at_data = p / (p + q)
        share = torch.where((samples.norm(dim=-1) > FAR / 2), 0.0, at_data)
        if isinstance(objective, LeastSquares):
            return objective.a + (objective.b - objective.a) * share
        return share.logit(eps=1e-12)

    return score


def measure(theory: Theory, samples: Tensor, score: object = None) -> dict[str, float]:
    found = theory.measure(View(samples=samples, columns={}, score=score))  # type: ignore[arg-type]
    return {name: value[0].item() for name, value in found.items()}


# Divergences of masses


def masses(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_equal_masses_have_no_divergence() -> None:
    p = masses(0.2, 0.0, 0.8)
    assert jensen_shannon(p, p).item() == 0
    assert pearson(p, p).item() == 0


def test_disjoint_masses_have_the_largest_divergences() -> None:
    p, q = masses(0.3, 0.7, 0.0), masses(0.0, 0.0, 1.0)
    assert jensen_shannon(p, q).item() == pytest.approx(log(2), rel=1e-14)
    assert pearson(p, q).item() == pytest.approx(2, rel=1e-14)


def test_two_bins_by_hand() -> None:
    """(1, 0) against (1/2, 1/2): m = (3/4, 1/4)."""
    p, q = masses(1.0, 0.0), masses(0.5, 0.5)
    by_hand = 0.5 * log(4 / 3) + 0.5 * (0.5 * log(2 / 3) + 0.5 * log(2))
    assert jensen_shannon(p, q).item() == pytest.approx(by_hand, rel=1e-14)
    assert pearson(p, q).item() == pytest.approx(0.25 / 1.5 + 0.25 / 0.5, rel=1e-14)


def test_pearson_is_the_paper_s_with_its_first_argument_in_the_denominator() -> None:
    p, q = masses(0.1, 0.6, 0.3), masses(0.5, 0.25, 0.25)
    first, second = p + q, 2 * q
    assert pearson(p, q).item() == pytest.approx(((second - first) ** 2 / first).sum().item(), rel=1e-14)
    assert pearson(p, q).item() != pytest.approx(((second - first) ** 2 / second).sum().item(), rel=1e-3)


def test_divergences_rise_as_the_masses_move_apart() -> None:
    p = masses(0.5, 0.5, 0.0)
    moved = torch.linspace(0, 1, 11, dtype=torch.float64)
    q = torch.stack([(1 - moved) / 2, (1 - moved) / 2, moved], 1)
    for divergence in (jensen_shannon, pearson):
        assert (divergence(p, q).diff() > 0).all()


# Bins


def test_the_masses_of_one_normal_are_those_of_its_distribution_function() -> None:
    truth = MixtureTruth(centers=np.array([[2.0, -1.0]]), weights=np.ones(1), std=0.5)
    within = [erf(offset / sqrt(2)) for offset in (1, 3)]
    axis = np.array([(1 - within[1]) / 2, (within[1] - within[0]) / 2, within[0]])
    axis = np.concatenate([axis, axis[1::-1]])
    expected = torch.from_numpy(np.outer(axis, axis)).flatten()
    # Differences of a distribution function, which ends at 1.
    assert_same(Bins(truth, device=CPU).masses, expected, 1.0, roundings=50)


@pytest.mark.parametrize("data", [Ring(), Ring(doubled=True), Ring(std=0.6), Ring(modes=25, std=0.1)], ids=str)
def test_the_masses_sum_to_one_and_samples_fall_as_they_say(data: Ring) -> None:
    source = data.load(device=CPU, dtype=torch.float64)
    bins = Bins(source.truth, device=CPU)
    assert bins.masses.sum().item() == pytest.approx(1, abs=1e-12)
    assert (bins.masses >= 0).all()
    share = bins.share(bins.find(fresh(source, count=20_000)))[0]
    assert share.sum().item() == pytest.approx(1, abs=1e-12)
    spread = (bins.masses * (1 - bins.masses) / 20_000).sqrt()
    assert ((share - bins.masses).abs() <= 5 * spread + 1e-4).all()


def test_one_dimension_has_bins_too() -> None:
    truth = MixtureTruth(centers=np.array([[0.0]]), weights=np.ones(1), std=1.0)
    bins = Bins(truth, device=CPU)
    assert bins.number == 5
    assert bins.find(torch.tensor([[[-9.0], [-2.0], [0.0], [2.0], [9.0]]])).tolist() == [[0, 1, 2, 3, 4]]


# The probe


def test_real_samples_get_about_the_floor_that_the_reference_names(ring: MixtureSource) -> None:
    theory = probe(ring)
    found = theory.measure(View(samples=fresh(ring, 20), columns={}))
    for column in ("jsd", "pearson_chi2"):
        floor = theory.reference[f"{column}_real"].item()
        assert found[column].mean().item() == pytest.approx(floor, rel=0.2)
    assert 0 < theory.reference["jsd_real"].item() < 0.01


def test_samples_away_from_all_data_have_the_largest_divergences(ring: MixtureSource) -> None:
    found = measure(probe(ring), torch.full((1, COUNT, 2), FAR, dtype=torch.float64))
    assert found["jsd"] == pytest.approx(log(2), rel=1e-9)
    assert found["minus_log4_plus_2jsd"] == pytest.approx(0, abs=1e-9 * log(4))
    assert found["pearson_chi2"] == pytest.approx(2, rel=1e-9)


def test_half_of_the_samples_elsewhere(ring: MixtureSource) -> None:
    """p_g = p_d / 2 + half elsewhere: the two bins by hand, up to the noise of counting."""
    found = measure(probe(ring), far_away(fresh(ring), 0.5))
    by_hand = 0.5 * log(4 / 3) + 0.5 * (0.5 * log(2 / 3) + 0.5 * log(2))
    assert found["jsd"] == pytest.approx(by_hand, abs=0.01)
    assert found["pearson_chi2"] == pytest.approx(0.25 / 1.5 + 0.5, abs=0.03)


def test_a_lost_mode_is_seen_and_a_doubled_one_is_not_an_error(ring: MixtureSource) -> None:
    """The truth has the weights: the doubled mode of the official ring is no collapse."""
    doubled = Ring(doubled=True).load(device=CPU, dtype=torch.float64)
    assert measure(probe(doubled), fresh(doubled))["jsd"] < 0.02
    assert measure(probe(ring), fresh(doubled))["jsd"] > 0.012
    kept = fresh(ring)
    lost = torch.where((kept[..., 1] > 0.9)[..., None], kept * torch.tensor([1.0, -1.0]), kept)
    assert measure(probe(ring), lost)["jsd"] > 0.04


# D against its optimum


@closed
def test_the_best_constant_has_no_error_at_equal_densities_beyond_counting(
    ring: MixtureSource, objective: Objective
) -> None:
    theory = probe(ring, objective)
    constant = (objective.a + objective.b) / 2 if isinstance(objective, LeastSquares) else 0.0
    scale = abs(objective.b - objective.a) if isinstance(objective, LeastSquares) else 1.0
    found = measure(theory, fresh(ring), lambda x: torch.full(x.shape[:2], constant, dtype=torch.float64))
    floor = theory.reference["d_optimum_error_real"].item()
    assert found["d_optimum_error"] == pytest.approx(floor, rel=0.3)
    assert floor < 0.05
    worse = measure(theory, fresh(ring), lambda x: torch.full(x.shape[:2], constant + scale, dtype=torch.float64))
    assert worse["d_optimum_error"] > 0.2


@closed
@pytest.mark.parametrize("p_far", [0.3, 1.0])
def test_the_best_d_reaches_the_divergence(ring: MixtureSource, objective: Objective, p_far: float) -> None:
    theory = probe(ring, objective)
    samples = far_away(fresh(ring), p_far)
    samples = samples[:, torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))]
    found = measure(theory, samples, best_score(objective, ring, p_far))
    assert found["d_optimum_error"] < 0.04
    p, q = masses(1.0, 0.0), masses(1 - p_far, p_far)
    if isinstance(objective, LeastSquares):
        assert found["implied_pearson_chi2"] == pytest.approx(pearson(p, q).item(), abs=0.04)
    else:
        assert found["implied_jsd"] == pytest.approx(jensen_shannon(p, q).item(), abs=0.02)


@closed
def test_any_other_d_implies_less_than_the_divergence(ring: MixtureSource, objective: Objective) -> None:
    theory, samples = probe(ring, objective), far_away(fresh(ring), 0.3)
    samples = samples[:, torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))]
    best = best_score(objective, ring, 0.3)
    for shift in (-0.5, 0.5):
        found = measure(theory, samples, lambda x, shift=shift: best(x) + shift)  # type: ignore[operator]
        implied = found.get("implied_jsd", found.get("implied_pearson_chi2"))
        assert implied is not None
        assert implied < found["jsd" if "implied_jsd" in found else "pearson_chi2"] - 0.01


def test_labels_with_both_conditions_make_2c_the_pearson_divergence(ring: MixtureSource) -> None:
    samples = far_away(fresh(ring), 0.3)[:, torch.randperm(COUNT, generator=torch.Generator().manual_seed(0))]
    for objective, holds in ((LeastSquares(a=-1, b=1, c=0), True), (LeastSquares(), False)):
        found = measure(probe(ring, objective), samples, best_score(objective, ring, 0.3))
        assert (abs(found["two_c_of_g"] - found["pearson_chi2"]) < 0.05) is holds


def test_the_error_of_a_constant_by_hand(ring: MixtureSource) -> None:
    """p_g elsewhere: D* is 1 on the data and 0 there; the constant 1/4 errs by 3/4 and 1/4, weighted 1/2 each.

    On labels (-1, 1) the score of that constant is -1/2; -3 is an output of -1, which errs by 2 and 1.
    """
    away = torch.full((1, COUNT, 2), FAR, dtype=torch.float64)
    squares = LeastSquares(a=-1, b=1, c=0)
    for objective, score, error in ((NonSaturating(), log(1 / 3), 0.5), (squares, -0.5, 0.5), (squares, -3.0, 1.5)):
        found = measure(probe(ring, objective), away, lambda x, s=score: torch.full(x.shape[:2], s, dtype=x.dtype))
        assert found["d_optimum_error"] == pytest.approx(error, rel=0.02)


# Which columns there are


def test_without_a_closed_form_or_a_score_there_are_divergences_alone(ring: MixtureSource) -> None:
    def score(samples: Tensor) -> Tensor:
        return samples.sum(-1)

    alone = {"jsd", "minus_log4_plus_2jsd", "pearson_chi2"}
    assert set(measure(probe(ring, Wasserstein()), fresh(ring), score)) == alone
    assert set(measure(probe(ring, instance_noise=0.1), fresh(ring), score)) == alone
    assert set(measure(probe(ring), fresh(ring))) == alone
    assert "d_optimum_error_real" not in probe(ring, Wasserstein()).reference
    assert set(measure(probe(ring), fresh(ring), score)) == alone | {"implied_jsd", "d_optimum_error"}


def test_data_that_only_describe_themselves_by_a_mixture_have_no_density(ring: MixtureSource) -> None:
    class Elsewhere:
        truth, shape = ring.truth, ring.shape

    assert Theory.applies(ring)
    assert not Theory.applies(Elsewhere())  # type: ignore[arg-type]


def test_images_have_no_density() -> None:
    truth = ImageTruth(images=torch.zeros(2, 1, 8, 8, dtype=torch.uint8), labels=None, classes=0)
    assert not Theory.applies(ImageSource(truth, device=CPU, dtype=torch.float32))


def test_d_sees_whole_batches(ring: MixtureSource) -> None:
    sizes = []

    def score(samples: Tensor) -> Tensor:
        sizes.append(samples.shape[1])
        return samples.sum(-1)

    probe(ring, batch_size=100).measure(View(samples=fresh(ring), columns={}, score=score))
    few = probe(ring, batch_size=64, evaluation=Evaluation(samples=20))
    few.measure(View(samples=fresh(ring, count=20), columns={}, score=score))
    assert sizes == [1_000, 1_000, 20, 20]


# Dead replicas


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_dead_replica_is_nan_and_harms_nobody(ring: MixtureSource, bad: float) -> None:
    def score(samples: Tensor) -> Tensor:
        return samples.sum(-1)

    theory, samples = probe(ring), fresh(ring, 3)
    clean = theory.measure(View(samples=samples, columns={}, score=score))
    samples[1, 7, 0] = bad
    for name, value in theory.measure(View(samples=samples, columns={}, score=score)).items():
        assert value.isfinite().tolist() == [True, False, True], name
        assert torch.equal(value[[0, 2]], clean[name][[0, 2]]), name


def test_scores_that_are_not_finite_cost_the_columns_of_d_alone(ring: MixtureSource) -> None:
    def score(samples: Tensor) -> Tensor:
        values = samples.sum(-1)
        values[1, 3] = torch.nan
        return values

    found = probe(ring).measure(View(samples=fresh(ring, 2), columns={}, score=score))
    alive = {name: value.isfinite().tolist() for name, value in found.items()}
    assert alive["jsd"] == [True, True]
    assert alive["d_optimum_error"] == alive["implied_jsd"] == [True, False]


def test_replicas_are_measured_as_alone(ring: MixtureSource) -> None:
    theory, samples = probe(ring, LeastSquares()), fresh(ring, 3)
    stacked = theory.measure(View(samples=samples, columns={}, score=lambda x: x.sum(-1)))
    for i in range(3):
        solo = theory.measure(View(samples=samples[i : i + 1], columns={}, score=lambda x: x.sum(-1)))
        for name, value in solo.items():
            torch.testing.assert_close(stacked[name][i : i + 1], value, rtol=1e-12, atol=0)
