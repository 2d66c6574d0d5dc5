"""The command ``study outcomes``: what it prints, how wide, and what it refuses."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from study.cli import app
from study.outcomes.outcome import Outcome
from study.terminal.validation import show
from study.validation import catalog, ring
from study.validation.confusion import KINDS, SHIPPED, Case, Measurement, read, write
from trainables.config import Evaluation


def invoke(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["outcomes", *map(str, arguments)], env={"COLUMNS": "100"})


def printed(measurement: Measurement, width: int = 100) -> str:
    out = StringIO()
    show(measurement, Console(file=out, width=width))
    return out.getvalue()


def case(expected: Outcome, decided: Outcome, **changes: Any) -> Case:
    own = Case(
        injection="late collapse",
        severity="3 of 8 from 1150",
        seed=4_000,
        truth="construction",
        expected=expected,
        decided=decided,
        states=("good",),
        confirmed=expected is decided,
        rule="mixture@0123abcd",
    )
    return replace(own, **changes)


L, N = Outcome.LATE_COLLAPSE, Outcome.NOT_LEARNED
SMALL = Measurement(
    kind="ring",
    device="cpu (abc)",
    versions={"torch": "9.9", "code": "cafe"},
    seconds=61.4,
    cases=(case(L, L), case(L, N), case(N, N, seed=4_001, truth="measured", injection="label swap")),
)


def test_what_a_small_measurement_says() -> None:
    text = printed(SMALL)
    assert "ring: 2 of 3 injected replicas classified correctly" in text
    assert "mixture@0123abcd" in text
    assert "4000 to 4001; no threshold was fixed on them" in text
    assert "by construction for 2 (1 of them confirmed" in text
    assert "torch 9.9, code cafe, cpu (abc), 61 s" in text
    assert re.search(r"late_collapse +0.500 +0.01 to 0.99 +1/2 +1.000 +0.03 to 1.00 +1/1", text)
    assert re.search(r"not_learned +1.000 +0.03 to 1.00 +1/1 +0.500 +0.01 to 0.99 +1/2", text)
    assert re.search(r"converged +- +- +0/0 +- +- +0/0", text)
    assert re.search(r"late collapse +late_collapse +1 +2 +not_learned \(3 of 8 from 1150\)", text)


def test_seeds_of_the_fixing_are_called_so() -> None:
    own = replace(SMALL, cases=(case(L, L, seed=1_500),))
    assert "some of them fixed thresholds, so this is no test" in printed(own)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_measurements_fit_into_100_columns_without_cuts(kind: str) -> None:
    text = printed(read(SHIPPED, kind))
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text


def test_the_command_shows_both_kinds(tmp_path: Path) -> None:
    for kind in KINDS:
        write(replace(SMALL, kind=kind), tmp_path)
    done = invoke("--folder", tmp_path)
    assert done.exit_code == 0
    assert "ring: " in done.output
    assert "digits: " in done.output


def test_measuring_writes_a_folder_that_can_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(ring.BASE, steps=2, evaluation=Evaluation(every=2, samples=50), batch_size=8)
    some = tuple(replace(own, config=config) for own in ring.INJECTIONS if own.name == "NaN")
    few = {"ring": replace(catalog.CATALOG["ring"], injections=some)}
    monkeypatch.setattr(catalog, "CATALOG", few)
    done = invoke("--measure", "--data", "ring", "--seeds", 3, "--first-seed", 4_500, "--folder", tmp_path)
    assert done.exit_code == 0, done.output
    assert "seeds      4500 to 4502" in done.output
    assert read(tmp_path, "ring").cases[0].seed == 4_500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "lsun"), "--data must be one of ring, digits, got 'lsun'"),
        (("--seeds", "5"), "--seeds must be absent without --measure, got 5"),
        (("--first-seed", "5"), "--first-seed must be absent without --measure, got 5"),
        (("--measure", "--data", "ring", "--seeds", "1"), "seeds must be >= 5, the severities of healthy, got 1"),
        (("--folder", "nowhere"), "--folder must hold ring.json, got nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output
