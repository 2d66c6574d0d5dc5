"""Probes: what a column says, at points placed by hand, and that a dead replica harms nobody."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables.rounding import assert_same, largest
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning, Unconditional
from trainables.config import GanConfig, Latent
from trainables.data import Digits, ImageSource, ImageTruth, MixtureSource, MixtureTruth, Ring
from trainables.features import Features, fit
from trainables.neighbors import ImageSupport
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.phases import View
from trainables.probes import (
    QUANTILES,
    RADII,
    ClassDiversity,
    Diversity,
    ImageFit,
    Measured,
    MixtureFit,
    Probe,
    SampleCount,
    constants,
    probes_for,
)
from trainables.theory import Theory

CPU = torch.device("cpu")
CENTERS = np.array([[0.0, 0.0], [10.0, 0.0]])
TRUTH = MixtureTruth(centers=CENTERS, weights=np.array([0.25, 0.75]), std=0.1)
CONFIG = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=1,
)


def seen(samples: torch.Tensor) -> View:
    return View(samples=samples, columns={})


@pytest.fixture(scope="module")
def ring() -> MixtureSource:
    return Ring().load(device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def digits() -> ImageSource:
    return Digits().load(device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def features(digits: ImageSource) -> Features:
    assert isinstance(digits.truth, ImageTruth)
    return fit(digits.truth, digits.digest)


@pytest.fixture(scope="module")
def image_fit(digits: ImageSource, features: Features) -> ImageFit:
    assert isinstance(digits.truth, ImageTruth)
    return ImageFit(digits, digits.truth, features, device=CPU)


# Diversity


def test_diversity_is_one_for_fresh_data(ring: MixtureSource) -> None:
    from trainables.streams import Streams

    fresh = ring.batch(Streams((1, 2)), 0, 256).samples
    assert Diversity(ring).measure(seen(fresh))["diversity"].tolist() == pytest.approx([1, 1], abs=0.05)


def test_diversity_is_zero_for_identical_samples(ring: MixtureSource) -> None:
    """Exactly: a distance computed by matrix products would leave rounding behind."""
    same = torch.tensor([0.3, 0.7]).expand(2, 300, 2)
    assert Diversity(ring).measure(seen(same))["diversity"].tolist() == [0, 0]


def test_diversity_is_the_mean_over_distinct_pairs(ring: MixtureSource) -> None:
    """Three points with distances 3, 4 and 5 have mean 4."""
    probe = Diversity(ring)
    points = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]])
    scale = probe.reference["data_diversity"].item()
    assert probe.measure(seen(points))["diversity"].item() * scale == pytest.approx(4, rel=1e-6)


def test_diversity_scales_with_the_samples(ring: MixtureSource) -> None:
    real = ring.reference(256)[None]
    assert Diversity(ring).measure(seen(0.5 * real))["diversity"].item() == pytest.approx(0.5, rel=1e-6)


def test_diversity_of_images(digits: ImageSource) -> None:
    real = digits.reference(256)
    found = Diversity(digits).measure(seen(torch.stack([real, real.mean(0, keepdim=True).expand_as(real)])))
    assert found["diversity"].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_spacing_is_the_median_distance_to_the_nearest_other_sample(ring: MixtureSource) -> None:
    """Three points with distances 3, 4 and 5: nearest at 3, 3 and 4."""
    real, points = ring.reference(256)[None], torch.tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]])
    distances = torch.cdist(real, real, compute_mode="donot_use_mm_for_euclid_dist")
    unit = distances.topk(2, largest=False).values[..., 1].quantile(0.5).item()
    probe = Diversity(ring)
    assert probe.measure(seen(points))["spacing"].item() * unit == pytest.approx(3, rel=1e-4)
    assert probe.measure(seen(2 * real))["spacing"].item() == pytest.approx(2, rel=1e-5)


def test_points_over_and_over_are_diverse_but_have_no_spacing(ring: MixtureSource) -> None:
    points = ring.reference(4)[torch.arange(300) % 4][None]
    found = Diversity(ring).measure(seen(points))
    assert found["spacing"].item() == 0
    assert found["diversity"].item() > 0.5


# MixtureFit


def at(*distances: float, center: int = 0) -> list[list[float]]:
    return [[float(CENTERS[center, 0]), distance] for distance in distances]


def measure(*points: list[float]) -> dict[str, list[float]]:
    found = MixtureFit(TRUTH, device=CPU).measure(seen(torch.tensor([points], dtype=torch.float64)))
    return {name: value[0].tolist() for name, value in found.items()}


def test_shares_at_every_radius() -> None:
    """Radii 0.3, 1 and 3 around two centres; of ten points, one is out of all."""
    points = [*at(0, 0.1, 0.5, 2.0), *at(0.2, 0.29, 0.31, 0.99, 2.99, center=1), *at(7.0)]
    found = measure(*points)
    assert found["mode_share_r3"] == pytest.approx([0.2, 0.2])
    assert found["mode_share_r10"] == pytest.approx([0.3, 0.4])
    assert found["mode_share_r30"] == pytest.approx([0.4, 0.5])
    assert [found[f"hq_share_r{radius}"] for radius in RADII] == pytest.approx([0.4, 0.7, 0.9])


@pytest.mark.parametrize("radius", RADII)
def test_a_point_just_inside_counts_and_one_just_outside_does_not(radius: int) -> None:
    edge = radius * TRUTH.std
    assert measure(*at(edge - 1e-9, edge + 1e-9))[f"hq_share_r{radius}"] == 0.5


def test_the_shares_of_the_modes_sum_to_that_of_all() -> None:
    points = torch.rand(3, 500, 2, generator=torch.Generator().manual_seed(1)) * 12 - 1
    found = MixtureFit(TRUTH, device=CPU).measure(seen(points))
    for radius in RADII:
        torch.testing.assert_close(found[f"mode_share_r{radius}"].sum(-1), found[f"hq_share_r{radius}"])


def test_a_point_belongs_to_the_nearest_mode_only() -> None:
    """Where the discs of two modes overlap."""
    close = MixtureTruth(centers=np.array([[0.0, 0.0], [1.0, 0.0]]), weights=np.array([0.5, 0.5]), std=0.1)
    points = torch.tensor([[[0.4, 0.0], [0.6, 0.0], [0.7, 0.0], [0.9, 0.0]]])
    found = MixtureFit(close, device=CPU).measure(seen(points))
    assert found["mode_share_r10"][0].tolist() == [0.25, 0.75]


def test_distance_quantiles() -> None:
    distances = np.linspace(0, 2, 101)
    found = measure(*at(*distances), *at(*distances, center=1))
    assert found["distance_quantiles"] == pytest.approx([2 * level for level in QUANTILES], abs=0.02)


def test_the_data_have_their_own_weights_and_radius() -> None:
    source = Ring(doubled=True).load(device=CPU, dtype=torch.float32)
    probe = MixtureFit(source.truth, device=CPU)
    found = probe.measure(seen(source.reference(20_000)[None]))
    assert found["mode_share_r10"][0].tolist() == pytest.approx(probe.reference["mode_weights"].tolist(), abs=0.01)
    assert found["mode_share_r10"][0, 0].item() == pytest.approx(2 / 9, abs=0.01)
    # In two dimensions a share exp(-q^2 / 2) lies beyond q standard deviations.
    assert found["hq_share_r3"].item() == pytest.approx(1 - np.exp(-4.5), abs=0.002)
    median = 0.01 * sqrt(2 * np.log(2))
    assert found["distance_quantiles"][0, 2].item() == pytest.approx(median, rel=0.02)
    assert probe.reference["std"].tolist() == [0.01]


# ImageFit


def test_real_images_are_as_far_from_themselves_as_two_halves(image_fit: ImageFit, digits: ImageSource) -> None:
    half = digits.reference(1_024)[:512]
    found = image_fit.measure(seen(half[None]))["frechet_classifier"].item()
    floor = image_fit.reference["frechet_real"].item()
    assert 0 < found < 2 * floor
    noise = torch.rand(1, 512, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert image_fit.measure(seen(noise))["frechet_classifier"].item() > 20 * floor


def test_one_single_image_is_about_as_far_as_the_features_vary(image_fit: ImageFit, digits: ImageSource) -> None:
    one = digits.reference(1).expand(1, 64, 1, 16, 16)
    found, variance = image_fit.measure(seen(one)), image_fit.reference["feature_variance"].item()
    assert variance < found["frechet_classifier"].item() < 10 * variance


def test_class_shares_of_real_digits_are_their_weights(image_fit: ImageFit, digits: ImageSource) -> None:
    assert isinstance(digits.truth, ImageTruth)
    assert digits.truth.labels is not None
    true = torch.bincount(digits.truth.labels) / len(digits.truth.labels)
    assert image_fit.reference["class_weights"].tolist() == pytest.approx(true.tolist(), abs=0.01)
    found = image_fit.measure(seen(digits.reference(512)[None]))
    assert found["class_share"].shape == (1, 10)
    assert found["class_share"].sum().item() == pytest.approx(1)
    assert found["class_confidence"].item() > 0.9


def test_images_of_one_class_have_one_share(image_fit: ImageFit, digits: ImageSource) -> None:
    assert isinstance(digits.truth, ImageTruth)
    assert digits.truth.labels is not None
    sevens = digits.truth.images[digits.truth.labels == 7].to(torch.float32) / 127.5 - 1
    found = image_fit.measure(seen(sevens[None]))["class_share"][0]
    assert found[7].item() > 0.95


def test_unlabeled_images_have_no_class_shares(digits: ImageSource) -> None:
    assert isinstance(digits.truth, ImageTruth)
    truth = ImageTruth(images=digits.truth.images[:100], labels=None, classes=0)
    source = ImageSource(truth, device=CPU, dtype=torch.float32)
    probe = ImageFit(source, truth, fit(truth, source.digest), device=CPU)
    assert probe.measure(seen(source.reference(50)[None])).keys() == {
        "frechet_classifier",
        "frechet_error",
        "class_confidence",
    }
    assert probe.reference.keys() == {"frechet_real", "feature_variance"}


# Replicas


@pytest.fixture(params=["diversity", "mixture", "image"])
def probe_and_samples(
    request: pytest.FixtureRequest, ring: MixtureSource, image_fit: ImageFit, digits: ImageSource
) -> tuple[Probe, Tensor]:
    if request.param == "image":
        return image_fit, torch.stack([digits.reference(600)[i : i + 300] for i in (0, 100, 300)])
    points = torch.stack([ring.reference(300), 0.5 * ring.reference(300), ring.reference(300) + 0.02])
    return (Diversity(ring) if request.param == "diversity" else MixtureFit(ring.truth, device=CPU)), points


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_replica_with_one_bad_sample_is_nan_and_alone(probe_and_samples: tuple[Probe, Tensor], bad: float) -> None:
    """Its last sample, which not every probe looks at."""
    probe, samples = probe_and_samples
    clean = probe.measure(seen(samples))
    poisoned = samples.clone()
    poisoned[1, -1] = bad
    for name, values in probe.measure(seen(poisoned)).items():
        assert values[1].isnan().all(), name
        assert torch.equal(values[[0, 2]], clean[name][[0, 2]]), name


def test_samples_far_out_are_measured_in_finite_numbers(probe_and_samples: tuple[Probe, Tensor]) -> None:
    """Squares of 1e25 overflow float32: a generator on its way out is not yet non-finite."""
    probe, samples = probe_and_samples
    clean = probe.measure(seen(samples))
    far = samples.clone()
    far[1] *= 1e25
    for name, values in probe.measure(seen(far)).items():
        assert values.isfinite().all(), name
        assert torch.equal(values[[0, 2]], clean[name][[0, 2]]), name


def test_pixels_too_large_for_the_net_are_nan_and_stop_nobody(image_fit: ImageFit, digits: ImageSource) -> None:
    samples = torch.stack([digits.reference(64)] * 2)
    clean = image_fit.measure(seen(samples))
    samples[0] = 3e38
    for name, values in image_fit.measure(seen(samples)).items():
        assert values[0].isnan().all(), name
        assert torch.equal(values[1], clean[name][1]), name


def test_replicas_are_measured_as_alone(probe_and_samples: tuple[Probe, Tensor]) -> None:
    """Up to float32, in which the net runs: a Fréchet distance is what is left of variances of its features."""
    probe, samples = probe_and_samples
    stacked = probe.measure(seen(samples))
    for i in range(3):
        for name, values in probe.measure(seen(samples[i : i + 1])).items():
            scale = largest(probe.reference["feature_variance"] if "frechet" in name else values)
            assert_same(stacked[name][i : i + 1].float(), values.float(), scale, roundings=30, name=name)


def test_measuring_changes_no_sample(probe_and_samples: tuple[Probe, Tensor]) -> None:
    probe, samples = probe_and_samples
    before = samples.clone()
    probe.measure(seen(samples))
    assert torch.equal(samples, before)


# Which probes there are


def test_a_mixture_has_its_modes_measured(ring: MixtureSource) -> None:
    found = [type(probe) for probe in probes_for(CONFIG, ring, None, device=CPU)]
    assert found == [SampleCount, Diversity, MixtureFit, Theory]


def test_images_have_their_features_measured(digits: ImageSource, features: Features) -> None:
    found = [type(probe) for probe in probes_for(CONFIG, digits, features, device=CPU)]
    assert found == [SampleCount, Diversity, ImageFit, ImageSupport]


def test_the_number_of_samples_is_a_constant_of_every_trace(ring: MixtureSource) -> None:
    assert constants(probes_for(CONFIG, ring, None, device=CPU))["samples"] == [CONFIG.evaluation.samples]


# Standard errors


def spread(probe: Probe, draws: list[Tensor], name: str) -> tuple[float, float]:
    """The standard deviation of a column over draws of the same samples anew, and the median of its stated error."""
    found = [probe.measure(seen(draw[None])) for draw in draws]
    value = "frechet_classifier" if name == "frechet" else name
    values = np.array([float(columns[value]) for columns in found])
    return float(values.std()), float(np.median([float(columns[f"{name}_error"]) for columns in found]))


@pytest.mark.parametrize(("name", "within"), [("diversity", 0.3), ("spacing", 0.3)])
def test_the_stated_error_is_that_of_samples_drawn_anew(ring: MixtureSource, name: str, within: float) -> None:
    """Also that of a median of distances with a long tail, as here."""
    rng = torch.Generator().manual_seed(0)
    wide = [0.7 * torch.randn(256, 2, generator=rng) for _ in range(150)]
    real, stated = spread(Diversity(ring), wide, name)
    assert stated == pytest.approx(real, rel=within)


def test_the_error_of_a_frechet_distance_has_the_size_of_its_spread(image_fit: ImageFit, digits: ImageSource) -> None:
    rng = torch.Generator().manual_seed(0)
    images = digits.reference(1_400)
    draws = [images[torch.randint(700, (256,), generator=rng)] for _ in range(60)]
    real, stated = spread(image_fit, draws, "frechet")
    assert real / 3 < stated < 6 * real


def test_too_few_images_have_no_error(image_fit: ImageFit, digits: ImageSource) -> None:
    assert image_fit.measure(seen(digits.reference(7)[None]))["frechet_error"].isnan().all()


def test_images_without_features_are_refused(digits: ImageSource) -> None:
    with pytest.raises(ValueError, match="image data need the features of a classifier to be measured, got none"):
        probes_for(CONFIG, digits, None, device=CPU)


def test_no_two_probes_share_a_column(digits: ImageSource, features: Features, ring: MixtureSource) -> None:
    for source, own in ((digits, features), (ring, None)):
        samples = source.reference(20)[None]
        names = [name for probe in probes_for(CONFIG, source, own, device=CPU) for name in probe.measure(seen(samples))]
        assert len(names) == len(set(names))


def test_constants_are_finite(digits: ImageSource, features: Features, ring: MixtureSource) -> None:
    for source, own in ((digits, features), (ring, None)):
        for probe in probes_for(CONFIG, source, own, device=CPU):
            for name, value in probe.reference.items():
                assert value.isfinite().all(), name
                assert not value.requires_grad, name


def of_classes(labels: list[int], *values: float) -> View:
    """Images of one grey each, made for these classes."""
    samples = torch.tensor(values).view(1, -1, 1, 1, 1).expand(1, -1, 1, 2, 2)
    return View(samples=samples, labels=torch.tensor([labels]), columns={})


def two_grays() -> ClassDiversity:
    """Of class 0 the data are 1 apart (times the root of 4 pixels), of class 1 they are 0.5 apart."""
    images = torch.tensor([0, 127, 0, 64]).to(torch.uint8).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    return ClassDiversity(ImageTruth(images=images, labels=torch.tensor([0, 0, 1, 1]), classes=2))


@pytest.mark.parametrize(
    ("labels", "values", "expected"),
    [
        ([0, 0, 1, 1], (0.0, 0.5, 0.0, 0.25), 0.25 * (127.5 / 127 + 127.5 / 128 * 1.0)),
        ([0, 0, 1, 1], (0.3, 0.3, -0.3, -0.3), 0.0),
        ([0, 0, 0, 1], (0.0, 127 / 127.5, 0.0, 9.0), 2 / 3),
        ([0, 1], (0.0, 1.0), None),
    ],
)
def test_class_diversity_compares_samples_of_a_class(
    labels: list[int], values: tuple[float, ...], expected: float | None
) -> None:
    (found,) = two_grays().measure(of_classes(labels, *values))["class_diversity"].tolist()
    assert found == pytest.approx(float("nan") if expected is None else expected, rel=1e-5, abs=1e-9, nan_ok=True)


def test_class_diversity_of_real_digits_is_one(digits: ImageSource) -> None:
    truth = digits.truth
    picks = torch.arange(256) * 7
    view = View(samples=digits.at(picks[None]).samples, labels=truth.labels[picks][None].long(), columns={})
    assert ClassDiversity(truth).measure(view)["class_diversity"].item() == pytest.approx(1.0, abs=0.05)


def test_a_class_of_one_image_has_no_diversity_to_compare_with() -> None:
    truth = ImageTruth(images=torch.zeros(1, 1, 2, 2, dtype=torch.uint8), labels=torch.tensor([0]), classes=1)
    assert ClassDiversity(truth).measure(of_classes([0, 0], 0.0, 1.0))["class_diversity"].isnan().all()


def test_class_diversity_is_not_measured_without_labels(digits: ImageSource) -> None:
    assert ClassDiversity(digits.truth).measure(seen(digits.reference(8)[None])) == {}


def test_class_diversity_of_a_bad_replica_is_nan_and_alone() -> None:
    view = of_classes([0, 0], 0.0, 1.0)
    both = View(
        samples=torch.cat([view.samples * float("nan"), view.samples]), labels=view.labels.expand(2, 2), columns={}
    )
    bad, good = two_grays().measure(both)["class_diversity"].tolist()
    assert bad != bad
    assert good == two_grays().measure(view)["class_diversity"].item()


@pytest.mark.parametrize("conditioning", [Unconditional(), ByLabel(), AuxiliaryClassifier()])
def test_class_diversity_is_for_conditioned_generators(
    digits: ImageSource, features: Features, conditioning: Conditioning
) -> None:
    net = Mlp(hidden=(8,))
    config = GanConfig(
        data=Digits(), generator=net, discriminator=net, latent=Latent(dim=2), g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3), steps=1, conditioning=conditioning,
    )  # fmt: skip
    probes = probes_for(config, digits, features, device=CPU)
    expected = not isinstance(conditioning, Unconditional)
    assert any(isinstance(probe, ClassDiversity) for probe in probes) is expected


def measured(function: Any) -> Tensor:
    probe = Measured("height", function, Ring().load(device=CPU, dtype=torch.float32))
    samples = torch.ones(3, 5, 2)
    samples[1, 2] = torch.nan
    return probe.measure(seen(samples))["height"]


def test_the_measurement_of_a_plugin_is_a_column_and_sees_no_replica_that_is_not_finite() -> None:
    found = measured(lambda samples, real: samples.isfinite().all() + samples[..., 1].mean(-1) + 0 * real.mean())
    assert found.dtype == torch.float64
    assert found.isnan().tolist() == [False, True, False]
    assert found[0] == 2
    assert measured(lambda samples, real: samples.mean(1)).shape == (3, 2)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda samples, real: samples.mean(), r"must return \[R\] or \[R, K\] for R = 3, got \(\)"),
        (lambda samples, real: 1.0, r"must return \[R\] or \[R, K\] for R = 3, got float"),
        (lambda samples, real: samples[..., 7], r"must measure samples \[R, N, 2\], got IndexError: index 7"),
    ],
)
def test_a_measurement_that_does_not_fit_is_one_sentence(function: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^the measurement height {sentence}"):
        measured(function)
