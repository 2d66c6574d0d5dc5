import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import study
from study.evidence.judging import Verdict
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report import build
from study.scheduling.ledger import redecide
from study.storage.store import Store
from tests.study.conftest import graded

C, N = Outcome.CONVERGED, Outcome.NOT_LEARNED


@pytest.fixture(scope="module")
def launch(trained_once: Store) -> Launch:
    return study.load(trained_once.root)


def test_a_launch_is_found_by_folder_and_by_id(trained_once: Store) -> None:
    by_id = study.load(trained_once.root.name, out=trained_once.root.parent.parent)
    assert by_id.store.root == trained_once.root
    with pytest.raises(ValueError, match="LAUNCH must be a launch's folder or the id of one in nowhere, got 'no'"):
        study.load("no", out="nowhere")


def test_records_have_a_row_per_replica_with_levels_and_evidence_as_columns(launch: Launch) -> None:
    records = launch.records
    assert len(records) == len(launch.replicas) == 6
    assert records.groupby("loss").outcome.apply(list).to_dict() == {
        "ls": ["converged", "converged", "mode_collapsed"],
        "ns": ["converged", "diverged", "not_learned"],
    }
    assert records.quality.notna().sum() >= 5
    assert {"seed", "digest", "plan", "device", "mode", "rule"} <= set(records.columns)


def test_cells_have_rates_with_wilson_intervals_and_counts(launch: Launch) -> None:
    cells = launch.cells.set_index("cell_name")
    wilson = study.wilson(2, 3)
    assert cells.loc["ls", ["rate", "low", "high"]].tolist() == [wilson.rate, wilson.low, wilson.high]
    assert cells.loc["ls", ["n", "converged", "mode_collapsed", "diverged"]].tolist() == [3, 2, 1, 0]
    assert cells.loc["ns", "loss"] == "ns"


def test_a_level_whose_name_is_taken_keeps_apart(trained: Callable[..., Store]) -> None:
    store = trained(page=False)
    plan = store.plan()
    cells = tuple(replace(cell, levels={"rate": "fast"}) for cell in plan.cells)
    store.write_plan(replace(plan, cells=cells))
    store.records_path.unlink()
    frame = Launch(store, redecide(store.plan(), store, store.rule()).records).cells
    assert frame.level_rate.tolist() == ["fast", "fast"]
    assert frame.rate.between(0, 1).all()


def test_verdicts_print_as_one_sentence(launch: Launch) -> None:
    for verdict in launch.verdicts:
        assert str(verdict).startswith(verdict.hypothesis.claim.removesuffix("."))
        assert "\n" not in str(verdict)


def test_verdicts_say_what_would_change_them(trained: Callable[..., Store]) -> None:
    launch = study.load(graded(trained).root)
    fragile = launch.verdicts[0]
    assert fragile.mark == "fragile"
    (flip,) = [own for own in fragile.fragility.flips if own.side == "above"] if fragile.fragility else ()
    assert flip.condition in str(fragile)
    changed = launch.decide(**{flip.threshold: flip.values[0]}).verdicts[0]
    assert changed.verdict is flip.verdict is not fragile.verdict


def test_a_verdict_that_stands_everywhere_has_no_mark(trained: Callable[..., Store]) -> None:
    launch = study.load(trained(((C,) * 12, (N,) * 12), page=False).root)
    assert [verdict.mark for verdict in launch.verdicts] == ["", ""]


def test_a_trace_that_cannot_be_read_makes_sensitivity_unknown(trained: Callable[..., Store]) -> None:
    store = trained(((C,) * 3, (N,) * 3), page=False)
    store.trace_path(store.plan().blocks()[0]).write_bytes(b"broken")
    found = study.load(store.root).verdicts[0]
    assert "(sensitivity unknown: 3 of 6 replicas with an outcome have no trace that can be read)" in str(found)


def test_a_trace_has_a_row_per_report(launch: Launch) -> None:
    trace = launch.trace(cell=0, seed=1)
    assert trace.step.tolist() == list(range(0, 1_001, 100))
    assert len(trace.mode_share_eighth[0]) == 2


def test_samples_are_pictures_by_step(launch: Launch) -> None:
    assert {step: image.size for step, image in launch.samples(cell=0, seed=0).items()} == {
        500: (32, 32),
        1000: (32, 32),
    }


