"""The trainable by itself, without a cluster: rows, trace, pictures, checkpoints and doing nothing twice."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.made_damage import read_with_a_flipped_bit
from trainables import states, trace
from trainables.config import Evaluation, GanConfig, Latent, digest
from trainables.data import ImageFolder, Ring
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.norm import RunningStatistics
from trainables.optim import Adam, Sgd
from trainables.reporting import report_steps
from trainables.streams import EDITION
from trainables.tune_trainable import BlockTask, BlockTrainable, check_same_data, packed, stored_trace
from trainables.versions import kin

SEEDS = (4, 8, 15)
STEPS = (0, 3, 9, 10)
"""Where the configuration below is measured."""
CONFIG = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(8,)),
    discriminator=Mlp(hidden=(8,)),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    batch_size=8,
    steps=10,
    evaluation=Evaluation(every=4, samples=16),
)


def task(folder: Path, config: GanConfig = CONFIG, name: str = "c000-b000") -> BlockTask:
    return BlockTask(
        name=name,
        config=config,
        seeds=SEEDS,
        first=5,
        trace=folder / f"{name}.parquet",
        samples=folder / "samples",
        cache=folder / "cache",
        checkpoint=folder / "checkpoints" / f"{name}.pt",
        halt=folder / "halt" / f"{name}.json",
        picture_every=2,
        threads=torch.get_num_threads(),
        origin={"launch": "test", "cell": 0},
    )


def test_a_relative_folder_of_data_is_that_of_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is stored is what was asked for: the digest of the configuration is that of the plan."""
    (tmp_path / "there" / "photos").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    for number in range(10):
        Image.new("L", (8, 8), 20 * number).save(tmp_path / "there" / "photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path / "here")
    config = dataclasses.replace(
        CONFIG, data=ImageFolder(root="photos", side=8, channels=1), generator=Mlp(hidden=(8,)),
        discriminator=Mlp(hidden=(8,)), batch_size=4, steps=2, evaluation=Evaluation(every=1, samples=8),
    )  # fmt: skip
    own = dataclasses.replace(task(tmp_path, config), folder=str(tmp_path / "there"))
    run(trainable(own))
    assert (stored := stored_trace(own)) is not None
    assert stored.meta["digest"] == digest(config)
    assert stored.meta["streams"] == EDITION
    assert stored.meta["config"]["data"]["root"] == "photos"


def trainable(own: BlockTask) -> BlockTrainable:
    return BlockTrainable(config={"block": own.name, "task": packed(own, ())})


def run(block: BlockTrainable) -> list[dict[str, Any]]:
    results = [block.train()]
    while not results[-1]["done"]:
        results.append(block.train())
    return results


def rows(path: Path) -> list[dict[str, Any]]:
    return [{**row} for row in trace.read(path).rows]


def same(a: Any, b: Any) -> bool:
    """Equality that counts NaN as equal to NaN."""
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


def test_a_block_reports_every_interval_and_stores_its_trace(tmp_path: Path) -> None:
    own = task(tmp_path)
    results = run(trainable(own))
    assert [result["step"] for result in results] == [*STEPS[1:]]
    assert [len(result["rows"]) for result in results] == [6, 3, 3]  # step 0 comes with the first
    stored = trace.read(own.trace)
    assert [row["step"] for row in stored.rows] == [step for step in STEPS for _ in SEEDS]
    assert [row["replica"] for row in stored.rows[:3]] == [5, 6, 7]
    assert "cell" not in stored.rows[0]
    assert stored.meta["digest"] == digest(CONFIG)
    assert stored.meta["seeds"] == list(SEEDS)
    assert stored.meta["mode"] == "stack[3]"
    assert stored.meta["complete"] is True
    assert stored.meta["versions"]["torch"] == torch.__version__
    assert len(stored.meta["reference"]["mode_weights"]) == 8


def test_a_trace_says_what_samples_are_normalised_by(tmp_path: Path) -> None:
    seen = dataclasses.replace(CONFIG.evaluation, batch_norm=RunningStatistics())
    for name, config in {"batch": CONFIG, "running": dataclasses.replace(CONFIG, evaluation=seen)}.items():
        own = task(tmp_path / name, config)
        run(trainable(own))
        assert trace.read(own.trace).meta["sampling_statistics"] == name


def test_pictures_come_at_intervals_and_at_the_end(tmp_path: Path) -> None:
    run(trainable(task(tmp_path)))
    found = sorted(path.relative_to(tmp_path / "samples").as_posix() for path in tmp_path.rglob("*.png"))
    assert found == [f"seed={seed}/step-{step:07d}.png" for seed in sorted(SEEDS, key=str) for step in STEPS[2:]]


def test_a_block_goes_on_from_its_checkpoint_with_the_same_numbers(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, steps=30)
    whole, parted = task(tmp_path / "whole", config), task(tmp_path / "parted", config)
    run(trainable(whole))
    first = trainable(parted)
    for _ in range(6):
        first.train()
    assert parted.checkpoint.exists()
    results = run(trainable(parted))
    assert [result["step"] for result in results] == [*report_steps(30, 4)[-3:]]
    told = [row for result in results for row in result["rows"]]
    assert same(told, rows(whole.trace)), "the driver may have heard of no row that the checkpoint holds"
    assert [len(result["rows"]) for result in results] == [len(SEEDS) * 7, len(SEEDS), len(SEEDS)]
    assert same(rows(parted.trace), rows(whole.trace))
    assert trace.read(parted.trace).meta["seconds"] > 0
    assert list(parted.checkpoint.parent.iterdir()) == []


def with_checkpoint(folder: Path) -> BlockTask:
    """A block that died after its first checkpoint."""
    own = task(folder, dataclasses.replace(CONFIG, steps=30))
    block = trainable(own)
    for _ in range(5):
        block.train()
    assert own.checkpoint.exists()
    return own


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_an_earlier_version(path: Path) -> None:
    """The same state as earlier versions wrote it, and then damaged."""
    torch.save(torch.load(path, weights_only=True), path)
    damaged(path)


def of_another_configuration(path: Path) -> None:
    states.save({**torch.load(path, weights_only=True), "digest": "0123456789abcdef"}, path)


def of_other_random_numbers(path: Path) -> None:
    """As versions before the second edition of the streams wrote it."""
    state = torch.load(path, weights_only=True)
    assert state.pop("streams") == EDITION
    states.save(state, path)


class Program:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("executed",))


