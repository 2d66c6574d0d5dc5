"""What a recorder is told wrongly: one sentence each, at once, and nothing that was reported is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import study
from study.recording import launch as launches
from study.recording.arrays import as_samples
from study.recording.given import given
from tests.study.recording.made_rings import STEPS, recorder, ring, run
from trainables.data import Digits, Ring

MODES = [[1.0, 0.0], [-1.0, 0.0]]
POINTS = np.repeat(np.array(MODES, dtype=np.float32), 400, axis=0)
POINTS += 0.01 * np.random.default_rng(0).standard_normal(POINTS.shape).astype(np.float32)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the page, which takes longer than all else."""
    monkeypatch.setattr(launches, "show", lambda store, tracker: "")


BETTER = study.Share(
    name="better",
    claim="it trains",
    source="a test",
    where={"lrr": "1"},
    outcomes=(study.Outcome.CONVERGED,),
    side="above",
    threshold=0.5,
)


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"study": "my gan"}, "study must be 1 to 100 letters"),
        ({"launch": ""}, "launch must be 1 to 100 letters"),
        ({"seed": 1.5}, "seed must be a whole number in [0, 2147483648], got 1.5 (study mine)"),
        ({"seed": True}, "seed must be a whole number in [0, 2147483648], got True (study mine)"),
        ({"seed": -1}, "seed must be a whole number in [0, 2147483648], got -1 (study mine)"),
        ({"steps": 0}, "steps must be a whole number in [1, 9007199254740992], got 0 (study mine)"),
        ({"samples": 1}, "samples must be a whole number in [2, 1000000], got 1 (study mine)"),
        ({"cell": [("lr", 1)]}, "cell must be settings by name, got [('lr', 1)] (study mine)"),
        ({"cell": {"lr": [1]}}, "lr of cell must be text, a number, a truth value or None, got [1] (study mine)"),
        ({"cell": {"lr": float("nan")}}, "lr of cell must be a finite number, got nan (study mine)"),
        ({"cell": {"learning rate": 1}}, "'settings.learning rate'"),
        ({"cell": {"opt": ""}}, "label of a level must not be blank (study mine)"),
        ({"value_range": (1, 0)}, "value_range must be two numbers (black, white), the smaller first, got (1, 0)"),
        ({"rule": "images"}, "rule must be an OutcomeRule, got 'images' (study mine)"),
        ({"hypotheses": ["better"]}, "hypotheses must be a list of Hypothesis, got ['better'] (study mine)"),
        (
            {"cell": {"lr": 1}, "hypotheses": [BETTER]},
            "hypothesis better must be about settings of cell (lr), got 'lrr': did you mean lr? (study mine)",
        ),
        (
            {"cell": {"lr": 1}, "contrasts": [study.Contrast(factor="opt", a="1", b="2")]},
            "a contrast must be about settings of cell (lr), got 'opt' (study mine)",
        ),
        ({"out": "s3://bucket"}, "--out must be a folder of this machine, got the address 's3://bucket'"),
    ],
)
def test_an_argument_that_does_not_fit(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    options = {"out": tmp_path, "seed": 0, **options}
    assert sentence in refused(lambda: recorder(**options))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": None}, "data must be a name such as ring, a data configuration, a folder of images, or an array of"),
        ({"data": "rnig"}, "got 'rnig': did you mean ring"),
        ({"data": Path("nothing")}, "got 'nothing'"),
        ({"data": object()}, "data must be an array of numbers, got object"),
        ({"data": ["a", "b"]}, "data must be an array of numbers, got values of type <U1"),
        ({"data": np.zeros(5)}, "data must be points [N, D] or images [N, C, H, W], got [5]"),
        ({"data": POINTS}, "modes must be given for points that are handed over, [M, D] centers: no rule can judge"),
        ({"data": POINTS, "modes": [1.0, 0.0]}, "modes must be [M, 2] centers, as data have, got [2]"),
        ({"data": POINTS, "modes": [*MODES, [9.0, 9.0]]}, "modes must each be nearest to some point of data, got none"),
        ({"data": POINTS, "modes": [*MODES, MODES[0]]}, "modes must each be nearest to some point of data, got none"),
        ({"data": POINTS.astype(int), "modes": MODES}, "data must be floats to be points, got int64"),
        ({"data": POINTS * np.nan, "modes": MODES}, "data and modes must be finite, got NaN or infinity"),
        ({"data": POINTS[:100], "modes": MODES[:1]}, "data must have 512 samples or more, as a report has (samples=)"),
        ({"data": "ring", "modes": MODES}, "modes must be left out unless data are points [N, D]"),
        ({"data": "ring", "labels": [0]}, "labels must be left out unless data are an array of images"),
        ({"data": np.zeros((600, 8, 8, 3), np.uint8)}, "got [600, 8, 8, 3]: move the channels to the second place"),
        ({"data": np.zeros((600, 1, 8, 9), np.uint8)}, "data must be square images [N, C, H, W] with C 1 or 3, got"),
        ({"data": np.zeros((600, 1, 8, 8))}, "data must lie in [-1, 1], got 0 to 0: give value_range=(black, white)"),
        ({"data": np.zeros((600, 1, 8, 8), int)}, "data must be floats or uint8, got int64: give value_range"),
        ({"data": 2 * np.ones((600, 1, 8, 8)), "value_range": (0, 1)}, "data must lie in [0, 1], got 2 to 2"),
        ({"data": np.zeros((600, 1, 8, 8), np.uint8), "labels": [1]}, "labels must be 600 classes 0, 1, ..., one for"),
    ],
)
def test_data_that_do_not_fit(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    said = refused(recorder(tmp_path, **options).__enter__)
    assert sentence in said
    assert said.endswith("(study mine)")
    assert not list(tmp_path.iterdir())


def test_data_that_no_rule_can_judge_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    blob = np.random.default_rng(0).standard_normal((1_000, 2)).astype(np.float32)
    said = refused(recorder(tmp_path, data=blob, modes=[[0.0, 0.0], [0.1, 0.0]]).__enter__)
    assert "This rule cannot judge these data" in said
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("step", "options", "sentence"),
    [
        (200, {}, "step must be above that of the last report, 200, got 200, which is reported already"),
        (100, {}, "step must be above that of the last report, 200, got 100, which comes after step 200"),
        (2.5, {}, "step must be a whole number in [0, 9007199254740992], got 2.5"),
        (501, {}, "step must be at most 500, the last one (steps=), got 501"),
        (300, {"samples": torch.zeros(512, 3)}, "samples must be [N, 2], as the real ones, got [512, 3]"),
        (300, {"samples": torch.zeros(512)}, "samples must be [N, 2], as the real ones, got [512]"),
        (300, {"samples": torch.zeros(511, 2)}, "samples must be 512 or more at each report, got 511: set samples to"),
        (300, {"samples": torch.zeros(512, 2, dtype=torch.int64)}, "samples must be floats to be points, got int64"),
        (
            300,
            {"samples": torch.zeros(512, 2, dtype=torch.bool)},
            "samples must be an array of numbers, got values of type bool",
        ),
        (300, {"samples": None}, "samples must be an array of numbers, got NoneType"),
        (300, {"d_loss": None}, "d_loss must be a number, got None"),
        (300, {"d_loss": "0.5"}, "d_loss must be a number, got '0.5'"),
        (300, {"d_loss": torch.zeros(3)}, "d_loss must be one number, got [3]"),
        (300, {"g_loss": 0.5}, "g_loss must be given at every report after step 0, and is new at this one"),
        (300, {"diversity": 0.5}, "diversity must be given at every report after step 0, and is new at this one"),
    ],
)
def test_a_report_that_does_not_fit_loses_nothing(
    tmp_path: Path, step: Any, options: dict[str, Any], sentence: str
) -> None:
    with recorder(tmp_path, steps=500) as own:
        for due in (0, 100, 200):
            own.report(due, samples=ring(0, due), **({"d_loss": 0.5} if due else {}))
        said = refused(lambda: own.report(step, **{"samples": ring(0, 300), "d_loss": 0.5, **options}))
        own.report(300, samples=ring(0, 300), d_loss=0.5)
        own.report(500, samples=ring(0, 500), d_loss=0.5)
    assert said.startswith(sentence)
    assert said.endswith(f"(study mine, step {step})")
    assert study.load(own.root).trace(cell=0, seed=0).step.tolist() == [0, 100, 200, 300, 500]


