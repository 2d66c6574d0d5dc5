"""Plugins on the command line: named in any command, by the project, and missing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import study
from study.audit.verify import verify
from study.cli import app
from study.storage.store import Store
from tests.made_plugins import HEIGHT, HINGE, PAIR, file, forgotten
from trainables import plugins

pytestmark = pytest.mark.usefixtures("no_plugins")
VARIED = ("--profile", "smoke", "--vary", "objective.kind=hinge,minimax", "--vary", "objective.margin=1")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run a command in an empty folder: its exit code and all that it prints on one line."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        return result.exit_code, " ".join(result.output.split())

    return run


def test_a_command_knows_what_the_file_adds(said: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file(tmp_path, HINGE, "cli_hinge")
    words = ("explain", "wgan-clip", "--profile", "smoke", "--cell", "0", "--set", "objective.kind=hinge")
    code, text = said(*words)
    assert (code, "objective.kind must be one of minimax, non_saturating" in text) == (2, True)
    code, text = said(*words, "--set", "objective.margin=2", "--plugin", "cli_hinge.py")
    assert code == 0
    assert "(hinge(margin=2), Lim & Ye 2017, eq. 3)" in text


def test_a_project_names_its_plugins_once(said: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file(tmp_path / "src", HINGE, "project_hinge")
    (tmp_path / "pyproject.toml").write_text('[tool.gan-stability-lab]\nplugins = ["src/project_hinge.py"]\n')
    assert said("list")[0] == 0
    assert list(plugins.loaded()) == ["project_hinge"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[tool.gan-stability-lab]\nplugins = 3\n", "tool.gan-stability-lab.plugins must be a list of files, got 3"),
        ("[tool.gan-stability-lab]\nplugins = ['a.py']\n", "a plugin must be a Python file, got"),
        ("[tool\n", "pyproject.toml cannot be read: Expected ']'"),
    ],
)
def test_a_project_that_names_nothing_usable_is_told(
    said: Callable[..., tuple[int, str]], tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    code, output = said("list")
    assert code == 2
    assert output.startswith("error: ")
    assert sentence in output.replace("\\", "")


def test_a_file_that_fails_is_one_sentence(said: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file(tmp_path, "1 / 0\n", "cli_failing")
    assert said("list", "--plugin", "cli_failing.py") == (
        2,
        "error: cli_failing.py must run without an error, got ZeroDivisionError in line 1: division by zero",
    )


def test_a_check_names_what_fails_and_its_exit_code(said: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    file(tmp_path, HINGE, "cli_sound")
    code, text = said("check", "cli_sound.py")
    assert (code, text.endswith("cli_sound.py: all 5 checks hold")) == (0, True)
    file(tmp_path, HINGE.replace('"hinge"', '"other"').replace("-fake.mean", "fake.mean"), "cli_unsound")
    code, text = said("check", "cli_unsound.py")
    assert (code, "direction fails g_loss must fall when fake scores rise" in text) == (1, True)
    assert said("check", str(file(tmp_path, "x = 1\n", "cli_nothing")))[0] == 2


def planned(folder: Path) -> Store:
    """A launch that was planned with two plugins, as it lies on the disk before the first seed."""
    plugins.load(file(folder, HINGE, "kept_hinge"))
    plugins.load(file(folder, HEIGHT, "kept_height"))
    plan = study.plan("wgan-clip", "smoke", set={"objective.kind": "hinge"})
    assert [own.name for own in plan.plugins] == ["kept_height", "kept_hinge"]
    store = Store(folder / "runs" / plan.study / plan.launch)
    store.create(plan, {})
    return store


def test_a_launch_keeps_the_source_and_asks_for_it(tmp_path: Path, said: Callable[..., tuple[int, str]]) -> None:
    store = planned(tmp_path)
    digest = store.plan().digest()
    kept = store.plugins_path / "kept_hinge.py"
    assert kept.read_text() == (tmp_path / "kept_hinge.py").read_text()
    with forgotten():
        code, text = said("status", str(store.root))
        assert code == 2
        assert "needs the plugin kept_height: add --plugin with its file, or in Python import it; or take" in text
        plugins.load(kept)
        plugins.load(store.plugins_path / "kept_height.py")
        assert store.plan().digest() == digest


def test_plans_differ_by_the_source_of_their_plugins(tmp_path: Path) -> None:
    now = json.loads(planned(tmp_path).plan_path.read_text())["plugins"]
    assert [(own["name"], own["version"]) for own in now] == [("kept_height", ""), ("kept_hinge", "1.2")]
    assert study.plan("wgan-clip", "smoke").plugins == (study.plan("wgan-clip", "smoke").plugins[0],)  # measurements


def test_a_plugin_that_has_changed_is_refused_on_resume_and_named_by_verify(tmp_path: Path) -> None:
    store = planned(tmp_path)
    plugins.load(file(tmp_path, HINGE.replace("1.0", "2.0"), "kept_hinge"))
    with pytest.raises(
        ValueError, match=r"^the plugin kept_hinge, .* must have digest \w+, as planned, got \w+ \(.*hinge.py\)"
    ):
        study.resume(store.root, tracking_uri="none")


@pytest.mark.ray
def test_a_plugin_trains_on_workers_and_its_column_is_in_the_trace(tmp_path: Path) -> None:
    for name, text in (("ray_hinge", HINGE), ("ray_pair", PAIR), ("ray_height", HEIGHT)):
        plugins.load(file(tmp_path / "own", text, name))
    nets = {f"{player}.kind": "pair" for player in ("generator", "discriminator")}
    few = {"steps": 20, "evaluation.every": 5, "evaluation.samples": 32, "batch_size": 8}
    plan = study.plan(
        "mixture-modes", "smoke", seeds=2, set={**nets, **few}, vary={"objective.kind": ["hinge", "minimax"]}
    )
    launch = study.run(plan, out=tmp_path / "runs", tracking_uri="none")
    assert set(launch.records.status) == {"finished"}
    assert launch.trace(0, plan.seeds[0])["height"].notna().all()
    checks = {check.name: check for check in verify(launch.store)}
    assert checks["plugins"].compared.split(", ")[0].startswith("ray_height ")
    assert not any(check.differences for check in checks.values())
    (launch.store.plugins_path / "ray_hinge.py").write_text("")
    (changed,) = (check for check in verify(launch.store) if check.differences)
    assert changed.name == "plugins"
    assert "must be the source that the launch was planned with" in changed.differences[0]
