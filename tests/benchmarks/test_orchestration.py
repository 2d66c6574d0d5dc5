"""The benchmark of what a launch costs besides its training runs, and its figures are those of the launch."""

import json
import math
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from benchmarks.orchestration.__main__ import main
from benchmarks.orchestration.profile import Sampler
from benchmarks.orchestration.shapes import SHAPES


@pytest.mark.ray
@pytest.mark.slow
def test_a_tiny_launch_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, profiles = tmp_path / "results.json", tmp_path / "profiles"
    main(["--blocks", "2", "--tracker", "mlflow", "--out", str(results), "--profile", str(profiles), "--afterwards"])
    (launch,) = json.loads(results.read_text("utf-8"))["launches"]
    assert (launch["shape"], launch["tracker"], launch["blocks"], launch["finished"]) == ("tiny", "mlflow", 2, 2)
    figures = {name: value for name, value in launch.items() if isinstance(value, float)}
    assert len(figures) == 12
    assert all(math.isfinite(value) and value > 0 for value in figures.values()), figures
    phases = sum(launch[name] for name in ("before_training", "training_phase", "after_training"))
    assert phases == pytest.approx(launch["driver_cpu_seconds"])
    assert launch["worker_cpu_seconds"] > launch["training_seconds"] / 10
    assert [*launch["afterwards"]] == ["report", "verify", "resume"]
    assert all(one["seconds"] > 0 and one["rss_mb"] > 50 for one in launch["afterwards"].values())
    assert capsys.readouterr().out.count("| tiny | 2 | mlflow |") == 2
    (stacks,) = profiles.iterdir()
    assert "study.scheduling.ray_driver.run" in stacks.read_text("utf-8")


@pytest.mark.parametrize(("shape", "replicas"), [("tiny", 1), ("ring", 3)])
@pytest.mark.parametrize("blocks", [1, 2, 100])
def test_a_shape_has_the_blocks_that_it_is_asked_for(shape: str, replicas: int, blocks: int) -> None:
    plan = SHAPES[shape](blocks, 200)
    found = plan.blocks()
    assert blocks <= len(found) < 2 * blocks
    assert {len(block.seeds) for block in found} == {replicas}
    assert {cell.config.steps for cell in plan.cells} == {200}


def test_no_blocks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--blocks", "0"])
    assert ended.value.code == 2
    assert "--blocks must be > 0, got 0" in capsys.readouterr().err


def test_a_profile_weighs_threads_by_the_time_of_their_processors(tmp_path: Path) -> None:
    def busy() -> None:
        while time.thread_time() < 0.5:
            pass

    sampler = Sampler()
    threads = [Thread(target=busy, name="works"), Thread(target=time.sleep, args=(0.3,), name="sleeps")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sampler.write(tmp_path / "stacks.txt")
    lines = [line.rpartition(" ") for line in (tmp_path / "stacks.txt").read_text("utf-8").splitlines()]
    seconds: dict[str, Any] = {}
    for stack, _, value in lines:
        name = stack.partition(";")[0]
        seconds[name] = seconds.get(name, 0.0) + float(value)
    assert 0.2 < seconds["works"] < 0.6
    assert seconds.get("sleeps", 0.0) < 0.1
