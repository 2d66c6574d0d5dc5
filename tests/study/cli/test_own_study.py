"""Studies of a user: a grid from the command line, a file outside the repository, and the latter through Ray."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli.app import app, console, study_of
from study.storage.store import Store

STUDY = Path(sys.executable).with_name("study")
MINE = """
import study
from search_spaces import Factor, Level
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam

RATES = Factor(
    name="rate", source="ours",
    levels=tuple(Level(label=str(lr), assign={"d_optimizer.lr": lr}) for lr in (1e-4, 1e-3)),
)
STUDY = study.Study(
    name="mine", title="Mine", question="Which rate?", sources=(),
    hypotheses=(
        study.MoreSuccess(
            name="slow", claim="Slow is better.", source="us", better={"rate": "0.0001"}, worse={"rate": "0.001"}
        ),
    ),
    contrasts=(study.Contrast(factor="rate", a="0.0001", b="0.001"),),
    profiles={
        "tiny": study.Profile(
            base=GanConfig(
                data=Ring(), generator=Mlp(hidden=(8,)), discriminator=Mlp(hidden=(8,)), latent=Latent(dim=2),
                g_optimizer=Adam(lr=1e-3), d_optimizer=Adam(lr=1e-3), batch_size=16, steps=20,
                evaluation=Evaluation(every=5, samples=64),
            ),
            factors=(RATES,), seeds=2, block=2, rule=study.MIXTURE_RULE, note="tiny",
        )
    },
)
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "my_study.py"
    file.parent.mkdir()
    file.write_text(MINE, encoding="utf-8")
    return file


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_width", 120)


def test_a_file_is_explained_and_its_power_computed_like_any_study(mine: Path) -> None:
    code, said = run("explain", mine)
    assert code == 0
    assert "mine (tiny)" in said
    code, said = run("power", mine, "--seeds", 20)
    assert code == 0
    assert "Slow is better." in said


def test_a_file_is_executed_once(mine: Path) -> None:
    mine.write_text(MINE + f"\nwith open({str(mine.with_suffix('.log'))!r}, 'a') as file:\n    file.write('x')\n")
    assert run("explain", mine)[0] == 0
    assert mine.with_suffix(".log").read_text() == "x"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('worse={"rate": "0.001"}', 'worse={"rate": "0.02"}', "must name levels that a profile has, got rate 0.02"),
        ('better={"rate": "0.0001"}', 'better={"rat": "0.0001"}', "got rat 0.0001"),
        (
            'a="0.0001", b="0.001"',
            'a="0.0001", b="0.1"',
            "a contrast must name levels that a profile has",
        ),
        ("seeds=2", "seeds='2'", "seeds of a profile must be a whole number in [1, 10000], got '2'"),
        ("block=2", "block=0", "block of a profile must be a whole number"),
        ('name="mine"', 'name="a/b c"', "name of a study must be 1 to 100 letters, digits"),
        (
            'question="Which rate?"',
            "question=__doc__",
            "question of study mine must be a text without",
        ),
    ],
)
def test_what_is_wrong_in_a_study_is_one_sentence_before_anything_runs(
    before: str, after: str, message: str, mine: Path
) -> None:
    assert before in MINE
    mine.write_text(MINE.replace(before, after, 1), encoding="utf-8")
    code, said = run("run", mine)
    assert code == 2
    assert message in " ".join(said.split())


def test_a_study_without_profiles_is_one_sentence(mine: Path) -> None:
    text = MINE[: MINE.index("    profiles={")] + "    profiles={},\n)\n"
    mine.write_text(text, encoding="utf-8")
    code, said = run("explain", mine)
    assert code == 2
    assert "profiles must have at least one" in said.replace("\n", " ")


def test_a_grid_of_the_command_line_is_shown_cell_by_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = run(
        "explain", "mixture-modes", "--profile", "smoke", "--vary", "clip=0.01,0.1", "--vary", "steps=60,80"
    )
    assert code == 0
    assert "4 cells" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nowhere/my_study.py"), "there is no such file"),
        (("run", "mixture-modes", "--vary", "clip"), "--vary needs path=value,value"),
        (("run", "mixture-modes", "--vary", "clip=0.1"), "needs two values or more"),
        (("run", "mixture-modes", "--vary", "clop=0.1,0.2"), "clop is no field"),
        (("run", "mixture-modes", "--vary", "clip=0.1,0.2", "--until-decided"), "needs a hypothesis"),
        (("run", "mixture-modes", "--save", "grid.txt"), "ends in .py"),
    ],
)
def test_a_mistake_is_one_sentence_and_trains_nothing(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = run(*arguments)
    assert code == 2
    assert message in said.replace("\n", " ")
    assert not list(tmp_path.iterdir())


@pytest.mark.ray
@pytest.mark.slow
def test_a_file_outside_the_repository_runs_through_ray_and_resumes_without_it(mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    done = subprocess.run([STUDY, "run", mine, "--out", out], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (out / "mine").iterdir()
    store = Store(folder)
    assert len(store.records()) == 4
    assert "Slow is better" in (folder / "report" / "index.html").read_text(encoding="utf-8")
    for trace in (store.traces_path / "cell=1").iterdir():
        trace.unlink()
    mine.unlink()
    again = subprocess.run([STUDY, "resume", folder], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert all(record.status.trained for record in store.records())


@pytest.mark.ray
@pytest.mark.slow
def test_a_grid_of_the_command_line_is_a_launch_and_its_saved_file_plans_the_same(tmp_path: Path) -> None:
    out, file = tmp_path / "runs", tmp_path / "grid.py"
    done = subprocess.run(
        [STUDY, "run", "mixture-modes", "--profile", "smoke", "--seeds", "1", "--set", "steps=20",
         "--set", "evaluation.every=5", "--vary", "clip=0.01,0.1,1.0", "--save", file, "--out", out],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "difference" in done.stdout
    (folder,) = (out / "mixture-modes-grid").iterdir()
    planned = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    assert len(planned["contrasts"]) == 3
    code, said = run("explain", file)
    assert code == 0
    assert all(cell["digest"] in said or cell["name"] in said for cell in planned["cells"])


def test_a_folder_of_the_same_name_hides_no_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dirac").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert study_of("dirac", None).name == "dirac"
    with pytest.raises(ValueError, match=r"must end in \.py or \.json, got 'other'"):
        study_of("other", None)
