"""What the page of recorded trainings says that it cannot know."""

from pathlib import Path

import pytest

import study
from study.recording import launch as launches
from study.report.views import RecordedView, view_of
from tests.study.recording.made_rings import fail, recorder, run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches, "show", lambda store, tracker: "")


def unknown(out: Path) -> str:
    view = view_of(study.load(out / "mine" / "recorded"))
    assert isinstance(view, RecordedView)
    return " ".join(view.unknown)


def test_trainings_that_are_alike_have_no_sentences_of_their_own(tmp_path: Path) -> None:
    for lr in (1, 2):
        run(recorder(tmp_path, cell={"lr": lr}))
    said = unknown(tmp_path)
    assert "is in no digest" in said
    assert not any(own in said for own in ("were trained for", "at step 0", "ran again", "not run on the same seeds"))
    view = view_of(study.load(tmp_path / "mine" / "recorded"))
    assert (dict(view.steps), [name for name, _ in view.facts]) == ({400: 2}, ["Seeds"])


def test_what_differs_is_said(tmp_path: Path) -> None:
    run(recorder(tmp_path, cell={"lr": 1}))
    run(recorder(tmp_path, 1, cell={"lr": 1}), 1, steps=(100, 200, 300))
    with pytest.raises(KeyboardInterrupt):
        fail(recorder(tmp_path, 0, cell={"lr": 2}), KeyboardInterrupt(), 9)
    with pytest.warns(RuntimeWarning, match="3 rows"):
        run(recorder(tmp_path, 0, cell={"lr": 2}))
    with pytest.raises(RuntimeError):
        fail(recorder(tmp_path, 1, cell={"lr": 2}), RuntimeError("no more"))
    said = unknown(tmp_path)
    assert "1 loop crashed with finite numbers and is in no rate" in said
    assert "Replicas were trained for 300 to 400 steps" in said
    assert "1 replica of 3 reported nothing at step 0" in said
    assert "1 replica ran again after an interruption and reported other samples than before, by which 3 rows" in said
    assert "The cells were not run on the same seeds" not in said


def test_cells_with_other_seeds_are_said_to_have_them(tmp_path: Path) -> None:
    for seed, lr in ((0, 1), (1, 1), (0, 2)):
        run(recorder(tmp_path, seed, cell={"lr": lr}), seed)
    assert "The cells were not run on the same seeds (lr=1 2 seeds and lr=2 1 seed)" in unknown(tmp_path)
