"""Two launches of the same replicas, compared by what became of them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from benchmarks.agreement import __main__ as agreement
from benchmarks.agreement.__main__ import compared
from benchmarks.results import archive

C, D, M = "converged", "diverged", "mode_collapsed"


def launch(outcomes: dict[str, list[str]], device: str) -> Any:
    rows = [
        {"digest": f"of {cell}", "cell_name": cell, "seed": seed, "outcome": outcome, "device": device}
        for cell, own in outcomes.items()
        for seed, outcome in enumerate(own)
    ]
    plan = SimpleNamespace(study="made", launch=device)
    return SimpleNamespace(records=pd.DataFrame(rows), plan=plan)


def test_replicas_are_compared_one_by_one_and_rates_cell_by_cell() -> None:
    one = launch({"a": [C, C, M, C], "b": [D, C]}, "cpu (fused)")
    other = launch({"b": [M, C], "a": [C, M, M, M]}, "cpu")
    found = compared(one, other)
    assert (found["replicas"], found["converged"], found["other_outcome"]) == (6, [4, 2], 3)
    assert (found["converged_one_way_alone"], found["exact_sign_test_p"]) == ([2, 0], 0.5)
    assert found["changes"] == {"converged -> mode_collapsed": 2, "diverged -> mode_collapsed": 1}
    assert found["cells"] == {"a": [3, 1, 4], "b": [1, 1, 2]}
    assert found["devices"] == [["cpu (fused)"], ["cpu"]]


def test_equal_launches_differ_in_nothing() -> None:
    same = launch({"a": [C, M]}, "cpu")
    found = compared(same, same)
    assert (found["other_outcome"], found["exact_sign_test_p"], found["changes"]) == (0, 1.0, {})


def test_what_chance_would_change_is_as_if_a_seed_said_nothing_about_the_other_launch() -> None:
    one, other = launch({"a": [C, C, M, M], "b": [C, C]}, "one"), launch({"a": [C, M, D, D], "b": [C, C]}, "other")
    assert compared(one, other)["other_outcome_by_chance"] == 4 * (1 - 0.5 * 0.25 - 0.5 * 0.25)


def test_replicas_of_other_cells_or_without_an_outcome_are_not_compared() -> None:
    one, other = launch({"a": [C, M], "b": [C]}, "one"), launch({"a": [C, M], "b": [C]}, "other")
    other.records.loc[other.records.cell_name == "b", "digest"] = "of another b"
    one.records.loc[1, "outcome"] = "undecided"
    assert compared(one, other)["replicas"] == 1
    one.records.loc[0, "outcome"] = "undecided"
    with pytest.raises(ValueError, match=r"^launches must have replicas in common, got none of made one and made oth"):
        compared(one, other)


def test_archives_of_launches_are_compared_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, to = archive.FOLDER / "lsgan-stability-quick.tar.xz", tmp_path / "to.json"
    monkeypatch.setattr("sys.argv", ["agreement", str(kept), str(kept), "--to", str(to)])
    assert agreement.main() == 0
    found = json.loads(to.read_text())
    assert (found["replicas"], found["other_outcome"], found["converged"]) == (40, 0, [8, 8])
    assert found["launches"] == ["lsgan-stability 20261129-143324-quick"] * 2


def test_what_is_published_of_two_processors_follows_from_their_launches(tmp_path: Path) -> None:
    folder = Path(agreement.__file__).parent / "results"
    published = json.loads((folder / "avx512_against_avx2.json").read_text(encoding="utf-8"))
    both = archive.FOLDER / "lsgan-stability-quick.tar.xz", folder / "lsgan-stability-quick-avx2.tar.xz"
    one, other = (agreement.loaded(path, tmp_path / str(number)) for number, path in enumerate(both))
    assert compared(one, other) == {name: value for name, value in published.items() if name != "launches"}
    text = " ".join((archive.FOLDER.parent / "variance.md").read_text(encoding="utf-8").split())
    changed, replicas = published["other_outcome"], published["replicas"]
    assert f"{changed} of {replicas} replicas ended otherwise" in text
    assert f"where {published['other_outcome_by_chance']:.0f} would" in text
    lost, won = published["converged_one_way_alone"]
    assert f"{lost} successes were lost and {won} were new" in text
    for _, (a, b, n) in published["cells"].items():
        assert f"| {a} of {n} | {b} of {n} |" in text