@pytest.mark.parametrize("ask", [Launch.trace, Launch.samples])
@pytest.mark.parametrize(("cell", "seed"), [(9, 0), (0, 99)])
def test_a_replica_that_was_not_planned_is_one_sentence(
    ask: Callable[..., object], cell: int, seed: int, launch: Launch
) -> None:
    with pytest.raises(ValueError, match=f"must be of a planned replica, got {cell} and {seed}"):
        ask(launch, cell, seed)


def test_a_replica_without_a_trace_is_one_sentence(trained: Callable[..., Store]) -> None:
    store = trained(((C, C), (Outcome.UNDECIDED, Outcome.UNDECIDED)), page=False)
    with pytest.raises(ValueError, match="cell 1, seed 0 has no trace yet"):
        study.load(store.root).trace(1, 0)


def test_deciding_again_gives_what_the_command_gives_and_writes_nothing(launch: Launch) -> None:
    before = {path: path.stat().st_mtime_ns for path in launch.store.root.rglob("*") if path.is_file()}
    stricter = launch.decide(quality_min=0.95)
    assert tuple(stricter.replicas) == redecide(launch.plan, launch.store, stricter.rule).records
    assert stricter.cells.converged.sum() < launch.cells.converged.sum()
    assert stricter.figure("success").label != launch.figure("success").label
    assert before == {path: path.stat().st_mtime_ns for path in launch.store.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [({"quality": 0.5}, "quality is no field"), ({"quality_min": 2}, r"quality_min must be in \(0, 1\]")],
)
def test_a_threshold_that_cannot_be_is_one_sentence(thresholds: dict[str, float], message: str, launch: Launch) -> None:
    with pytest.raises(ValueError, match=message):
        launch.decide(**thresholds)


def test_a_figure_is_drawn_by_name_and_saved(launch: Launch, tmp_path: Path) -> None:
    drawing = launch.figure("success")
    assert "ls: 2 of 3" in drawing.label
    assert drawing.save(tmp_path / "x.svg").read_text(encoding="utf-8").startswith("<?xml")
    with pytest.raises(ValueError, match=r"figure must be one of composition, .* survival, variance, got 'succes'"):
        launch.figure("succes")
    with pytest.raises(ValueError, match="must end in"):
        drawing.save(tmp_path / "x.gif")


def test_arrow_has_the_same_rows(launch: Launch) -> None:
    table = launch.to_arrow()
    assert table.num_rows == 6
    assert table.column("outcome").to_pylist() == launch.records.outcome.tolist()


def test_a_notebook_shows_cells_and_verdicts_with_nothing_unescaped(trained: Callable[..., Store]) -> None:
    html = study.load(trained(title="a < b", page=False).root)._repr_html_()
    assert "a &lt; b" in html
    assert "<td>2 of 3</td>" in html
    assert "Least squares converges more often: undecided." in html


def test_a_launch_decided_again_keeps_the_verdicts_of_the_declared_rule(trained: Callable[..., Store]) -> None:
    store = trained(((C,) * 12, (N,) * 12), page=False)
    launch = Launch(store)
    declared = {judgment.hypothesis.name: judgment.verdict for judgment in launch.verdicts}
    assert declared == {"ls": Verdict.SUPPORTED, "ns": Verdict.SUPPORTED}
    assert (launch.decided_again, launch.caveat, launch.declared_verdicts) == (False, "", declared)
    redecide(launch.plan, store, replace(launch.rule, quality_min=0.99)).write()
    again = Launch(store)
    assert again.decided_again
    assert {judgment.hypothesis.name: judgment.verdict for judgment in again.verdicts} != declared
    assert again.declared_verdicts == declared
    assert again.caveat.startswith("Outcomes were decided again after the run, by another rule than declared: modes@")
    assert "(quality_min 0.99 instead of 0.65)" in again.caveat
    assert again.caveat in html.unescape(again._repr_html_())


@pytest.mark.usefixtures("undrawn")
def test_the_page_of_a_launch_decided_again_has_both_verdicts(trained: Callable[..., Store]) -> None:
    store = trained(((C,) * 12, (N,) * 12), page=False)
    redecide(store.plan(), store, replace(store.plan().rule, quality_min=0.99)).write()
    page = html.unescape(build(store).read_text(encoding="utf-8"))
    assert f'<p class="caveat" role="note">{Launch(store).caveat}' in page
    assert "both verdicts are given on each claim" in page
    assert page.count("decided again; by the declared rule: supported") == 2
