"""Nearest neighbors: four shares of generated sets against real ones, copies, and images over and over."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.data import Digits, ImageSource, ImageTruth
from trainables.features import Features, fit
from trainables.neighbors import MOST, NEIGHBORS, SPACES, ImageSupport, Manifold, manifold, median_error
from trainables.phases import View

CPU = torch.device("cpu")


def seen(samples: Tensor) -> View:
    return View(samples=samples, columns={})


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().sum().sqrt())


def radius(points: Tensor, own: int, neighbors: int) -> float:
    others = sorted(distance(points[own], points[i]) for i in range(len(points)) if i != own)
    return others[neighbors - 1]


def naive(real: Tensor, generated: Tensor, neighbors: int) -> Manifold:
    """As the papers define the four, one point after the other; of one generated set ``[N, d]``."""
    n, m = len(generated), len(real)
    balls = [radius(real, j, neighbors) for j in range(m)]
    own = [radius(generated, i, neighbors) for i in range(n)]
    inside = [[distance(generated[i], real[j]) < balls[j] for j in range(m)] for i in range(n)]
    precision = sum(any(row) for row in inside) / n
    recall = sum(any(distance(real[j], generated[i]) < own[i] for i in range(n)) for j in range(m)) / m
    density = sum(map(sum, inside)) / (neighbors * n)
    coverage = sum(any(inside[i][j] for i in range(n)) for j in range(m)) / m
    return Manifold(*(torch.tensor([value], dtype=torch.float64) for value in (precision, recall, density, coverage)))


def same(found: Manifold, expected: Manifold) -> bool:
    return all(torch.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(found, expected, strict=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(6, 12), st.integers(6, 12), st.integers(1, 3), st.integers(1, 5))
def test_the_four_shares_are_those_of_their_definitions(seed: int, n: int, m: int, dim: int, neighbors: int) -> None:
    rng = np.random.default_rng(seed)
    real = torch.from_numpy(rng.standard_normal((m, dim)))
    generated = torch.from_numpy(rng.standard_normal((2, n, dim)) * [[[1.0]], [[3.0]]] + 0.5)
    found = manifold(real, generated, neighbors)
    for row in (0, 1):
        own = Manifold(*(value[row : row + 1] for value in found))
        assert same(own, naive(real, generated[row], neighbors))


LINE = torch.arange(8).double()[:, None]


def shares(generated: Tensor, neighbors: int = 2) -> list[float]:
    return [float(value) for value in manifold(LINE, generated[None].double(), neighbors)]


def test_the_data_themselves_are_precise_and_cover_the_data() -> None:
    # Radii are 1 inside and 2 at both ends: a ball holds its center, and at the ends the next point, too.
    precision, recall, density, coverage = shares(LINE)
    assert (precision, recall, coverage) == (1, 1, 1)
    assert density == (8 + 2) / (2 * 8)


def test_points_beside_the_data_have_no_share() -> None:
    assert shares(LINE + 100) == [0, 0, 0, 0]


def test_one_point_over_and_over_is_precise_and_recalls_nothing() -> None:
    precision, recall, density, coverage = shares(torch.full((8, 1), 3.5))
    assert (precision, recall) == (1, 0)
    assert coverage == 2 / 8  # the balls around 3 and 4
    assert density == 2 / 2


def test_half_of_the_data_recalls_half() -> None:
    precision, recall, _, coverage = shares(torch.cat([LINE[:4], LINE[:4] + 0.01]))
    assert precision == 1
    assert recall == coverage == 5 / 8  # 4 is nearer to 3.01 than both are to their second neighbors


@pytest.mark.parametrize("sizes", [(5, 9), (9, 5)])
def test_sets_of_no_more_points_than_neighbors_are_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"both sets need more than 5 points, got {sizes[0]} and {sizes[1]}"):
        manifold(torch.zeros(sizes[0], 2), torch.zeros(1, sizes[1], 2))


# Images


@pytest.fixture(scope="module")
def digits() -> ImageSource:
    return Digits().load(device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def features(digits: ImageSource) -> Features:
    return fit(digits.truth, digits.digest)


@pytest.fixture(scope="module")
def support(digits: ImageSource, features: Features) -> ImageSupport:
    return ImageSupport(digits, features, samples=512, device=CPU)


def noisy(images: Tensor, width: float, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return images + width * torch.randn(images.shape, generator=rng)


def trained(source: ImageSource, count: int) -> Tensor:
    return source.at(source.trained_on[None, :count]).samples[0]


def value(probe: ImageSupport, name: str, samples: Tensor) -> float:
    return float(probe.measure(seen(samples[None]))[name])


@pytest.mark.parametrize("width", [0.0, 0.1, 0.2])
def test_copies_of_training_images_are_memorized_also_with_noise(
    support: ImageSupport, digits: ImageSource, width: float
) -> None:
    assert value(support, "memorization", noisy(trained(digits, 300), width)) > 0.95


@pytest.mark.parametrize("width", [0.0, 0.1])
def test_copies_of_held_out_images_are_the_contrary(support: ImageSupport, digits: ImageSource, width: float) -> None:
    chance = len(digits.trained_on) / len(digits.truth.images)
    copies = value(support, "memorization", noisy(digits.held_out(300), width))
    assert copies == pytest.approx(-chance / (1 - chance), abs=0.1)
    assert copies <= 0


def test_new_images_are_as_near_to_training_images_as_by_chance(features: Features) -> None:
    """A third of the digits is unknown to the source, which holds out a fifth of the others."""
    truth = Digits().load(device=CPU, dtype=torch.float32).truth
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(truth.images)))
    known, new = order[600:], order[:600]
    source = ImageSource(
        ImageTruth(images=truth.images[known], labels=None, classes=0), device=CPU, dtype=torch.float32
    )
    probe = ImageSupport(source, features, samples=512, device=CPU)
    images = truth.images[new].float() / 127.5 - 1
    assert abs(value(probe, "memorization", images)) < 0.25


def test_half_copies_are_half_memorized(support: ImageSupport, digits: ImageSource) -> None:
    noise = torch.rand(256, 1, *digits.shape[1:], generator=torch.Generator().manual_seed(0)) * 2 - 1
    alone, half = (
        value(support, "memorization", images) for images in (noise, torch.cat([noise, trained(digits, 256)]))
    )
    assert half == pytest.approx((1 + alone) / 2, abs=0.02)


@pytest.mark.parametrize(("count", "width"), [(10, 0.0), (10, 0.1), (30, 0.05)])
def test_a_few_images_over_and_over_are_not_distinct_also_with_noise(
    support: ImageSupport, digits: ImageSource, count: int, width: float
) -> None:
    few = digits.held_out(count)[torch.arange(512) % count]
    assert value(support, "distinctness", noisy(few, width)) < 0.5


def test_other_real_images_are_distinct_and_within_the_support(support: ImageSupport, digits: ImageSource) -> None:
    found = support.measure(seen(digits.held_out(359)[None]))
    assert float(found["distinctness"]) == pytest.approx(1, abs=0.15)
    for space in SPACES:
        assert float(found[f"knn_precision_{space}"]) > 0.75
        assert float(found[f"knn_coverage_{space}"]) > 2 * float(support.reference[f"knn_coverage_floor_{space}"])


def test_the_scale_has_images_without_structure_below_other_real_ones(support: ImageSupport) -> None:
    for space in SPACES:
        floor, ceiling = (float(support.reference[f"knn_coverage_{kind}_{space}"]) for kind in ("floor", "ceiling"))
        assert floor < 0.6 * ceiling
        assert 0.5 < ceiling <= 1
    assert float(support.reference["neighbors"]) == MOST


def test_one_image_per_class_is_seen_in_pixels(support: ImageSupport, digits: ImageSource) -> None:
    labels = digits.truth.labels
    assert labels is not None
    firsts = torch.stack([digits.truth.images[labels == k][0] for k in range(10)]).float() / 127.5 - 1
    found = support.measure(seen(noisy(firsts[torch.arange(512) % 10], 0.1)[None]))
    assert float(found["knn_recall_pixels"]) < 0.4 * float(support.reference["knn_recall_ceiling_pixels"])
    assert float(found["distinctness"]) < 0.75


@pytest.mark.parametrize(("amplitude", "least"), [(0.1, 1.8), (0.2, 3.2)])
def test_a_checkerboard_that_all_images_share_is_residue_and_nothing_else(
    support: ImageSupport, digits: ImageSource, amplitude: float, least: float
) -> None:
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in digits.shape[1:]), indexing="ij")
    images = digits.held_out(359)
    under = (images + amplitude * (1 - 2 * ((rows + columns) % 2))).clamp(-1, 1)
    assert value(support, "residue", images) == pytest.approx(1, abs=1e-6)
    assert value(support, "residue", under) > least
    assert value(support, "distinctness", under) == pytest.approx(value(support, "distinctness", images), abs=0.06)


def test_detail_that_an_average_hides_is_residue_too(digits: ImageSource, features: Features) -> None:
    """Of 32 pixels a side, which are averaged to 16: a pattern of single pixels averages out."""
    truth = ImageTruth(
        images=digits.truth.images.repeat_interleave(2, 2).repeat_interleave(2, 3), labels=None, classes=0
    )
    source = ImageSource(truth, device=CPU, dtype=torch.float32)
    probe = ImageSupport(source, features, samples=256, device=CPU)
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    images = source.held_out(256)
    assert value(probe, "residue", images) == pytest.approx(1, abs=0.05)
    assert value(probe, "residue", images + 0.2 * (1 - 2 * ((rows + columns) % 2))) > 3


# Replicas


def test_replicas_are_measured_as_alone(support: ImageSupport, digits: ImageSource) -> None:
    stack = torch.stack([digits.held_out(300), noisy(trained(digits, 300), 0.2), torch.zeros(300, *digits.shape)])
    together = support.measure(seen(stack))
    for row in range(3):
        for name, alone in support.measure(seen(stack[row : row + 1])).items():
            assert together[name][row : row + 1].tolist() == pytest.approx(alone.tolist(), abs=0.01), name


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, 3e38])
def test_a_replica_that_is_not_finite_is_nan_and_leaves_others_alone(
    support: ImageSupport, digits: ImageSource, bad: float
) -> None:
    samples = torch.stack([digits.held_out(300)] * 2)
    clean = support.measure(seen(samples))
    samples[0, -1] = bad
    for name, values in support.measure(seen(samples)).items():
        assert values[0].isnan(), name
        assert torch.equal(values[1], clean[name][1]), name


def test_measuring_changes_no_sample(support: ImageSupport, digits: ImageSource) -> None:
    samples = digits.held_out(100)[None]
    before = samples.clone()
    support.measure(seen(samples))
    assert torch.equal(samples, before)


# Small and unusual sets


def small(count: int) -> ImageSource:
    rng = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=rng).to(torch.uint8)
    return ImageSource(ImageTruth(images=images, labels=None, classes=0), device=CPU, dtype=torch.float32)


@pytest.mark.parametrize(("count", "neighbors"), [(10, 4), (16, 6), (40, 16)])
def test_a_small_set_is_measured_on_half_of_it_or_not_at_all(features: Features, count: int, neighbors: int) -> None:
    source = small(count)
    probe = ImageSupport(source, features, samples=100, device=CPU)
    found = probe.measure(seen(torch.zeros(1, 100, 1, 8, 8)))
    assert float(probe.reference["neighbors"]) == min(neighbors, (count - count // 5) // 2)
    assert bool(found) is (float(probe.reference["neighbors"]) > NEIGHBORS)


def test_few_samples_are_compared_with_as_few_images(digits: ImageSource, features: Features) -> None:
    probe = ImageSupport(digits, features, samples=20, device=CPU)
    assert float(probe.reference["neighbors"]) == 20
    assert probe.measure(seen(digits.held_out(20)[None])).keys() >= {"memorization", "distinctness"}


@pytest.mark.parametrize("tail", [0.0, 1.0], ids=["normal", "lognormal"])
def test_the_error_of_a_median_is_its_spread_over_sets_drawn_anew_also_with_a_long_tail(tail: float) -> None:
    values = torch.randn(2_000, 256, generator=torch.Generator().manual_seed(0))
    if tail:
        values = (tail * values).exp()
    spread = float(values.median(1).values.std())
    stated = float(median_error(values).mean())
    assert stated == pytest.approx(spread, rel=0.08)


def test_a_median_of_doubles_has_no_error_and_one_value_beyond_all_does_not_matter() -> None:
    values = torch.zeros(1, 101)
    values[0, 0] = torch.inf
    assert median_error(values).tolist() == [0.0]
