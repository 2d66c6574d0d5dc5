"""Known metrics of a launch's kept generators: rows, what they say, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import study
from study.cli import app
from study.launch import Launch
from study.metrics import extractors
from study.metrics.extractors import Extract
from study.metrics.measure import measure
from study.storage import metrics_table
from study.storage.store import Store
from tests.study import kept_launches
from trainables import plugins, weights
from trainables.data import Ring
from trainables.files import DamagedFile

PLUGIN = '''
"""Features of points: the points."""
from study.metrics import feature_extractor

@feature_extractor("points")
def points(weights):
    return lambda samples: samples
'''


DIGEST = "0123456789abcdef"


def _points(weights: Path | None) -> Extract:
    return lambda samples: samples


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return kept_launches.train(kept_launches.plan(kept_launches.RING, keep="last"), tmp_path_factory.mktemp("kept"))


@pytest.fixture
def launch(kept: Store, monkeypatch: pytest.MonkeyPatch) -> Launch:
    monkeypatch.setattr(extractors, "_plugins", {"points": (_points, DIGEST)})
    kept.metrics_path.unlink(missing_ok=True)
    return study.load(kept.root)


def test_a_row_per_replica_says_how_it_came_about(launch: Launch) -> None:
    assert launch.metrics.empty
    verdicts, records = launch.verdicts, launch.store.records_path.read_bytes()
    measure(launch, "points", n=200)
    found = launch.metrics
    assert list(found.seed) == [0, 1]
    assert set(found.features) == {"points"}
    assert (found.n == 200).all()
    assert (found.n_real == 200).all()
    assert (found.draw_seed == 0).all()
    assert (found.step == 24).all()
    assert set(found.plan) == {launch.plan.digest()}
    assert set(found.plugin_digest) == {DIGEST}
    assert list(found.networks_digest) == [
        weights.read(launch.store.weight_folder(0, own), "last").digest for own in (0, 1)
    ]
    assert found.networks_digest.nunique() == 2
    assert set(json.loads(found.versions[0])) == {"torch", "torch-fidelity", "numpy"}
    assert (study.load(launch.store.root).verdicts, launch.store.records_path.read_bytes()) == (verdicts, records)


def test_fid_is_that_of_the_samples(launch: Launch) -> None:
    (row, _) = measure(launch, "points", n=200)
    fake = launch.generate(0, 0, 200).astype(float)
    real = Ring().load(device=torch.device("cpu"), dtype=torch.float32).reference(200).double().numpy()
    shift = ((real.mean(0) - fake.mean(0)) ** 2).sum()
    a, b = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(a @ b)).real.sum()
    assert row["fid"] == pytest.approx(shift + np.trace(a) + np.trace(b) - 2 * root, rel=1e-6)


def test_measured_again_is_replaced_and_another_n_is_added(launch: Launch) -> None:
    measure(launch, "points", n=50)
    measure(launch, "points", n=50, draw_seed=3)
    assert list(launch.metrics.draw_seed) == [3, 3]
    measure(launch, "points", n=60, cells=[0])
    assert sorted(launch.metrics.n) == [50, 50, 60, 60]


def test_samples_that_are_not_finite_have_no_metrics(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Launch, "generate", lambda *args, **kwargs: np.full((20, 2), np.nan, dtype=np.float32))
    rows = measure(launch, "points", n=20)
    assert [(row["broken"], row["fid"]) for row in rows] == [(20, None)] * 2
    assert launch.metrics.fid.isna().all()


def test_damage_is_named(launch: Launch) -> None:
    measure(launch, "points", n=20)
    path = launch.store.metrics_path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"metrics\.parquet cannot be read"):
        metrics_table.read(launch.store)


def test_an_extractor_that_fails_is_one_sentence(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        extractors, "_plugins", {"points": (lambda weights: lambda samples: samples @ torch.ones(3), "")}
    )
    with pytest.raises(ValueError, match=r"^features points must take samples \(20, 2\), got RuntimeError: \w.*$"):
        measure(launch, "points", n=20)


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (torch.ones(3), r"features points must be \[20, dim\], dim at least 2, got \(3,\)"),
        (torch.ones(20, 1), r"features points must be \[20, dim\], dim at least 2, got \(20, 1\)"),
        ("text", r"features points must be \[20, dim\], dim at least 2, got str"),
        (torch.full((20, 2), torch.nan), "features points must be finite"),
    ],
)
def test_features_that_are_none_are_refused(
    made: object, rule: str, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extractors, "_plugins", {"points": (lambda weights: lambda samples: made, "")})
    with pytest.raises(ValueError, match=rule):
        measure(launch, "points", n=20)


@pytest.mark.usefixtures("no_plugins")
def test_the_command_measures_with_a_plugin(kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "_plugins", {})
    plugin = tmp_path / "my_points_features.py"
    plugin.write_text(PLUGIN)
    command = ["metrics", str(kept.root), "--features", "points", "-n", "40", "--plugin", str(plugin)]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "400"})
    assert done.exit_code == 0, done.output
    assert "cell a, seed 0: fid " in done.output
    assert f"metrics  {kept.metrics_path}" in done.output
    assert f"study sync {kept.root}  shows them there" in done.output
    (row, _) = metrics_table.read(kept)
    assert row["plugin_digest"] == plugins.loaded()["my_points_features"].digest


def test_a_plugin_that_has_changed_gives_rows_of_its_own(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(launch, "points", n=20, cells=[0])
    monkeypatch.setattr(extractors, "_plugins", {"points": (_points, "changed")})
    measure(launch, "points", n=20, cells=[0])
    assert list(launch.metrics.plugin_digest) == [DIGEST, "changed"] * 2
    assert [own.plugin_digest for own in launch.known_metrics] == [DIGEST, "changed"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--features", "points", "-n", "9"], "n must be at least 10, got 9"),
        (["--features", "inception"], "weights must be a file for features inception, got none; fetch https://"),
        (["--features", "point"], "features must be inception"),
        (["--features", "points", "--cell", "7"], "cell must be a number, 0, or a name"),
    ],
)
def test_a_mistake_is_one_sentence(options: list[str], rule: str, launch: Launch) -> None:
    done = CliRunner().invoke(app, ["metrics", str(launch.store.root), *options], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    assert rule in done.output
    assert not launch.store.metrics_path.exists()


def test_a_launch_that_kept_nothing_is_refused(tmp_path: Path) -> None:
    store = kept_launches.train(kept_launches.plan(kept_launches.RING, keep="none", seeds=1), tmp_path)
    with pytest.raises(ValueError, match=r"^no networks were kept to be measured"):
        measure(study.load(store.root), "points", n=20)