def test_a_number_that_is_missing_or_called_like_a_measurement(tmp_path: Path) -> None:
    with recorder(tmp_path) as own:
        own.report(0, samples=ring(0, 0))
        assert "diversity must have another name: a measurement is called so" in refused(
            lambda: own.report(100, samples=ring(0, 100), diversity=1.0)
        )
        own.report(100, samples=ring(0, 100), d_loss=1.0)
        assert "d_loss must be given at every report after step 0, got none at this one" in refused(
            lambda: own.report(200, samples=ring(0, 200))
        )
        for step in (200, 300):
            own.report(step, samples=ring(0, step), d_loss=1.0)
    assert study.load(own.root).records.outcome.tolist() == ["converged"]


def test_a_recorder_that_is_not_open(tmp_path: Path) -> None:
    own = recorder(tmp_path)
    assert "a recorder must be open to report" in refused(lambda: own.report(0, samples=ring(0, 0)))
    with own:
        assert "a recorder must be entered once" in refused(own.__enter__)
        own.report(0, samples=ring(0, 0))
        for step in STEPS[1:]:
            own.report(step, samples=ring(0, step))


def test_a_loop_that_reports_nothing(tmp_path: Path) -> None:
    own = recorder(tmp_path)
    own.__enter__()
    assert "a loop must report before the recorder is left" in refused(lambda: own.__exit__(None, None, None))


