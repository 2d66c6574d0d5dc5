"""Launches whose training stands still: once, so that the block is trained on, or each time, so that it is given up."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from study.storage.records import Status
from study.storage.store import Store
from tests.made_plugins import HEAD
from trainables.watchdog import SECONDS, sentence

SLEEPY = f"""{HEAD}
import os
import time
from pathlib import Path

LEFT = Path(os.environ["TIMES_TO_SLEEP"])


@plugins.objective
@dataclass(frozen=True, kw_only=True)
class Sleepy:
    '''d = E[(D(x) - 1)^2] + E[D(G(z))^2], g = E[(D(G(z)) - 1)^2]; waits forever as often as a file has lines.'''

    kind: Literal["sleepy"] = "sleepy"
    source: ClassVar[str] = "ours"

    def d_loss(self, real, fake):
        lines = LEFT.read_text().splitlines()
        if lines:
            LEFT.write_text("\\n".join(lines[1:]))
            time.sleep(600)
        return ((real - 1) ** 2).mean(-1) + (fake**2).mean(-1)

    def g_loss(self, fake):
        return ((fake - 1) ** 2).mean(-1)
"""


def run(tmp_path: Path, sleeps: int) -> tuple[subprocess.CompletedProcess[str], Store, list[str]]:
    """A launch whose first so many losses never return: how it ended, its folder, and its replicas' statuses."""
    plugin, left = tmp_path / "sleepy.py", tmp_path / "left"
    plugin.write_text(SLEEPY, "utf-8")
    left.write_text("\n".join(["sleep"] * sleeps), "utf-8")
    options = ["--profile", "smoke", "--set", "objective.kind=sleepy", "--seeds", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "study", "run", "wgan-clip", *options, "--plugin", str(plugin), "--tracking-uri", "none",
         "--out", str(tmp_path / "runs"), "--cpus-per-block", str(os.cpu_count())],
        env={**os.environ, SECONDS: "6", "TIMES_TO_SLEEP": str(left), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode < 2, done.stderr
    (spec,) = (tmp_path / "runs").glob("*/*/spec.json")
    store = Store(spec.parent)  # whose plan cannot be read here, without the plugin
    return done, store, pyarrow.parquet.read_table(store.records_path)["status"].to_pylist()


@pytest.mark.slow
@pytest.mark.ray
def test_a_block_that_stands_still_once_is_trained_on(tmp_path: Path) -> None:
    done, store, statuses = run(tmp_path, sleeps=1)
    assert done.returncode == 0, done.stderr
    assert statuses == [Status.FINISHED.value] * 8
    assert not store.checkpoints_path.exists()


@pytest.mark.slow
@pytest.mark.ray
def test_a_block_that_always_stands_still_is_given_up_and_said_why(tmp_path: Path) -> None:
    done, store, statuses = run(tmp_path, sleeps=3)  # as often as a block is tried
    assert done.returncode == 1, done.stderr
    assert sorted(statuses) == [Status.CRASHED.value] * 2 + [Status.FINISHED.value] * 6
    said = " ".join(done.stderr.split())
    assert f"crashed: {sentence(6)}; where it stood: {store.root}" in said
    (told,) = store.checkpoints_path.glob("*.hung.txt")
    assert "in d_loss" in told.read_text("utf-8")
