"""The command ``study outcomes``: what it reads, writes and refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.outcomes.outcome import Outcome
from study.validation import catalog, ring
from study.validation.confusion import KINDS, read, write
from study.validation.impostors import panel, results
from study.validation.impostors.points import POINTS
from tests.study.made_measurements import SMALL
from trainables.config import Evaluation

TRIAL = results.Trial(
    impostor="disc", dose=1.0, seed=4_000, decided=Outcome.NOT_LEARNED, borderline=False, evidence={"quality": 0.0}
)
PANEL = results.Panel(kind="mixture", rule="modes@0", versions={}, seconds=1.0, trials=(TRIAL,))


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["outcomes", *map(str, arguments)], env={"COLUMNS": "100"})


def test_the_command_shows_both_kinds(tmp_path: Path) -> None:
    for kind in KINDS:
        write(replace(SMALL, kind=kind), tmp_path)
    results.write([PANEL], tmp_path)
    done = invoke("--folder", tmp_path)
    assert done.exit_code == 0
    assert "ring: " in done.output
    assert "digits: " in done.output
    assert "mixture: 17 impostors; 1 of 1 labels true" in done.output


def test_measuring_writes_a_folder_that_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(ring.BASE, steps=2, evaluation=Evaluation(every=2, samples=50), batch_size=8)
    some = tuple(replace(fault, config=config) for fault in ring.INJECTIONS if fault.name == "NaN")
    few = {"ring": replace(catalog.CATALOG["ring"], injections=some)}
    monkeypatch.setattr(catalog, "CATALOG", few)
    monkeypatch.setattr(panel, "IMPOSTORS", {"mixture": (replace(POINTS[0], doses=(0.1,), plain=(), rows=3),)})
    done = invoke("--measure", "--data", "ring", "--seeds", 3, "--first-seed", 4_500, "--folder", tmp_path)
    assert done.exit_code == 0, done.output
    assert "seeds      4500 to 4502" in done.output
    assert read(tmp_path, "ring").cases[0].seed == 4_500
    assert [trial.seed for trial in results.read(tmp_path)[0].trials] == [4_500, 4_501, 4_502]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "lsun"), "--data must be one of ring, digits, got 'lsun'"),
        (("--seeds", "5"), "--seeds must be absent without --measure, got 5"),
        (("--first-seed", "5"), "--first-seed must be absent without --measure, got 5"),
        (("--measure", "--data", "ring", "--seeds", "1"), "seeds must be >= 3, the severities of healthy, got 1"),
        (("--folder", "nowhere"), "--folder must hold ring.json, got nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output
