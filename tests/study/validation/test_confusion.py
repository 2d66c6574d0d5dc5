"""The arithmetic of the confusion matrix, the file, and the measurement that is shipped."""

import json
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.validation.confusion import CLASSES, KINDS, SHIPPED, Case, Measurement, confusion, read, scores, write
from study.validation.digits import RULE as READ_RULE

C, M, D = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.DIVERGED


def case(expected: Outcome, decided: Outcome, seed: int = 5) -> Case:
    return Case(
        injection="copies",
        severity="1 point",
        seed=seed,
        truth="construction",
        expected=expected,
        decided=decided,
        states=("good", "narrow"),
        confirmed=True,
        rule="mixture@00000000",
    )


def measurement(*cases: Case) -> Measurement:
    return Measurement(kind="ring", device="cpu (abc)", versions={"torch": "9"}, seconds=1.5, cases=cases)


CASES = [case(*pair) for pair in [(C, C)] * 8 + [(C, M)] * 2 + [(M, M)] * 3 + [(M, C)] * 1 + [(D, D)] * 4]


def test_recall_and_precision_of_a_table_made_by_hand() -> None:
    found = {score.outcome: score for score in scores(confusion(CASES))}
    assert tuple(found) == CLASSES
    assert [(s.recall.successes, s.recall.n) for s in found.values()] == [
        (8, 10),
        (3, 4),
        (0, 0),
        (0, 0),
        (0, 0),
        (4, 4),
        (0, 0),
        (0, 0),
        (0, 0),
    ]
    assert [(s.precision.successes, s.precision.n) for s in found.values()][:2] == [(8, 9), (3, 5)]


def test_the_intervals_are_exact() -> None:
    diverged = scores(confusion(CASES))[5].recall
    # All of four: the lower end solves p^4 = 0.025.
    assert (diverged.low, diverged.high) == (pytest.approx(0.025**0.25, abs=1e-9), 1.0)


def test_a_class_that_never_occurs_has_the_whole_interval() -> None:
    late = scores(confusion(CASES))[2]
    assert (late.recall.low, late.recall.high, late.precision.n) == (0.0, 1.0, 0)


def test_a_measurement_survives_its_file(tmp_path: Path) -> None:
    stored = measurement(*CASES)
    path = write(stored, tmp_path / "new")
    assert path.name == "ring.json"
    assert read(tmp_path / "new", "ring") == stored


def test_seeds_that_thresholds_were_fixed_on_are_no_test() -> None:
    assert not measurement(case(C, C, seed=11_000), case(C, C, seed=10_999)).fresh
    assert measurement(case(C, C, seed=11_000)).fresh


def test_a_folder_without_a_measurement_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--folder must hold digits.json, got "):
        read(tmp_path, "digits")


@pytest.mark.parametrize("text", ["{", "[]", '{"header": {}}', '{"header": {"schema": 1, "columns": ["seed"]}}'])
def test_a_file_that_is_no_measurement_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "ring.json").write_text(text)
    with pytest.raises(ValueError, match=r"ring.json is no measurement of outcomes"):
        read(tmp_path, "ring")


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = write(measurement(*CASES), tmp_path)
    stored = json.loads(path.read_text())
    stored["header"]["schema"] = 2
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="schema 2, this version reads 1"):
        read(tmp_path, "ring")


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_measurement_is_of_the_current_rule_on_fresh_seeds(kind: str) -> None:
    shipped = read(SHIPPED, kind)
    rule = {"ring": MIXTURE_RULE, "digits": READ_RULE}[kind]
    assert shipped.rules == (rule.label(),), f"the rule has changed: study outcomes --measure --data {kind} again"
    assert shipped.fresh


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_occurs_in_the_shipped_measurement(kind: str) -> None:
    true = [case.expected for case in read(SHIPPED, kind).cases]
    of_points = {Outcome.MEMORIZED} if kind == "ring" else set()
    assert min(true.count(outcome) for outcome in set(CLASSES) - of_points) >= 3


def test_the_measurements_go_into_the_wheel() -> None:
    """It takes all files of the packages that git does not ignore."""
    root = Path(study.__file__).parents[1]
    packages = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert SHIPPED.relative_to(root).parts[0] in packages["packages"]
    ignored = subprocess.run(["git", "check-ignore", *SHIPPED.glob("*.json")], cwd=root, capture_output=True)
    assert (ignored.returncode, ignored.stdout) == (1, b"")


def test_a_case_of_another_rule_is_seen() -> None:
    other = replace(CASES[0], rule="mixture@11111111")
    assert measurement(CASES[0], other).rules == ("mixture@00000000", "mixture@11111111")
