"""Two launches of one study: what was changed, and what came of it, paired by cell and seed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from study.audit.comparison import LaunchComparison, compare
from study.cli import app
from study.design.hypotheses import Share
from study.evidence.inference.paired import Pairs, mcnemar
from study.evidence.inference.paired_exact import exact_interval
from study.evidence.inference.proportions import boschloo, newcombe, wilson
from study.evidence.judging import Verdict
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.storage.store import Store
from study.terminal import launch_comparison

C, M, N, D, U = (
    Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.DIVERGED, Outcome.UNDECIDED
)  # fmt: skip
BEFORE = ((C, C, M, C), (C, M, N, D))
Trained = Callable[..., Store]


@pytest.fixture
def twice(trained: Trained) -> Callable[..., LaunchComparison]:
    """``twice(after, **changes)``: the launch BEFORE against another one."""

    def compared(after: Any = BEFORE, **changes: Any) -> LaunchComparison:
        stores = [trained(BEFORE, page=False), trained(after, name="later", page=False, **changes)]
        return compare(*map(Launch, stores))

    return compared


def paths(found: LaunchComparison) -> dict[str, tuple[str, str]]:
    return {change.path: (change.before, change.after) for change in found.changes}


def test_the_sentence_counts_replicas_by_what_became_of_them(twice: Any) -> None:
    assert twice().sentence == "8 of 8 replicas have the same outcome."
    found = twice([[C, M, C, C], [C, M, M, D]])
    assert found.sentence == (
        "5 of 8 replicas have the same outcome; 1 converged only before; 1 converged only after; 1 failed otherwise."
    )
    assert found.transitions[M, C] == found.transitions[C, M] == found.transitions[N, M] == 1
    assert sum(found.transitions.values()) == 8


def test_cells_are_compared_in_pairs_after_minus_before(twice: Any) -> None:
    ls, ns = twice([[C, C, C, C], [M, M, N, M]]).cells
    pairs = Pairs(both=3, only_a=1, only_b=0, neither=0)
    assert (ls.before, ls.after, ls.pairs) == (wilson(3, 4), wilson(4, 4), pairs)
    assert ls.difference == (0.25, *exact_interval(pairs))
    assert (ls.test, ls.p) == ("exact McNemar test", mcnemar(pairs))
    assert ns.difference[0] == -0.25
    assert ls.p_adjusted == 1.0


def test_p_values_are_adjusted_over_the_cells(trained: Trained) -> None:
    before = trained([[C] * 8, [M] * 8], page=False)
    after = trained([[M] * 8, [C] * 8], name="later", page=False)
    cells = compare(Launch(before), Launch(after)).cells
    assert [cell.p for cell in cells] == [pytest.approx(2 * 0.5**8)] * 2
    assert [cell.p_adjusted for cell in cells] == [pytest.approx(4 * 0.5**8)] * 2


def test_other_seeds_are_compared_as_independent_rates(twice: Any) -> None:
    found = twice([[C, C, C, C], [U, U, U, U]], seeds=(10, 11, 12, 13))
    ls, ns = found.cells
    assert (ls.pairs, ls.test, ls.p) == (None, "Boschloo's exact test", boschloo(4, 4, 3, 4))
    assert ls.difference == (0.25, *newcombe(wilson(4, 4), wilson(3, 4)))
    assert (ns.difference, ns.test, ns.p, ns.p_adjusted) == (None, "", None, None)
    assert found.sentence == (
        "No replica of the same cell and seed has an outcome in both launches; 4 of 8 converged before, 4 of 4 after."
    )
    assert paths(found)["seeds"] == ("0 to 3", "10 to 13")


def test_changes_of_configurations_are_told_once_for_all_cells(twice: Any) -> None:
    changed = paths(twice(config={"batch_size": 32, "dtype": "float64"}))
    assert changed == {"batch_size in all cells": ("64", "32"), "dtype in all cells": ("float32", "float64")}
    assert all(not cell.same for cell in twice(config={"batch_size": 32}).cells)


def test_changes_of_plan_rule_and_place_have_dotted_paths(twice: Any) -> None:
    declared = Share(name="new", claim="c", source="s", where={}, outcomes=(C,), side="above", threshold=0.5)
    found = twice(
        rule=replace(MIXTURE_RULE, quality_min=0.45), hypotheses=(declared,), profile="standard",
        meta={"device": "H100", "mode": "solo", "versions": {"torch": "2.16.0"}},
    )  # fmt: skip
    assert paths(found) == {
        "profile": ("quick", "standard"),
        "rule.quality_min": ("0.65", "0.45"),
        "hypotheses.ls": ("declared", ""),
        "hypotheses.ns": ("declared", ""),
        "hypotheses.new": ("", "declared"),
        "versions.code": ("0123456789ab", ""),
        "versions.torch": ("2.15.0", "2.16.0"),
        "device": ("cpu", "H100"),
        "mode": ("stack[4]", "solo"),
    }
    assert [(own.before is None, own.after is None) for own in found.verdicts] == [(True, False)] + [(False, True)] * 2


def test_a_hypothesis_that_both_declare_is_compared_field_by_field(twice: Any, trained: Trained) -> None:
    ls, ns = trained(BEFORE, name="x", page=False).plan().hypotheses
    found = twice(hypotheses=(replace(ls, alpha=0.01), ns))
    assert paths(found) == {"hypotheses.ls.alpha": ("0.05", "0.01")}


def test_verdicts_stand_side_by_side(twice: Any) -> None:
    verdicts = twice([[C] * 4, [M] * 4]).verdicts
    assert verdicts[0].claim == "Least squares converges more often."
    assert {judged.verdict for own in verdicts for judged in (own.before, own.after)} <= set(Verdict)


def test_cells_and_replicas_that_one_launch_lacks_are_left_out(twice: Any) -> None:
    found = twice([[C, U, U, U]], block=1)
    assert [cell.name for cell in found.cells] == ["ls"]
    assert sum(found.transitions.values()) == 1
    assert paths(found)["cells.ns"] == ("planned", "")


def test_the_same_run_again_with_other_numbers_is_not_deterministic(twice: Any) -> None:
    alike = twice().repeats
    assert (alike.couples, alike.other_outcome, alike.other_numbers) == (8, 0, 0)
    other = twice([[C, C, M, M], BEFORE[1]], noise=1).repeats
    assert (other.couples, other.other_outcome, other.other_numbers) == (8, 1, 7)
    assert twice(noise=1, meta={"device": "H100"}).repeats.couples == 0


def test_everything_is_shown_within_a_hundred_columns(twice: Any) -> None:
    for found in (twice(), twice([[C, C, M, M], BEFORE[1]], noise=1, config={"batch_size": 32})):
        console = Console(width=100, record=True, file=None, quiet=False)
        with console.capture() as captured:
            launch_comparison.show(found, console)
        text = captured.get()
        assert max(map(len, text.splitlines()[4:])) <= 100
        assert text.startswith(found.sentence)
        assert "nan" not in text.lower()


def test_no_number_is_cut_on_a_narrow_terminal(twice: Any) -> None:
    found = twice([[C, C, M, M], BEFORE[1]], noise=1, config={"batch_size": 32})
    named = replace(found, cells=tuple(replace(cell, name="lr=0.001 / " * 8) for cell in found.cells))
    console = Console(width=80)
    with console.capture() as captured:
        launch_comparison.show(named, console)
    text = captured.get()
    assert "p adjusted" in text
    for cell in named.cells:
        assert all(number.replace("\\[", "[") in text for number in launch_comparison.numbers(cell))


def test_launches_of_different_studies_are_refused(trained: Trained) -> None:
    stores = [trained(BEFORE, page=False), trained(BEFORE, page=False, study="other")]
    done = CliRunner().invoke(app, ["compare", *(str(store.root) for store in stores)])
    assert done.exit_code == 2
    assert done.stderr == "error: both launches must be of one study, got demo and other\n"


def test_the_command_shows_both_launches(trained: Trained) -> None:
    stores = [trained(BEFORE, page=False), trained(BEFORE, name="later", page=False, noise=1)]
    done = CliRunner().invoke(app, ["compare", *(str(store.root) for store in stores)], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("8 of 8 replicas have the same outcome.\n")
    assert "not deterministic" in done.stdout
    for part in ("launch later", "Changes of the plan: none", "mode collapsed", "Verdicts", "3 of 4"):
        assert part in done.stdout
