"""What the trainable keeps of a block's networks: before the trace, of the best report and the last, also on resume."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.test_tune_trainable import CONFIG, SEEDS, halt, run, task, trainable
from trainables import trace, weights
from trainables.config import digest
from trainables.tune_trainable import BlockTask
from trainables.weights import Keep


def diversity(start: Mapping[str, Any], row: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[int, float]:
    assert len(reference["mode_weights"]) == 8
    return 0, row["diversity"] - start["diversity"]


def keeping(folder: Path, **changes: Any) -> BlockTask:
    own = task(folder, dataclasses.replace(CONFIG, **changes))
    return dataclasses.replace(own, keep=Keep(folder=folder / "weights", last=True, score=diversity, rule="diversity"))


def everything(own: BlockTask) -> dict[str, Any]:
    """Step and values of all kept networks."""
    assert own.keep is not None
    found = {}
    for seed in SEEDS:
        for which in weights.WHICH:
            kept = weights.read(own.keep.folder / f"seed={seed}", which)
            values = {name: {k: v.tolist() for k, v in kept.tensors(name).items()} for name in kept.names}
            found[seed, which] = (kept.about["step"], kept.about["chosen"] if which == "best" else None, values)
    return found


def test_the_last_and_the_best_networks_are_kept_and_described(tmp_path: Path) -> None:
    own = keeping(tmp_path)
    run(trainable(own))
    rows = trace.read(own.trace).rows
    for seed in SEEDS:
        best = max((row for row in rows if row["seed"] == seed and row["step"]), key=lambda row: row["diversity"])
        kept = {which: weights.read(tmp_path / "weights" / f"seed={seed}", which) for which in weights.WHICH}
        assert (kept["last"].about["step"], kept["best"].about["step"]) == (10, best["step"])
        for which, about in ((which, one.about) for which, one in kept.items()):
            expected = {"which": which, "seed": seed, "stream": seed, "digest": digest(CONFIG), "launch": "test"}
            assert {name: about[name] for name in expected} == expected
            assert about["config"]["batch_size"] == 8
        norm = torch.stack([value.square().sum() for value in kept["last"].tensors("generator").values()]).sum().sqrt()
        (row,) = [row for row in rows if (row["seed"], row["step"]) == (seed, 10)]
        assert norm.item() == pytest.approx(row["g_param_norm"], rel=1e-5)


def test_a_resumed_block_keeps_the_same_networks(tmp_path: Path) -> None:
    whole, parted = keeping(tmp_path / "whole", steps=30), keeping(tmp_path / "parted", steps=30)
    run(trainable(whole))
    first = trainable(parted)
    for _ in range(6):
        first.train()
    assert not (tmp_path / "parted" / "weights").exists(), "an unfinished block has a checkpoint"
    run(trainable(parted))
    assert everything(parted) == everything(whole)
    assert any(step < 20 for step, _, _ in everything(whole).values()), "the best before the checkpoint"


def test_a_halted_block_keeps_what_it_has(tmp_path: Path) -> None:
    own = keeping(tmp_path)
    block = trainable(own)
    block.train()
    halt(own)
    block.train()
    assert {step for (_, which), (step, _, _) in everything(own).items() if which == "last"} == {9}


def test_a_block_whose_networks_cannot_be_written_is_not_complete(tmp_path: Path) -> None:
    own = keeping(tmp_path)
    (tmp_path / "weights").write_text("in the way")
    with pytest.raises(OSError, match="weights"):
        run(trainable(own))
    assert not own.trace.exists()
