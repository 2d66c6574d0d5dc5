"""The autoencoder studies: pictures on disk and in the report, and few labels against labels alone."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from study.design.parsing import assign_config, config_from
from study.design.plan import Plan
from study.design.planning import plan_study
from study.execution import check
from study.outcomes.outcome import Outcome
from study.report import samples
from study.scheduling.agenda import Resources
from study.storage.store import Store
from study.studies import find
from study.studies.aae import DECODER_VARIANCE
from trainables import features
from trainables.autoencoding import NoRegularizer, Petals, PriorLabels, SemiSupervised, SupervisedOnly, Variational
from trainables.config import AaeConfig, to_dict
from trainables.loop import Loop
from trainables.tune_trainable import BlockTask, BlockTrainable, packed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CPU = torch.device("cpu")


def spec_of(study: str, profile: str = "smoke") -> Plan:
    return plan_study(find(study), profile, now=NOW)


def config_of(study: str, variant: str, profile: str = "smoke") -> AaeConfig:
    (found,) = (cell.config for cell in spec_of(study, profile).cells if cell.name == variant)
    assert isinstance(found, AaeConfig)
    return found


# Parsing


def test_an_autoencoder_comes_back_from_plain_values() -> None:
    for cell in (*spec_of("aae").cells, *spec_of("aae-labels").cells):
        assert config_from(to_dict(cell.config)) == cell.config


def test_values_of_an_autoencoder_are_set_by_path() -> None:
    base = config_of("aae", "adversarial")
    changes = {"labels.kind": "prior_labels", "labels.labeled_share": 0.1, "prior": {"kind": "petals"}}
    found = assign_config(base, changes)
    assert isinstance(found, AaeConfig)
    assert (found.labels, found.prior) == (PriorLabels(labeled_share=0.1), Petals())
    other = assign_config(base, {"regularizer": {"kind": "variational", "beta": 0.5}, "encoder.hidden": [4]})
    assert isinstance(other, AaeConfig)
    assert (other.regularizer, other.encoder.hidden) == (Variational(beta=0.5), (4,))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"labels.kind": "all"}, "labels.kind must be one of unlabeled, decoder_labels, prior_labels, semi_supervised,"
                                 " supervised_only, got 'all'"),
        ({"prior": {"kind": "petals", "dim": 3}}, "prior: dim must be 2 for a prior in the plane, got 3"),
        ({"prior.kind": "petals", "labels.kind": "prior_labels", "prior.modes": 4},
         "prior must have 10 modes, one per class, with prior_labels, got 4 (petals)"),
        ({"regularizer.kind": "variational"}, "regularizer.beta must be given, got none"),
        ({"data.kind": "ring"}, "data must be images for an autoencoder, got ring"),
        ({"generator.norm": "batch"}, "generator is no field: the configuration has kind, data, encoder, decoder,"
                                      " discriminator, prior, labels, regularizer, reconstruction_weight, optimizer,"
                                      " d_optimizer, g_optimizer, class_optimizer, held_out, batch_size, steps,"
                                      " evaluation, dtype, held"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_mistake_in_an_autoencoder_gives_one_sentence(changes: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        assign_config(config_of("aae", "adversarial"), changes)
    assert str(caught.value) == sentence


def test_too_many_labels_are_refused_before_anything_starts(tmp_path: Path) -> None:
    plan = spec_of("aae-labels")
    cells = tuple(
        dataclasses.replace(cell, config=dataclasses.replace(cell.config, labels=SupervisedOnly(labeled=2_000)))
        for cell in plan.cells[-1:]
    )
    with pytest.raises(ValueError, match=r"^labeled must be <= 13\d0, the data's balanced images, got 2000 "):
        check(dataclasses.replace(plan, cells=cells), tmp_path, Resources())


# The studies


def test_the_variants_of_one_study_share_all_but_what_they_are() -> None:
    configs = [cell.config for cell in spec_of("aae-labels", "quick").cells]
    assert {type(config.labels) for config in configs} == {SemiSupervised, SupervisedOnly}  # type: ignore[union-attr]
    alike = {dataclasses.replace(c, labels=SupervisedOnly(), regularizer=NoRegularizer()) for c in configs}  # type: ignore[call-arg]
    assert len(alike) == 1
    assert {config.labels.labeled for config in configs} == {50}  # type: ignore[union-attr]


@pytest.mark.parametrize(("profile", "beta"), [("smoke", 0.002), ("quick", 0.002), ("standard", 0.0005)])
def test_the_variational_decoder_has_one_variance_at_every_size(profile: str, beta: float) -> None:
    """Beside a mean over pixels, beta is twice the variance over their number."""
    config = config_of("aae", "variational", profile)
    assert isinstance(config.regularizer, Variational)
    assert config.regularizer.beta == beta
    assert config.regularizer.beta * np.prod(config.data.shape) / 2 == pytest.approx(DECODER_VARIANCE)


# Pictures


def test_pictures_lie_beside_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_EPOCHS", 1)  # how good the features are does not matter here
    config = dataclasses.replace(config_of("aae", "supervised"), steps=2)
    task = BlockTask(
        name="c000-b000",
        config=config,
        seeds=(4, 8),
        first=0,
        trace=tmp_path / "trace.parquet",
        samples=tmp_path / "samples" / "cell=0",
        cache=tmp_path / "cache",
        checkpoint=tmp_path / "block.pt",
        halt=tmp_path / "halt.json",
        picture_every=5,
        threads=1,
        origin={},
    )

    block = BlockTrainable(config={"block": task.name, "task": packed(task, ())})
    while not block.train()["done"]:
        pass
    store = Store(tmp_path)
    names = ["latent", "manifold", "reconstruction", "step"]
    for seed in task.seeds:
        assert [path.name for path in store.pictures(0, seed)] == [f"{name}-0000002.png" for name in names]
        assert [path.name for path in store.grids(0, seed)] == ["step-0000002.png"]
    record = SimpleNamespace(cell=0, seed=8, outcome=Outcome.CONVERGED)
    grid = samples.pair(store, [record]).converged  # type: ignore[list-item]
    assert grid is not None
    assert [part.name for part in grid.further] == names[:-1]
    assert all(part.shown.uri.startswith("data:image/") for part in grid.further)
    sizes = {path.stem[:-8]: np.asarray(Image.open(path)).shape[1::-1] for path in store.pictures(0, 4)}
    assert sizes == {"latent": (320, 320), "manifold": (534, 318), "reconstruction": (534, 318), "step": (534, 318)}


# Few labels against labels alone


def errors(variant: str, seeds: Sequence[int], steps: int) -> npt.NDArray[np.float64]:
    """Held-out classification error of each seed at the end, in the study's quick setting."""
    config = dataclasses.replace(config_of("aae-labels", variant, "quick"), steps=steps)
    loop = Loop(config, seeds, config.data.load(device=CPU, dtype=torch.float32), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return np.array([row["classification_error"] for row in loop.report()])


@pytest.mark.slow
def test_an_adversarial_autoencoder_beats_its_encoder_alone_on_few_labels() -> None:
    """Paired over seeds: the 95 % t interval of the difference of held-out errors lies below zero."""
    seeds, t = range(6), 2.571  # Student's 97.5 % quantile with 5 degrees of freedom
    difference = errors("adversarial", seeds, 400) - errors("labels-only", seeds, 400)
    half = t * difference.std(ddof=1) / sqrt(len(seeds))
    assert difference.mean() + half < 0, difference
