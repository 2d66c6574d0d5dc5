"""Networks of a launch from its kept weights: the measured ones, or one sentence."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import study
from study.audit.integrity import check_weights
from study.launch import Launch
from study.outcomes.best import Standing
from study.scheduling.ledger import redecide
from study.storage import kept_weights
from study.storage.store import Store
from tests import made_plugins
from tests.study import kept_launches
from trainables import plugins
from trainables.config import Evaluation
from trainables.data import ImageFolder
from trainables.files import DamagedFile
from trainables.networks.norm import RunningStatistics
from trainables.phases import View
from trainables.probes import MixtureFit, probes_for


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """A ring without labels and one with, of which everything was kept; not to be changed."""
    planned = kept_launches.plan(kept_launches.RING, kept_launches.LABELED, keep="both")
    return study.load(kept_launches.train(planned, tmp_path_factory.mktemp("runs")).root)


@pytest.fixture
def copy(both: Launch, tmp_path: Path) -> Launch:
    shutil.copytree(both.store.root, tmp_path / "runs" / "dirac" / "copy")
    return study.load(tmp_path / "runs" / "dirac" / "copy")


@pytest.mark.parametrize("cell", [0, 1])
@pytest.mark.parametrize("which", ["last", "best"])
def test_what_is_generated_has_the_numbers_of_its_report(both: Launch, cell: int, which: str) -> None:
    """The shares of modes of the samples that are made again are those that the trace has."""
    config = both.plan.cells[cell].config
    source = config.data.load(device=torch.device("cpu"), dtype=torch.float32)
    probes = probes_for(config, source, None, device=torch.device("cpu"))
    (probe,) = [own for own in probes if isinstance(own, MixtureFit)]
    for seed in both.plan.seeds:
        about = json.loads((both.store.weight_folder(cell, seed) / f"{which}.json").read_text("utf-8"))
        rows = both.trace(cell, seed)
        row = rows[rows.step == about["step"]].iloc[0]
        samples = both.generate(cell, seed, config.evaluation.samples, which=which)
        columns = probe.measure(View(samples=torch.from_numpy(samples)[None], columns={}))
        for name in ("mode_share_r3", "mode_share_eighth"):
            np.testing.assert_allclose(columns[name][0].numpy(), row[name], atol=1 / config.evaluation.samples)
        np.testing.assert_allclose(columns["distance_quantiles"][0].numpy(), row["distance_quantiles"], rtol=1e-4)


def test_the_best_networks_are_those_of_the_highest_standing(both: Launch) -> None:
    trace = both.store.trace(both.plan.blocks()[0])
    assert trace is not None
    for seed in both.plan.seeds:
        start, *rows = [row for row in trace.rows if row["seed"] == seed]
        found = [(Standing(both.plan.rule)(start, row, trace.meta["reference"]), row["step"]) for row in rows]
        about = json.loads((both.store.weight_folder(0, seed) / "best.json").read_text("utf-8"))
        best = max(standing for standing, _ in found if standing is not None)
        assert about["chosen"]["standing"] == pytest.approx(list(best))
        assert about["step"] == next(step for standing, step in found if standing == best)


def test_modules_are_plain_ones(both: Launch) -> None:
    generator, discriminator = both.generator(1, 1), both.discriminator(1, 1)
    noise, labels = both.inputs(1, 1, 32)
    samples = generator(noise, labels)
    np.testing.assert_allclose(samples.detach().numpy(), both.generate(1, 1, 32), atol=1e-5)
    assert discriminator(samples, labels).shape == (32,)
    assert not generator.training
    assert both.network(1, 1, "generator", "best") is not generator


REFUSED: dict[str, tuple[Callable[[Launch], Any], str]] = {
    "seed": (lambda own: own.generate(0, 7), "cell and seed must be of a planned replica, got 0 and 7"),
    "cell": (lambda own: own.generate(9, 0), "cell and seed must be of a planned replica, got 9 and 0"),
    "none of n": (lambda own: own.generate(0, 0, 0), r"n must be in \[1, 134217728\], .* got 0"),
    "too many": (lambda own: own.inputs(0, 0, 10**10), r"n must be in \[1, 134217728\], .* got 10000000000"),
    "which": (lambda own: own.generate(0, 0, which="first"), "which must be last or best, got 'first'"),
    "network": (lambda own: own.network(0, 0, "encoder"), "network must be one of generator, discriminator, got 'enc"),
    "labels of none": (lambda own: own.generate(0, 0, labels=[1]), "labels must be absent for a generator without"),
    "labels": (lambda own: own.generate(1, 0, labels=[1, 8]), r"labels must be in \[0, 7\], .* got 1, 8"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(what: str, both: Launch) -> None:
    call, sentence = REFUSED[what]
    with pytest.raises(ValueError, match=f"^{sentence}") as found:
        call(both)
    assert "\n" not in str(found.value)


def test_what_was_not_kept_is_said_with_what_was(copy: Launch) -> None:
    kept_weights.prune(copy.store, 0, {1})
    kept_weights.prune(copy.store, 1, ())
    (copy.store.weight_folder(0, 1) / "best.json").unlink()
    with pytest.raises(ValueError, match=r"the last weights of cell 0, seed 0 were not kept, of this cell .* seed 1 "):
        copy.generator(0, 0)
    with pytest.raises(ValueError, match=r"cell 1, seed 0 were not kept, and none of this cell .*--keep last keeps"):
        copy.generator(1, 0)
    with pytest.raises(ValueError, match=r"the best weights of cell 0, seed 1 were not kept, its last ones were.*both"):
        copy.generator(0, 1, "best")


def test_after_another_decision_the_sentence_says_why_a_shown_replica_was_not_kept(tmp_path: Path) -> None:
    store = kept_launches.train(kept_launches.dirac(seeds=2), tmp_path)
    kept_weights.prune(store, 0, {0})
    with pytest.raises(ValueError, match=r"keeps them of every replica$"):
        study.load(store.root).generator(0, 1)
    redecide(store.plan(), store, replace(store.plan().rule, quality_min=0.99)).write()
    with pytest.raises(ValueError, match=r"--keep last keeps them of every replica; outcomes were decided again since"):
        study.load(store.root).generator(0, 1)


def test_damage_is_named(copy: Launch) -> None:
    path = next(copy.store.weight_folder(0, 0).glob("generator-*24.safetensors"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedFile, match=rf"{path.name} is damaged"):
        copy.generate(0, 0)
    about = copy.store.weight_folder(0, 1) / "last.json"
    about.write_text(about.read_text("utf-8").replace('"seed": 1', '"seed": 2'), "utf-8")
    with pytest.raises(DamagedFile, match=r"last.json is damaged.* reports and verdicts do not need it"):
        copy.generate(0, 1)


def test_weights_of_another_cell_are_refused(copy: Launch) -> None:
    target = copy.store.weight_folder(0, 0)
    shutil.rmtree(target)
    shutil.copytree(copy.store.weight_folder(1, 0), target)
    with pytest.raises(ValueError, match=r"must be of the plan's cell 0, with digest .*, and are of a configuration"):
        copy.generate(0, 0)


def test_a_conditioned_generator_needs_no_images_to_know_how_many_classes_there_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "eel"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    data = ImageFolder(root=str(tmp_path / "photos"), side=8)
    config = replace(
        kept_launches.LABELED, data=data, steps=2, batch_size=8, evaluation=Evaluation(every=1, samples=16)
    )
    launch = study.load(kept_launches.train(kept_launches.plan(config, keep="last", seeds=1), tmp_path / "runs").root)
    labels = [0, 1, 2]
    made = launch.generate(0, 0, 6, labels=labels)
    shutil.rmtree(tmp_path / "photos")
    assert launch.trained(0, 0).classes == 3
    assert np.array_equal(study.load(launch.store.root).generate(0, 0, 6, labels=labels), made)
    assert launch.generator(0, 0)(*launch.inputs(0, 0, 4)).shape == (4, 3, 8, 8)
    with pytest.raises(ValueError, match=r"labels must be in \[0, 2\], the classes of the data, got 3"):
        launch.generate(0, 0, 6, labels=[3])


def test_nothing_but_samples_needs_the_weights(copy: Launch) -> None:
    shutil.rmtree(copy.store.weights_path)
    again = study.load(copy.store.root)
    assert len(again.records) == 4
    assert again.verdicts == ()
    assert kept_weights.replicas(Store(copy.store.root)) == ()


def test_verify_names_what_is_damaged(copy: Launch, tmp_path: Path) -> None:
    def found() -> tuple[str, tuple[str, ...]]:
        check = check_weights(copy.plan, copy.store)
        return check.compared, check.differences

    assert found() == ("the SHA-256 of the kept networks of 4 replicas", ())
    folder = copy.store.weight_folder(0, 0)
    path = next(folder.glob("generator-*24.safetensors"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert {*found()[1]} == {f"{path} is damaged: it has not the bytes that were written"}
    path.unlink()
    assert f"{path} is missing, which last.json beside it names" in found()[1]
    shutil.copytree(copy.store.weight_folder(1, 0), folder, dirs_exist_ok=True)
    (path.parent / "best.json").write_text("{}")
    damaged, other = found()[1]
    assert damaged == f"{folder / 'best.json'} is damaged: it has not the bytes that were written"
    assert other.startswith(f"{folder} is of a configuration with digest")


@pytest.mark.usefixtures("no_plugins")
def test_networks_of_plugins_are_kept_with_their_buffers(tmp_path: Path) -> None:
    """As built by code that knows nothing of the lab: batch norm of torch's and a buffer of its own."""
    pair = plugins.load(made_plugins.file(tmp_path, made_plugins.PAIR, "kept_pair")).Pair(width=16)
    running = replace(kept_launches.RING.evaluation, batch_norm=RunningStatistics(momentum=0.1))
    config = replace(kept_launches.RING, generator=pair, discriminator=pair)
    planned = kept_launches.plan(config, replace(config, evaluation=running), keep="last")
    launch = study.load(kept_launches.train(planned, tmp_path).root)
    for cell in (0, 1):
        generator, noise = launch.generator(cell, 1), launch.inputs(cell, 1, 256)[0]
        names = {name for name, _ in generator.named_buffers()}
        assert "1.scale" in names
        assert ("1.body.1.running_mean" in names) == (cell == 1)
        assert float(generator.get_buffer("1.scale").max()) > 0
        assert launch.generate(cell, 1, 256).shape == (256, 2)
        if cell == 1:  # of running statistics a sample does not depend on its batch
            made = torch.cat([generator(noise[:7]), generator(noise[7:])]).detach().numpy()
            np.testing.assert_allclose(made, launch.generate(1, 1, 256), atol=1e-5)
