"""The file of impostors, what is counted, and the panel that is shipped."""

from pathlib import Path

import pytest
from rich.console import Console

from study.outcomes.outcome import Outcome
from study.terminal import impostors as tables
from study.validation.impostors.panel import IMPOSTORS, RULES
from study.validation.impostors.results import SHIPPED, Panel, Trial, at_doses, changes, errors, read, write

C, N, M = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.MODE_COLLAPSED


def trial(dose: float, seed: int, decided: Outcome, *, borderline: bool = False, impostor: str = "beside") -> Trial:
    evidence = {"quality": 0.25 * seed}
    return Trial(impostor=impostor, dose=dose, seed=seed, decided=decided, borderline=borderline, evidence=evidence)


TRIALS = (
    trial(0.0, 11_000, C),
    trial(0.0, 11_001, C),
    trial(0.1, 11_000, C),
    trial(0.1, 11_001, N, borderline=True),
    trial(0.2, 11_000, N),
    trial(0.2, 11_001, C),
    trial(0.3, 11_000, N),
    trial(0.3, 11_001, N),
)
PANEL = Panel(kind="mixture", rule="modes@0", versions={"torch": "9"}, seconds=2.0, trials=TRIALS)


def test_labels_are_counted_by_dose() -> None:
    found = at_doses(TRIALS, "beside")
    assert [at.dose for at in found] == [0.0, 0.1, 0.2, 0.3]
    assert found[1].counts == {C: 1, N: 1}
    assert (found[1].borderline, found[1].evidence["quality"]) == (1, pytest.approx(0.25 * 11_000.5))
    assert at_doses(TRIALS, "lines") == ()


def test_the_label_changes_where_the_most_frequent_one_does() -> None:
    three = (trial(0.1, 1, C), trial(0.2, 1, C), trial(0.3, 1, N), trial(0.4, 1, N), trial(0.5, 1, M))
    assert changes(at_doses(three, "beside")) == ((0.2, 0.3, C, N), (0.4, 0.5, N, M))


def test_an_untrue_label_is_an_error() -> None:
    assert errors(TRIALS, IMPOSTORS["mixture"]) == (TRIALS[5],)


def test_panels_survive_their_file_and_replace_their_kind_alone(tmp_path: Path) -> None:
    images = Panel(kind="images", rule="images@0", versions={}, seconds=1.0, trials=())
    write([PANEL], tmp_path)
    path = write([images], tmp_path)
    assert path.name == "impostors.json"
    assert read(tmp_path) == (PANEL, images)


def test_a_folder_without_a_panel_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--folder must hold impostors.json, got "):
        read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 1, "panels": [{"header": {}}]}'])
def test_a_file_that_is_no_panel_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "impostors.json").write_text(text)
    with pytest.raises(ValueError, match=r"impostors.json is no measurement of impostors"):
        read(tmp_path)


def test_the_table_marks_doses_and_names_what_passes() -> None:
    console = Console(width=150, record=True)
    tables.show(PANEL, console)
    text = console.export_text()
    assert "7 of 8 labels true" in text
    assert "converged  though a person sees it at first glance: beside at 0.2" in text
    assert "0.2 and 0.3" not in text.split("beside at 0.2")[0]
    assert "not_learned 1, converged 1" in text


@pytest.mark.parametrize("panel", read(SHIPPED), ids=lambda panel: panel.kind)
def test_the_shipped_panel_is_of_the_current_rule_on_fresh_seeds(panel: Panel) -> None:
    assert panel.rule == RULES[panel.kind].label(), "the rule has changed: study outcomes --measure again"
    assert panel.fresh
    measured = {(each.impostor, each.dose) for each in panel.trials}
    assert measured == {(each.name, dose) for each in IMPOSTORS[panel.kind] for dose in each.doses}


@pytest.mark.parametrize("panel", read(SHIPPED), ids=lambda panel: panel.kind)
def test_nearly_all_shipped_labels_are_true(panel: Panel) -> None:
    assert len(errors(panel.trials, IMPOSTORS[panel.kind])) <= 0.05 * len(panel.trials)
