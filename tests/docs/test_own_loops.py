"""The scripts of the page on loops of one's own run as they stand, shorter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import study
from tests.docs import pages

PAGE = pages.DOCS / "howto" / "own_loops.md"
SCRIPTS = {block.title: block.text for block in pages.blocks(PAGE) if block.title}


def run(folder: Path, title: str) -> None:
    """Run a script of the page with 40 steps and one seed, without tracking."""
    text = SCRIPTS[title]
    for whole, short in (("STEPS = 2_000", "STEPS = 40"), ("seed in range(5)", "seed in range(1)")):
        assert text.count(whole) == 1
        text = text.replace(whole, short)
    (folder / title).write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, title], cwd=folder, capture_output=True, text=True, timeout=600,
        env={**os.environ, "MLFLOW_TRACKING_URI": "none"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_the_plain_loop(tmp_path: Path) -> None:
    run(tmp_path, "wgan_gp.py")
    launch = study.load(tmp_path / "runs" / "my-wgan" / "recorded")
    assert [(own.cell_name, own.status.value, own.steps) for own in launch.replicas] == [
        ("lr=0.0001", "finished", 40),
        ("lr=0.001", "finished", 40),
    ]
    trace = launch.trace(cell=1, seed=0)
    assert trace.step.tolist() == list(range(0, 41, 2))
    assert trace[["d_loss", "g_loss"]][1:].notna().all(axis=None)


@pytest.mark.slow
def test_the_lightning_loop(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    run(tmp_path, "lightning_gan.py")
    launch = study.load(tmp_path / "runs" / "my-lightning-gan" / "recorded")
    assert launch.trace(cell=0, seed=0).step.tolist() == list(range(0, 41, 2))
    assert "lightning" in launch.replicas[0].versions


def test_the_claim_is_one() -> None:
    (text,) = (block.text for block in pages.blocks(PAGE) if "claims = [" in block.text)
    names: dict[str, object] = {"study": study}
    exec(text.partition("with study.Recorder")[0], names)
    (claim,) = names["claims"]  # type: ignore[misc]
    assert isinstance(claim, study.MoreSuccess)
