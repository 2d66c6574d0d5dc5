import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import study
from study import execution, tracking
from study.api import running
from study.execution import Result
from study.scheduling.observer import Observer
from study.storage.store import Store
from study.terminal.progress import Terminal
from study.tracking import MlflowTracker, NullTracker


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, trained_once: Store) -> Callable[..., list[Any]]:
    """Make the next run or resume end at once in some way; what it was called with is in the list returned."""

    def made(*, interrupted: bool = False, crashes: dict[str, str] | None = None) -> list[Any]:
        calls: list[Any] = []
        result = Result(
            records=trained_once.records(), summaries=(), crashes=crashes or {}, interrupted=interrupted, shown=True,
            report=trained_once.report_path,
        )  # fmt: skip

        def go(*arguments: Any) -> Result:
            calls.extend(arguments)
            return result

        monkeypatch.setattr(execution, "start", go)
        monkeypatch.setattr(execution, "resume", go)
        return calls

    return made


def test_what_crashed_is_a_warning_and_the_launch_is_returned(
    ended: Callable[..., list[Any]], trained_once: Store
) -> None:
    ended(crashes={"c000-b000": "out of memory"})
    with pytest.warns(RuntimeWarning, match="block c000-b000 crashed: out of memory"):
        launch = study.resume(trained_once.root, tracking_uri="none")
    assert launch.store.root == trained_once.root


def test_an_interruption_says_how_to_go_on(ended: Callable[..., list[Any]], trained_once: Store) -> None:
    ended(interrupted=True)
    with pytest.raises(KeyboardInterrupt, match=r"go on with study\.resume"):
        study.resume(study.load(trained_once.root), tracking_uri="none")


def test_a_run_is_silent_and_tells_its_observers(ended: Callable[..., list[Any]], trained_once: Store) -> None:
    observer = Observer()
    calls = ended()
    study.resume(trained_once.root, tracking_uri="none", observers=[observer])
    assert calls[3][0] is observer
    assert bars_of(calls) == 0
    calls = ended()
    study.resume(trained_once.root, tracking_uri="none", observers=[observer], progress=True)
    assert bars_of(calls) == 1


def bars_of(calls: list[Any]) -> int:
    return sum(isinstance(observer, Terminal) for observer in calls[3])


def test_what_an_observer_is_warned_of_is_a_warning(ended: Callable[..., list[Any]], trained_once: Store) -> None:
    calls = ended()
    study.resume(trained_once.root, tracking_uri="none")
    with pytest.warns(RuntimeWarning, match="^a trace is damaged$"):
        calls[3][-1].warned("a trace is damaged")


class _Shell:
    def __init__(self, config: dict[str, object]) -> None:
        self.config = config


@pytest.mark.parametrize(("config", "bars"), [({"IPKernelApp": {}}, 1), ({}, 0)])
def test_a_notebook_gets_a_progress_bar(
    config: dict[str, object],
    bars: int,
    ended: Callable[..., list[Any]],
    trained_once: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = type(sys)("IPython")
    module.get_ipython = lambda: _Shell(config)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    calls = ended()
    study.resume(trained_once.root, tracking_uri="none")
    assert bars_of(calls) == bars


def test_a_tracker_is_mlflow_in_the_folder_unless_none_is_wanted(tmp_path: Path) -> None:
    assert isinstance(tracking.tracker_at(tmp_path, "none"), NullTracker)
    assert isinstance(tracking.tracker_at(tmp_path, None), MlflowTracker)


def test_only_a_search_is_shown_to_a_dashboard(tmp_path: Path) -> None:
    assert running.mirror_at(tmp_path, None, study.plan("mixture-modes", "smoke")) is None
    search = study.plan_search("wgan-clip", on="ring", budget="10blocks")
    assert running.mirror_at(tmp_path, "none", search) is not None
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="--out must be a writable folder"):
        running.mirror_at(tmp_path / "file" / "runs", None, search)


def test_a_share_that_cannot_be_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cpus-per-block must be > 0"):
        study.run(study.plan("mixture-modes", "smoke"), out=tmp_path / "runs", cpus_per_block=0)
    assert not (tmp_path / "runs").exists()
