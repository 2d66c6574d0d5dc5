"""A loop of the user's own: what becomes of its reports, however it ends."""

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
import torch

import study
from study.audit.verify import verify
from study.outcomes.rule import IMAGE_RULE
from study.recording import launch as launches
from study.scheduling.ledger import redecide
from study.storage.records import Status
from study.storage.store import Store
from tests.study.recording.made_rings import STEPS, fail, recorder, ring, run
from trainables import probes
from trainables.config import RecordedConfig
from trainables.data import Digits, ImageTruth, Ring
from trainables.phases import View
from trainables.recording import Meter


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the page, which takes longer than all else."""
    monkeypatch.setattr(launches, "show", lambda store, tracker: "")


def outcomes(out: Path) -> dict[tuple[str, int], str]:
    records = study.load(out / "mine" / "recorded").replicas
    return {(record.cell_name, record.seed): record.outcome.value for record in records}


def test_a_loop_is_judged_reported_and_verified_as_ours(tmp_path: Path) -> None:
    for seed in (3, 4):
        run(recorder(tmp_path, seed, cell={"lr": 1e-4, "kind": "good"}), seed)
        own = run(recorder(tmp_path, seed, cell={"lr": 1e-3, "kind": "blurred"}), seed, std=0.3)
    assert outcomes(tmp_path) == {
        ("lr=0.0001 / kind=good", 3): "converged",
        ("lr=0.0001 / kind=good", 4): "converged",
        ("lr=0.001 / kind=blurred", 3): "not_learned",
        ("lr=0.001 / kind=blurred", 4): "not_learned",
    }
    launch = study.load(own.root)
    assert launch.factors == ["lr", "kind"]
    assert launch.contrasts[["factor", "a", "b"]].values.tolist() == [
        ["lr", "0.0001", "0.001"],
        ["kind", "good", "blurred"],
    ]
    assert [check.name for check in verify(launch.store) if check.differences] == []
    page = launch.store.report_path.read_text()
    for sentence in (
        "What cannot be known",
        "is in no digest",
        "nothing is stacked",
        "was not declared before the run",
    ):
        assert sentence in page
    assert "the same in every cell" not in page
    assert launch.trace(cell=0, seed=3).step.tolist() == list(STEPS)
    assert sorted(launch.samples(cell=0, seed=3)) == [0, 100, 200, 400]
    assert not (own.root / "checkpoints").exists()


def test_rows_are_those_of_the_probes(tmp_path: Path, quick: None) -> None:
    own = run(recorder(tmp_path, 3), 3, fid=7.0)
    row = study.load(own.root).trace(cell=0, seed=3).iloc[2]
    config = RecordedConfig(data=Ring(), settings={})
    source = config.data.load(device=torch.device("cpu"), dtype=torch.float32)
    view = View(samples=ring(3, 200)[None], columns={})
    for probe in probes.probes_for(config, source, None, device=torch.device("cpu")):
        for name, value in probe.measure(view).items():
            assert np.allclose(row[name], value[0].numpy(), atol=0), name
    assert (row.d_loss, row.fid, bool(row.finite)) == (0.5, 7.0, True)
    assert np.isnan(study.load(own.root).trace(cell=0, seed=3).d_loss[0])


def test_reports_draw_no_random_number_and_keep_the_samples(tmp_path: Path, quick: None) -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    samples = ring(0, 100).requires_grad_()
    kept = samples.detach().clone()
    with recorder(tmp_path) as own:
        own.report(0, samples=samples)
        own.report(1, samples=samples)
        own.report(2, samples=samples)
        own.report(3, samples=samples)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert torch.equal(samples, kept)
    assert torch.is_grad_enabled()


def test_the_last_numbers_of_a_loop_decide_that_it_diverged(tmp_path: Path, quick: None) -> None:
    with recorder(tmp_path, 0) as own:
        for step in STEPS:
            own.report(step, samples=ring(0, step), d_loss=nan if step == 300 else 0.1)
    with recorder(tmp_path, 1) as own:
        for step in STEPS:
            own.report(step, samples=ring(0, step) * (nan if step == 300 else 1), d_loss=0.1)
    with recorder(tmp_path, 2) as own:
        for step in STEPS:
            own.report(step, samples=ring(0, step), fid=nan)
    assert list(outcomes(tmp_path).values()) == ["diverged", "diverged", "converged"]


def test_a_loop_that_gives_up_on_its_numbers_has_diverged(tmp_path: Path, quick: None) -> None:
    with pytest.raises(FloatingPointError):
        fail(own := recorder(tmp_path), FloatingPointError("the loss is NaN"))
    record = study.load(own.root).replicas[0]
    assert (record.status, record.outcome.value, record.outcome_step) == (Status.FINISHED, "diverged", 201)


def test_a_loop_that_fails_after_it_blew_up_has_diverged(tmp_path: Path, quick: None) -> None:
    with pytest.raises(RuntimeError):
        fail(own := recorder(tmp_path), RuntimeError("no more"), at_100=nan)
    record = study.load(own.root).replicas[0]
    assert (record.status, record.outcome.value, record.outcome_step) == (Status.FINISHED, "diverged", 100)


def test_a_loop_that_fails_for_another_reason_has_crashed_and_may_run_again(tmp_path: Path, quick: None) -> None:
    with pytest.raises(RuntimeError):
        fail(own := recorder(tmp_path), RuntimeError("out of memory"))
    launch = study.load(own.root)
    assert (launch.replicas[0].status, launch.summaries[0].crashed) == (Status.CRASHED, 1)
    assert "out of memory" in (own.root / "checkpoints" / "c000-b000" / "error.txt").read_text()
    run(recorder(tmp_path))
    assert outcomes(tmp_path) == {("base", 0): "converged"}
    assert not (own.root / "checkpoints" / "c000-b000" / "error.txt").exists()


def test_an_interrupted_loop_goes_on_without_measuring_again(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt())
    assert study.load(own.root).replicas[0].status is Status.PLANNED
    measured = []
    plain = Meter.row
    monkeypatch.setattr(Meter, "row", lambda self, *given: measured.append(given[1]) or plain(self, *given))
    run(recorder(tmp_path))
    assert measured == [300, 400]
    assert study.load(own.root).trace(cell=0, seed=0).step.tolist() == list(STEPS)


def test_a_loop_goes_on_from_a_checkpoint_of_its_own(tmp_path: Path, quick: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt())
    with pytest.warns(RuntimeWarning, match="1 row of an earlier run of seed 0 was set aside"):
        run(recorder(tmp_path), 7, steps=(200, 300, 400), d_loss=0.25)
    rows = study.load(own.root).trace(cell=0, seed=0)
    assert rows.step.tolist() == list(STEPS)
    assert rows.d_loss.tolist()[1:] == [0.5, 0.25, 0.25, 0.25]


def test_a_loop_that_runs_again_with_other_randomness_replaces_what_it_reported(tmp_path: Path, quick: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt(), 5, std=0.5)
    with pytest.warns(RuntimeWarning, match="3 rows of an earlier run"):
        run(recorder(tmp_path))
    assert outcomes(tmp_path) == {("base", 0): "converged"}
    kept = own.root / "checkpoints" / "c000-b000" / "rows-replaced-1.jsonl"
    assert len(kept.read_text().splitlines()) == 3


def test_a_loop_may_be_interrupted_again_after_it_replaced_rows(tmp_path: Path, quick: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt(), at_100=0.25)
    with pytest.raises(KeyboardInterrupt):
        fail(recorder(tmp_path), KeyboardInterrupt())
    run(recorder(tmp_path), steps=(300, 400))
    rows = study.load(own.root).trace(cell=0, seed=0)
    assert rows.step.tolist() == list(STEPS)
    assert rows.d_loss.tolist()[1:] == [0.5, 0.5, 0.5, 0.5]


def test_damaged_rows_are_set_aside(tmp_path: Path, quick: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt())
    rows = own.root / "checkpoints" / "c000-b000" / "rows.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b'"d_loss": 0.5', b'"d_loss": 0.6'))
    with pytest.warns(RuntimeWarning, match="were damaged"):
        run(recorder(tmp_path))
    assert outcomes(tmp_path) == {("base", 0): "converged"}


def test_a_row_that_was_cut_off_did_not_happen(tmp_path: Path, quick: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(own := recorder(tmp_path), KeyboardInterrupt())
    rows = own.root / "checkpoints" / "c000-b000" / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-40])
    run(recorder(tmp_path))
    assert study.load(own.root).trace(cell=0, seed=0).step.tolist() == list(STEPS)


def test_a_damaged_trace_is_recorded_anew(tmp_path: Path, quick: None) -> None:
    own = run(recorder(tmp_path))
    trace = own.root / "traces" / "cell=0" / "c000-b000.parquet"
    trace.write_bytes(trace.read_bytes()[:-100])
    with pytest.raises(ValueError, match="run its loop again"):
        study.load(own.root).trace(cell=0, seed=0)
    with pytest.warns(RuntimeWarning, match="the trace of seed 0 in cell base was damaged"):
        run(recorder(tmp_path))
    assert outcomes(tmp_path) == {("base", 0): "converged"}


def test_too_few_reports_leave_the_outcome_open_with_a_word(tmp_path: Path, quick: None) -> None:
    with pytest.warns(RuntimeWarning, match="decides from 3 reports after step 0, and seed 0 has 1"):
        run(recorder(tmp_path), steps=(0, 100))
    assert outcomes(tmp_path) == {("base", 0): "undecided"}


def test_samples_that_are_not_finite_need_no_further_reports(tmp_path: Path, quick: None) -> None:
    with recorder(tmp_path) as own:
        own.report(0, samples=ring(0, 0), d_loss=0.5)
        own.report(100, samples=torch.full((512, 2), torch.nan), d_loss=0.5)  # a warning would be an error
    assert outcomes(tmp_path) == {("base", 0): "diverged"}


def test_the_next_process_removes_what_a_killed_one_left_while_it_made_the_launch(tmp_path: Path, quick: None) -> None:
    old, new, other = (
        tmp_path / "mine" / name for name in (f".recorded-{'a' * 32}", f".recorded-{'b' * 32}", ".recorded-x")
    )
    for folder in (old, new, other):
        folder.mkdir(parents=True)
    for folder in (old, other):
        os.utime(folder, (0, 0))
    run(recorder(tmp_path))
    assert [folder.exists() for folder in (old, new, other)] == [False, True, True]


def test_the_page_says_how_recorded_seeds_are_added(tmp_path: Path, quick: None) -> None:
    claim = study.Share(
        name="half",
        claim="it trains",
        source="a test",
        where={"lr": "1"},
        outcomes=(study.Outcome.CONVERGED,),
        side="above",
        threshold=0.5,
    )
    own = run(recorder(tmp_path, cell={"lr": 1}, hypotheses=[claim]))
    said = study.reach(study.load(own.root).plan)
    assert "seeds are needed (" in said
    assert "recorded in each cell)" in said
    assert "--seeds" not in said


def test_steps_that_are_promised_must_be_reported(tmp_path: Path, quick: None) -> None:
    with pytest.raises(ValueError, match=r"step 500 must be reported .*, and the last one was 400: the rows are kept"):
        run(recorder(tmp_path, steps=500))
    with recorder(tmp_path, steps=500) as own:
        own.report(500, samples=ring(0, 500), d_loss=0.5)
    record = study.load(own.root).replicas[0]
    assert (record.outcome.value, record.steps, record.planned_steps) == ("converged", 500, 500)


def test_what_was_decided_by_another_rule_stays_so_for_later_seeds(tmp_path: Path) -> None:
    store = Store(run(recorder(tmp_path)).root)
    redecide(store.plan(), store, study.OutcomeRule(name="other", coverage_min=1.0, quality_min=0.1)).write()
    run(recorder(tmp_path, 1), 1)
    assert [record.rule.partition("@")[0] for record in store.records()] == ["other", "other"]
    assert [check.name for check in verify(store) if check.differences] == []


def test_a_recorded_launch_cannot_be_resumed_or_confirmed_here(tmp_path: Path, quick: None) -> None:
    own = run(recorder(tmp_path))
    with pytest.raises(ValueError, match=r"trained here to be resumed, got recorded .*: run your loop again"):
        study.resume(own.root)
    with pytest.raises(ValueError, match="trained here to be confirmed"):
        study.plan_confirmation(study.load(own.root))


@pytest.mark.slow
def test_mlflow_shows_what_has_ended(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    run(recorder(tmp_path, cell={"lr": 0.1}, tracking_uri=uri))
    run(recorder(tmp_path, 1, cell={"lr": 0.1}, tracking_uri=uri), 1)
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    (experiment,) = (own for own in client.search_experiments() if own.name == "mine")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 4
    assert sorted(own.data.params["seed"] for own in runs if own.data.tags["stability.level"] == "replica") == [
        "0",
        "1",
    ]
    (cell,) = (own for own in runs if own.data.tags["stability.level"] == "cell")
    assert (cell.data.metrics["success_rate"], cell.data.params["lr"]) == (1.0, "0.1")


def test_images_that_are_an_array(tmp_path: Path) -> None:
    digits = Digits(side=16).load(device=torch.device("cpu"), dtype=torch.float32).truth
    assert isinstance(digits, ImageTruth)
    options = {"data": digits.images, "labels": digits.labels, "samples": 256, "show": False}
    real, order = digits.images.float() / 255, torch.randperm(1_797, generator=torch.Generator().manual_seed(0))
    with recorder(tmp_path, 0, **options, value_range=(0, 1)) as own:
        for step in range(4):
            own.report(step, samples=real[order[256 * step :][:256]] if step else torch.rand(256, 1, 16, 16))
    with recorder(tmp_path, 1, **options) as own:
        for step in range(4):
            few = digits.images[order[:20]].repeat(13, 1, 1, 1)
            own.report(step, samples=few if step else torch.randn(256, 1, 16, 16))
    launch = study.load(own.root)
    assert [record.outcome.value for record in launch.replicas] == ["converged", "mode_collapsed"]
    assert launch.replicas[0].config["data"]["classes"] == 10
    features = launch.store.trace(launch.plan.blocks()[0])
    assert features is not None
    assert features.meta["features"]["task"] == "labels"


def test_labels_of_a_conditional_generator_are_held_against_its_samples(tmp_path: Path) -> None:
    digits = Digits(side=16).load(device=torch.device("cpu"), dtype=torch.float32).truth
    assert isinstance(digits, ImageTruth)
    assert digits.labels is not None
    rule = replace(IMAGE_RULE, name="obedient", label_accuracy_min=0.9)
    options = {"data": "digits", "samples": 256, "show": False, "rule": rule}
    order = torch.randperm(1_797, generator=torch.Generator().manual_seed(0))
    for seed, turn in ((0, 0), (1, 1)):
        with recorder(tmp_path, seed, **options) as own:
            own.report(0, samples=torch.rand(256, 1, 16, 16) * 2 - 1, labels=digits.labels[:256])
            for step in range(1, 4):
                now = order[256 * step :][:300]
                own.report(step, samples=digits.images[now], labels=(digits.labels[now].numpy() + turn) % 10)
    launch = study.load(own.root)
    right, turned = (launch.trace(0, seed).iloc[-1] for seed in (0, 1))
    assert right.label_accuracy > 0.9
    assert turned.label_accuracy < 0.1
    assert right.class_diversity == pytest.approx(1, abs=0.15)
    assert turned.class_diversity < right.class_diversity + 0.1
    assert [record.outcome.value for record in launch.replicas] == ["converged", "not_learned"]
    with pytest.warns(match="its outcome is undecided"), recorder(tmp_path, 2, **options) as own:  # noqa: PT031
        own.report(0, samples=digits.images[:256], labels=digits.labels[:256])
        for sentence, given in {
            "labels must be given at every report or at none, got none": {},
            "labels must be whole numbers in [0, 9], got 10 to 10": {"labels": np.full(256, 10)},
            "labels must be [N], one for each of the 256 samples or more, got [3]": {"labels": [1, 2, 3]},
        }.items():
            with pytest.raises(ValueError, match=re.escape(sentence)):
                own.report(1, samples=digits.images[:256], **given)


def test_labels_of_points_are_refused(tmp_path: Path, quick: None) -> None:
    with pytest.raises(ValueError, match="labels must be left out: data have no classes to compare them with"):
        run(recorder(tmp_path), steps=(100,), labels=[0] * 512)


def test_points_that_are_an_array(tmp_path: Path, quick: None) -> None:
    real = ring(0, 1, count=2_000)
    angles = 2 * torch.pi * torch.arange(8) / 8
    options = {"data": real, "modes": torch.stack([angles.sin(), angles.cos()], 1)}
    run(recorder(tmp_path, 0, **options))
    run(recorder(tmp_path, 1, **options), std=0.3)
    assert list(outcomes(tmp_path).values()) == ["converged", "not_learned"]
    with pytest.raises(ValueError, match="data must be those of the launch"):
        run(recorder(tmp_path, 2, data=real[1:], modes=options["modes"]))
    assert study.load(tmp_path / "mine" / "recorded").samples(cell=0, seed=0).keys() == {0, 100, 200, 400}


_MANY = """
import sys
from pathlib import Path
from tests.study.recording.made_rings import recorder, run
for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 2):
    run(recorder(Path(sys.argv[1]), seed, cell={"lr": seed % 2}), seed)
