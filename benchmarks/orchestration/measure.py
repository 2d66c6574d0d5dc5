"""One launch, measured from outside: CPU seconds of its driver, of Ray's own processes and of the workers."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import ray  # noqa: F401  # puts its copy of psutil on the path

import psutil  # isort: skip

_SECONDS = 0.25
"""Between two looks; what a process uses between the last one and its end is not seen."""
AFTERWARDS = ("report", "verify", "resume")
"""Commands that read a whole launch, the last of which finds nothing to train."""


def measured(
    shape: str, blocks: int, tracker: str, steps: int | None, folder: Path, profile: Path | None = None
) -> dict[str, Any]:
    """Run a launch in a folder and return what it took.

    Returns:
        What was launched, and its figures: ``driver_cpu_seconds`` (of these ``training_phase`` while blocks were handed
        out), ``ray_cpu_seconds`` (raylet, GCS, agents), ``worker_cpu_seconds``, ``training_seconds`` (those that the
        records have), ``wall_seconds``, ``driver_rss_mb`` at most, and per block ``driver_ms_per_block`` and
        ``wall_ms_per_block`` of that phase.

    Raises:
        RuntimeError: if the launch failed.
    """
    command = [sys.executable, "-m", "benchmarks.orchestration.drive", "--shape", shape, "--blocks", str(blocks)]
    command += ["--tracker", tracker, "--out", str(folder)]
    command += [] if steps is None else ["--steps", str(steps)]
    command += [] if profile is None else ["--profile", str(profile)]
    began = time.monotonic()
    with (
        (folder / "said.txt").open("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        used = _used_below(process)
        output = process.stdout.read() if process.stdout else ""
        if process.wait():
            said.seek(0)
            raise RuntimeError(f"the launch failed: {said.read()[-2_000:]}")
    wall = time.monotonic() - began
    own: dict[str, Any] = json.loads(output.splitlines()[-1])
    times = own.pop("at")
    cpu_began, (cpu_ended, ended_at) = times["began"][0], times["ended"]
    return {
        "shape": shape,
        "tracker": tracker,
        **own,
        "training_phase": cpu_ended - cpu_began,
        "before_training": cpu_began,
        "after_training": own["driver_cpu_seconds"] - cpu_ended,
        "ray_cpu_seconds": used["ray"],
        "worker_cpu_seconds": used["worker"],
        "wall_seconds": wall,
        "wall_besides_blocks": wall - (ended_at - times["started"][1]),
        "driver_ms_per_block": 1_000 * (cpu_ended - cpu_began) / own["blocks"],
        "wall_ms_per_block": 1_000 * (ended_at - times["first"][1]) / max(1, own["blocks"] - 1),
    }


def afterwards(launch: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Return by command the seconds that it takes with an ended launch, and its memory at most, in MB.

    Args:
        launch: the launch's folder.
        folder: where the commands' words are kept.

    Raises:
        RuntimeError: if one fails.
    """
    return {name: _taken(name, launch, folder / f"{name}.txt") for name in AFTERWARDS}


def _taken(name: str, launch: Path, said: Path) -> dict[str, float]:
    options = ["--tracking-uri", "none"] if name == "resume" else []
    began = time.monotonic()
    with said.open("w") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "study", name, str(launch), *options], stdout=words, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"study {name} failed: {said.read_text('utf-8')[-2_000:]}")
    per_mb = 1024 * (1024 if sys.platform == "darwin" else 1)
    return {"seconds": time.monotonic() - began, "rss_mb": used.ru_maxrss / per_mb}


def _used_below(process: "subprocess.Popen[str]") -> Counter[str]:
    """Wait until a driver ends; return the CPU seconds of the processes below it, by ``ray`` and ``worker``."""
    seen: dict[tuple[int, float], tuple[str, float]] = {}
    top = psutil.Process(process.pid)
    while process.poll() is None:
        for each in _below(top):
            try:
                times = each.cpu_times()
                key = (each.pid, each.create_time())
                known = seen.get(key, ("", 0.0))[0]  # a worker's command becomes a title, and in the end nothing
                works = known == "worker" or any("ray::" in word or "default_worker" in word for word in each.cmdline())
                kind = "worker" if works else "ray"
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            seen[key] = (kind, times.user + times.system)
        time.sleep(_SECONDS)
    found: Counter[str] = Counter()
    for kind, seconds in seen.values():
        found[kind] += seconds
    return found


def _below(top: psutil.Process) -> list[psutil.Process]:
    try:
        return top.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
