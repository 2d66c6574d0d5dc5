"""The commands that list and show studies before a run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.scheduling import cost
from study.studies import studies
from tests.made_plugins import STUDIED, file
from tests.study.made_estimates import estimated

CLUSTER = str(Path(__file__).parents[3] / "cluster.yaml")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no cost."""
    monkeypatch.setattr(cost, "estimate", lambda plan: estimated())


def output(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "140"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_study_is_listed_with_its_profiles() -> None:
    text = output("list")
    for study in studies().values():
        assert study.name in text
        assert all(profile in text for profile in study.profiles)


def test_a_study_is_shown_with_all_that_is_decided_before_a_run() -> None:
    text = output("show", "mixture-modes", "--profile", "smoke", "--seeds", "3")
    parts = (
        "Profile smoke (of smoke, quick,",
        "Factors",
        "6 cells, 3 seeds each",
        "official / ns",
        "Hypotheses",
        "Sources",
    )
    for part in (
        *parts,
        "3 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out: at least 7 seeds are needed",
        "Mao et al.",
        "Estimated time here: about 1 h 00 min with 2 blocks",
        "2 h 00 min of one CPU core for steps and 10 min 00 s for reports",
    ):
        assert part in text, part


def test_a_grid_has_no_hypotheses_to_show() -> None:
    text = output("show", "mixture-modes", "--profile", "smoke", "--vary", "clip=0.01,0.1")
    assert "2 cells" in text
    assert "Hypotheses" not in text


@pytest.mark.usefixtures("no_plugins")
def test_a_study_of_a_plugin_is_listed_and_shown_with_its_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    path = str(file(tmp_path, STUDIED, "listed_modes"))
    (line,) = (line for line in output("list", "--plugin", path).splitlines() if line.startswith("my-modes"))
    assert " Do my modes stay? (plugin listed_modes) " in line
    assert "From the plugin listed_modes." in output("show", "my-modes", "--profile", "smoke", "--plugin", path)
    assert "From the plugin" not in output("show", "mixture-modes", "--profile", "smoke", "--plugin", path)


def test_a_plan_is_priced_on_a_cluster() -> None:
    text = output("show", "wgan-clip", "--profile", "smoke", "--on", CLUSTER, "--gpus-per-block", "0.5")
    assert "Estimated on cluster.yaml: about" in text
    (worker,) = (line.split() for line in text.splitlines() if line.startswith("gpu_worker"))
    assert worker[1:5] == ["2", "of", "4", "2"]
    assert "Estimated on" not in output("show", "wgan-clip", "--profile", "smoke")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--on", "http://127.0.0.1:8265"),
            "--on must be a cluster file (*.yaml) with a price table, got 'http://127.0.0.1:8265'",
        ),
        (("--on", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file or directory"),
        (
            ("--cpus-per-block", "2"),
            "--cpus-per-block and --gpus-per-block need a cluster in this command: give --on FILE.yaml",
        ),
        (("--on", CLUSTER, "--cpus-per-block", "0"), "--cpus-per-block must be > 0, got 0.0"),
        (
            ("--on", CLUSTER, "--cpus-per-block", "17"),
            "--cpus-per-block must be <= the 16 CPUs of the cluster, got 17",
        ),
    ],
)
def test_a_cluster_that_cannot_be_counted_with_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(cost, "estimate", lambda plan: pytest.fail("measured"))
    done = CliRunner().invoke(app, ["show", "wgan-clip", "--profile", "smoke", *arguments], env={"COLUMNS": "300"})
    assert (done.exit_code, done.stderr, done.stdout) == (2, f"error: {said}\n", "")