print("ray" in sys.modules or "mlflow" in sys.modules)
"""


def test_several_processes_make_and_fill_one_launch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _MANY, str(tmp_path)]
    started = [subprocess.Popen([*command, str(2 * number)], stdout=subprocess.PIPE, text=True) for number in range(2)]
    said = [own.communicate(timeout=300)[0].strip() for own in started]
    assert [own.returncode for own in started] == [0, 0]
    assert said == ["False"] * 2
    assert len(outcomes(tmp_path)) == 4
    assert set(outcomes(tmp_path).values()) == {"converged"}
    store = Store(tmp_path / "mine" / "recorded")
    assert [check.name for check in verify(store) if check.differences] == []
    assert [path.name for path in store.root.parent.iterdir()] == ["recorded"]


def test_a_script_that_is_run_again_knows_which_seeds_have_ended(tmp_path: Path) -> None:
    def own(seed: int, lr: float = 0.1) -> study.Recorder:
        return study.Recorder(
            tmp_path, study="again", cell={"lr": lr}, seed=seed, data="ring", tracking_uri="none", show=False
        )

    assert not own(1).ended
    with own(1) as recorder:
        for step in range(4):
            recorder.report(step, samples=torch.rand(512, 2))
    interrupted = own(2)
    interrupted.__enter__()
    interrupted.report(0, samples=torch.rand(512, 2))
    interrupted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [own(1).ended, own(2).ended, own(3).ended, own(1, lr=0.2).ended] == [True, False, False, False]