def test_a_seed_twice(tmp_path: Path) -> None:
    run(recorder(tmp_path, cell={"lr": 1}))
    said = refused(recorder(tmp_path, cell={"lr": 1}).__enter__)
    assert said.startswith("seed 0 of cell lr=1 must not be recorded twice, and has ended in ")
    run(recorder(tmp_path, cell={"lr": 2}))
    with recorder(tmp_path, 1, cell={"lr": 1}) as own:
        said = refused(recorder(tmp_path, 1, cell={"lr": 1}).__enter__)
        assert said.startswith("seed 1 of cell lr=1 must be recorded by one process: ")
        for step in STEPS:
            own.report(step, samples=ring(1, step))
    assert len(study.load(own.root).records) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": Ring(modes=5)}, "data must be those of the launch "),
        ({"samples": 256}, "samples must be 512, as in the launch "),
        ({"rule": study.OutcomeRule(name="own", coverage_min=0.5, quality_min=0.5)}, "rule.name must be modes, as in"),
        ({"question": "why?"}, "question must be How often does mine train?, as in the launch "),
        ({"contrasts": [study.Contrast(factor="lr", a="1", b="2")]}, "contrasts must be "),
        ({"cell": {"lr": 1, "beta": 2}}, "cell must name lr, as the cells of the launch "),
        ({"cell": {}}, "cell must name lr, as the cells of the launch "),
        ({"cell": {"lr": 1}, "steps": 9}, "steps must be left out, as for the other seeds of cell lr=1 in "),
    ],
)
def test_another_launch_than_the_one_that_is_there(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    run(recorder(tmp_path, cell={"lr": 1}))
    said = refused(recorder(tmp_path, 1, **{"cell": {"lr": 2}, **options}).__enter__)
    assert said.startswith(sentence)
    assert len(study.load(tmp_path / "mine" / "recorded").records) == 1
    run(recorder(tmp_path, 1, **{"cell": {"lr": 2}, **options, "launch": "another"}), steps=(0, 3, 6, 9))


def test_a_launch_that_was_trained_here(tmp_path: Path) -> None:
    plan = study.plan("dirac", "smoke", seeds=1)
    launches.Store(tmp_path / plan.study / plan.launch).write_plan(plan)
    said = refused(recorder(tmp_path, study="dirac", launch=plan.launch).__enter__)
    assert said.startswith("launch must be one that study.Recorder made, got ")


@pytest.mark.parametrize(
    ("samples", "options", "sentence"),
    [
        (torch.zeros(9, 1, 8, 8), {}, "samples must lie in [-1, 1], got 0 to 0: give value_range=(black, white)"),
        (
            torch.zeros(9, 1, 8, 8, dtype=torch.int32),
            {},
            "samples must be floats or uint8, got int32: give value_range",
        ),
        (torch.zeros(9, 3, 8, 8), {}, "samples must be [N, 1, 8, 8], as the real ones, got [9, 3, 8, 8]"),
    ],
)
def test_images_that_do_not_fit(samples: torch.Tensor, options: dict[str, Any], sentence: str) -> None:
    assert refused(lambda: as_samples(samples, (1, 8, 8), 9, None, first=True)).startswith(sentence)


def test_images_of_any_range_are_the_same_samples() -> None:
    black_white = torch.tensor([0.0, 1.0]).repeat(32).view(1, 1, 8, 8).repeat(9, 1, 1, 1)
    due = 2 * black_white - 1
    for value_range, samples in {
        None: due,
        (0.0, 1.0): black_white,
        (0.0, 255.0): 255 * black_white,
        (-1.0, 1.0): (255 * black_white).to(torch.uint8),
    }.items():
        found = as_samples(samples, (1, 8, 8), 9, value_range, first=True)
        assert torch.equal(found, due)
    assert torch.equal(as_samples(due[:, 0].numpy(), (1, 8, 8), 4, None, first=True), due[:4])


def test_data_come_by_name_configuration_and_array() -> None:
    options: dict[str, Any] = {"modes": None, "labels": None, "value_range": None}
    assert given("ring", **options).config == Ring() == given(Ring(), **options).config
    images = Digits(side=8).load(device=torch.device("cpu"), dtype=torch.float32).truth.images  # type: ignore[union-attr]
    same = [
        given(own, **options).source.digest
        for own in (images, images.numpy(), images[:, 0], images.double() / 127.5 - 1)
    ]
    assert len(set(same)) == 1
    scaled = given(images.float() / 255, **{**options, "value_range": (0, 1)})
    assert scaled.source.digest == same[0]
