"""The command ``study power``: what it prints of each hypothesis, how wide, and what it refuses."""

from collections.abc import Sequence

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.cli.app import console
from study.design.plan import Plan
from study.evidence.power import PowerAnalysis
from study.scheduling import cost


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no cost, and print on a terminal of usual width."""

    def seconds(plan: Plan, analyses: Sequence[PowerAnalysis]) -> tuple[dict[int, float], str]:
        return {cell: 3.0 for each in analyses for cell in each.cells}, "CPU core"

    monkeypatch.setattr(cost, "replica_seconds", seconds)
    monkeypatch.setattr(console, "_width", 100)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["power", *arguments])
    return done.exit_code, done.output


def flowing(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.usefixtures("quick")
def test_the_command_says_what_each_claim_can_expect() -> None:
    code, text = run("mixture-modes", "--seeds", "12", "--assume", "0.9,0.2", "--assume", "0.9")
    assert code == 0, text
    assert "12 seeds, each 1 pair" in flowing(text)
    assert "0.9 vs 0.2" in text
    assert "one CPU core here" in flowing(text)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.usefixtures("quick")
def test_the_command_names_what_is_out_of_reach() -> None:
    _, text = run("mixture-modes", "--seeds", "5")
    assert "Out of reach as one of 3" in text
    assert "5 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out" in flowing(text)
    assert "ls-beats-ns-on-the-ring" in text
    assert "never" in text


@pytest.mark.usefixtures("quick")
def test_the_command_counts_expected_seeds_of_launches_until_decided() -> None:
    code, text = run("mixture-modes", "--seeds", "20", "--until-decided", "--assume", "0.9,0.2", "--assume", "0.9")
    assert code == 0, text
    assert "at most 20 seeds" in text
    assert "standard error at most" in flowing(text)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--assume", "0.9,1.5"], "rates must be in [0, 1], got 1.5"),
        (["--assume", "2"], "rates must be in [0, 1], got 2"),
        (["--assume", "0.9,0.5,0.1"], "--assume must be BETTER,WORSE or one rate, got '0.9,0.5,0.1'"),
        (["--assume", "high"], "--assume must be BETTER,WORSE or one rate, got 'high'"),
        (["--assume", "0.9,0.3", "--correlation", "0.5"], "correlation must be in [-0.51, 0.22]"),
        (["--correlation", "2"], "correlation must be in [-1, 1], got 2"),
        (["--seeds", "0"], "seeds must be in [1, 10000], got 0"),
    ],
)
def test_what_cannot_be_assumed_is_one_sentence(arguments: list[str], message: str) -> None:
    code, text = run("mixture-modes", *arguments)
    assert code == 2
    assert message in text
    assert len(text.strip().splitlines()) == 1


def test_claims_that_an_assumption_says_nothing_of_are_named() -> None:
    code, text = run("mixture-modes", "--seeds", "12", "--assume", "0.9,0.2")
    assert code == 0
    text = " ".join(text.split())
    assert "--assume says nothing of ls-learns-the-ring, ns-collapses-on-the-ring, which keep their usual rates" in text
    _, text = run("mixture-modes", "--seeds", "12", "--assume", "0.9,0.2", "--assume", "0.9")
    assert "says nothing of" not in text
