"""Processes that are stopped (SIGSTOP), as on a machine that is suspended, and go on later (SIGCONT)."""

import signal
import time
from pathlib import Path

import pytest

from study.storage.store import Store
from tests.study.cli import made_disturbed as made

SECONDS = 6.0
"""How long each process stands still; 60 s were tried by hand."""


@pytest.mark.slow
@pytest.mark.ray
def test_a_launch_whose_worker_and_driver_were_stopped_ends_as_if_nothing_had_been(
    undisturbed: Store, tmp_path: Path
) -> None:
    with made.Started(tmp_path / "log", "run", *made.CLIP, "--out", tmp_path / "runs") as launch:
        launch.wait_for(lambda: made.checkpoints(tmp_path / "runs") and launch.workers())
        for process in (launch.workers()[0], launch.process):
            process.send_signal(signal.SIGSTOP)
            time.sleep(SECONDS)
            process.send_signal(signal.SIGCONT)
        assert launch.wait() == 0, launch.said
    assert "crashed" not in launch.said
    assert "Traceback" not in launch.said
    assert made.differences(made.only_launch(tmp_path / "runs"), undisturbed) == made.NONE