def a_program(path: Path) -> None:
    states.save({**torch.load(path, weights_only=True), "rows": Program()}, path)


@pytest.mark.parametrize(
    "spoil", [damaged, emptied, of_an_earlier_version, of_another_configuration, of_other_random_numbers, a_program]
)
def test_a_checkpoint_that_cannot_be_used_is_set_aside_and_the_block_trained_anew(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    own, whole = with_checkpoint(tmp_path / "own"), task(tmp_path / "whole", dataclasses.replace(CONFIG, steps=30))
    spoil(own.checkpoint)
    results = run(trainable(own))
    assert results[0]["step"] == report_steps(30, 4)[1]
    assert [path.name for path in own.checkpoint.parent.iterdir()] == ["c000-b000.pt.damaged"]
    run(trainable(whole))
    assert same(rows(own.trace), rows(whole.trace))


def test_a_checkpoint_of_other_images_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c000-b000.pt"
    check_same_data("0123", "0123", path)
    check_same_data(None, "0123", path)
    sentence = f"^{path} was trained on data with digest 4567, and the data have digest 0123 now: restore them, or"
    with pytest.raises(ValueError, match=sentence):
        check_same_data("4567", "0123", path)


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(tmp_path: Path) -> None:
    own = with_checkpoint(tmp_path)
    state = torch.load(own.checkpoint, weights_only=True)
    torch.save({name: value for name, value in state.items() if name != "data"}, own.checkpoint)
    assert run(trainable(own))[0]["step"] > report_steps(30, 4)[1]


def test_of_a_hundred_flipped_bits_of_a_checkpoint_each_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    path = with_checkpoint(tmp_path).checkpoint

    def read(checkpoint: Path) -> str:
        if not states.is_intact(checkpoint):
            raise ValueError("damaged")
        return repr(torch.load(checkpoint, weights_only=True))

    whole = read(path)
    refused, others = read_with_a_flipped_bit(path, read)
    assert len(refused) >= 95
    assert all(found == whole for found in others)


def test_a_trace_that_is_damaged_is_set_aside_and_trained_anew(tmp_path: Path) -> None:
    own = task(tmp_path)
    run(trainable(own))
    before = rows(own.trace)
    damaged(own.trace)
    run(trainable(own))
    assert same(rows(own.trace), before)
    assert own.trace.with_name("c000-b000.parquet.damaged").exists()


def test_an_error_that_every_try_would_meet_is_the_result_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(loop: Loop) -> list[dict[str, float]]:
        raise ValueError("the data have no classes")

    block = trainable(task(tmp_path))
    monkeypatch.setattr(Loop, "report", refuse)
    (result,) = run(block)
    assert result["refusal"]["sentence"] == "the data have no classes"
    assert "in refuse" in result["refusal"]["traceback"]
    assert (result["rows"], stored_trace(task(tmp_path))) == ([], None)
    monkeypatch.undo()
    assert block.reset_config({"block": "next", "task": packed(task(tmp_path, name="next"), ())})
    assert "refusal" not in run(block)[-1], "the worker is free for the next block"


def test_a_reused_actor_trains_the_next_block_as_a_fresh_one_would(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, d_optimizer=Sgd(lr=0.01))
    first, second = task(tmp_path / "a"), task(tmp_path / "a", config, name="next")
    reused = trainable(first)
    run(reused)
    assert reused.reset({"block": "next", "task": packed(second, ())})
    run(reused)
    fresh = task(tmp_path / "b", config, name="next")
    run(trainable(fresh))
    assert same(rows(second.trace), rows(fresh.trace))


def test_a_block_with_a_complete_trace_trains_nothing(tmp_path: Path) -> None:
    own = task(tmp_path)
    run(trainable(own))
    made = own.trace.stat().st_mtime_ns
    (result,) = run(trainable(own))
    assert result["done"]
    assert result["rows"] == []
    assert own.trace.stat().st_mtime_ns == made


def test_a_trace_of_another_configuration_does_not_count(tmp_path: Path) -> None:
    own = task(tmp_path)
    run(trainable(own))
    assert stored_trace(own) is not None
    assert stored_trace(task(tmp_path, dataclasses.replace(CONFIG, steps=11))) is None


def test_training_ends_early_only_when_no_replica_is_finite(tmp_path: Path) -> None:
    own = task(tmp_path, dataclasses.replace(CONFIG, g_optimizer=Sgd(lr=1e38), d_optimizer=Sgd(lr=1e38), steps=400))
    results = run(trainable(own))
    assert results[-1]["step"] < 400
    assert results[-1]["finite_share"] == 0.0
    stored = trace.read(own.trace)
    assert stored.meta["complete"] is True
    assert not any(row["finite"] for row in stored.rows[-3:])


def halt(own: BlockTask) -> None:
    own.halt.parent.mkdir(parents=True)
    own.halt.write_text('{"rule": "lost", "step": 3}')


def test_a_block_that_is_halted_ends_at_its_next_report_with_the_trace_it_has(tmp_path: Path) -> None:
    whole, own = task(tmp_path / "whole"), task(tmp_path / "halted")
    run(trainable(whole))
    block = trainable(own)
    assert not block.train()["done"]
    halt(own)
    result = block.train()
    assert (result["step"], result["done"], len(result["rows"])) == (9, True, 3)
    stored = trace.read(own.trace)
    assert stored.meta["stopped"] == {"rule": "lost", "step": 3}
    assert (stored.meta["complete"], stored.meta["steps"]) == (True, 9)
    assert same(rows(own.trace), [row for row in rows(whole.trace) if row["step"] <= 9])
    assert sorted(path.name for path in own.samples.rglob("seed=4/*.png")) == ["step-0000009.png"]


def test_a_halted_block_is_complete_and_not_trained_on(tmp_path: Path) -> None:
    own = task(tmp_path)
    halt(own)
    run(trainable(own))
    own.halt.unlink()
    made = own.trace.stat().st_mtime_ns
    (result,) = run(trainable(own))
    assert (result["done"], result["rows"]) == (True, [])
    assert own.trace.stat().st_mtime_ns == made


def test_a_block_that_ends_anyway_was_not_stopped(tmp_path: Path) -> None:
    own = task(tmp_path)
    block = trainable(own)
    block.train()
    block.train()
    halt(own)
    assert block.train()["step"] == CONFIG.steps
    assert "stopped" not in trace.read(own.trace).meta


def test_a_worker_of_another_version_refuses_the_block_and_says_so(tmp_path: Path) -> None:
    own = task(tmp_path)
    sent = dataclasses.replace(packed(own, ()), kin={**kin(), "code": "0123456789ab"})
    block = BlockTrainable(config={"block": own.name, "task": sent})
    result = block.train()
    assert result["done"]
    assert re.match(
        r"every machine must have the versions of the driver, code 0123456789ab, but \S+ has code \w{12}: install",
        result["refusal"]["sentence"],
    )
    assert not own.trace.exists()
