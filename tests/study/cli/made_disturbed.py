"""Launches that a test disturbs: started as a user starts them, and held against the same launch undisturbed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from ray._private.utils import psutil

from study.storage.records import Record
from study.storage.store import Store

SETTINGS = {"steps": 300, "batch_size": 32, "evaluation.every": 20, "evaluation.samples": 256, "updates.d_steps": 1}
CLIP = ("wgan-clip", "--profile", "smoke", *(f"--set={name}={value}" for name, value in SETTINGS.items()),
        "--tracking-uri", "none")  # fmt: skip
"""Four blocks of two replicas, each with a checkpoint after every fifth report."""
BLOCKS = 4


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "study", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", **changes}


def study(*arguments: str | Path, before: Sequence[str] = (), **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ``before`` is what it is started by, such as ``faketime``."""
    return subprocess.run(
        [*before, *command(*arguments)], env=environment(**changes), capture_output=True, text=True, timeout=300
    )


class Started:
    """``study`` as a process that goes on beside the test, and no longer than the ``with`` block."""

    def __init__(self, log: Path, *arguments: str | Path, before: Sequence[str] = (), **changes: str) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [*before, *command(*arguments)], stdout=out, stderr=out, env=environment(**changes)
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, holds: Callable[[], object], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def wait(self) -> int:
        return self.process.wait(timeout=300)

    def kill(self) -> None:
        """End the driver by SIGKILL, and Ray, also where another command has started it and stayed."""
        for process in [*self._family(), self.process]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def _family(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def workers(self) -> list[psutil.Process]:
        """Return the processes that train blocks."""
        found = []
        for process in self._family():
            with suppress(psutil.Error):
                line = process.cmdline()
                if line and line[0].startswith("ray::") and "Trainable" in line[0]:
                    found.append(process)
        return found


def only_launch(out: Path) -> Store:
    (spec,) = out.glob("*/*/spec.json")
    return Store(spec.parent)


def traces(out: Path) -> list[Path]:
    return [*out.glob("*/*/traces/*/*.parquet")]


def checkpoints(out: Path) -> list[Path]:
    return [*out.glob("*/*/checkpoints/*.pt")]


def differences(disturbed: Store, undisturbed: Store) -> Mapping[str, int]:
    """Count what a launch lacks of another one, has twice, or has otherwise."""
    mine, theirs = disturbed.records(), undisturbed.records()
    seeds, wanted = (Counter((row.cell, row.seed) for row in rows) for rows in (mine, theirs))
    blocks = undisturbed.plan().blocks()
    return {
        "replicas lost": (wanted - seeds).total(),
        "replicas doubled": (seeds - wanted).total(),
        "records otherwise": sum(
            one != other for one, other in zip(map(_same, mine), map(_same, theirs), strict=False)
        ),
        "traces otherwise": sum(_rows(disturbed, block) != _rows(undisturbed, block) for block in blocks),
        "files unfinished": sum(1 for _ in disturbed.root.rglob("*.part")),
    }


NONE = {"replicas lost": 0, "replicas doubled": 0, "records otherwise": 0, "traces otherwise": 0, "files unfinished": 0}


def _same(record: Record) -> Record:
    """A record without what names its launch and the time that it took."""
    return replace(record, launch="", plan="", seconds=0.0)


def _rows(store: Store, block: object) -> str:
    trace = store.trace(block)  # type: ignore[arg-type]
    return "" if trace is None else repr(trace.rows)  # as text: NaN is not equal to itself
