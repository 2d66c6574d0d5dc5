"""Kept networks on disk: written whole, described, sealed; the best report's networks are held until the end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.made_damage import read_with_a_flipped_bit
from trainables import weights
from trainables.files import DamagedFile
from trainables.weights import Keep, Keeper

ABOUT = {"which": "last", "step": 30, "seed": 4, "digest": "ab"}


def networks(value: float = 1.0) -> dict[str, dict[str, Tensor]]:
    return {"generator": {"0.weight": torch.full((2, 3), value)}, "discriminator": {"0.weight": torch.ones(3)}}


def stack(step: int) -> dict[str, dict[str, Tensor]]:
    """Two replicas whose weights tell step and replica."""
    return {"generator": {"w": torch.tensor([[10.0 * step], [10.0 * step + 1]])}}


def row(step: int, quality: float, *, finite: bool = True) -> dict[str, Any]:
    return {"step": step, "quality": quality, "finite": finite}


def by_quality(start: Mapping[str, Any], row: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[int, float]:
    assert start["step"] == 0
    assert reference == {"scale": 2}
    return 1, row["quality"]


def keeper(folder: Path, *, last: bool = True) -> Keeper:
    return Keeper(Keep(folder=folder, last=last, score=by_quality, rule="rule"), (4, 8), {"scale": 2})


def see(own: Keeper, step: int, *qualities: float, finite: bool = True) -> None:
    own.see([row(step, quality, finite=finite) for quality in qualities], lambda: stack(step), (4, 8))


def value(folder: Path, seed: int, which: str) -> float:
    return weights.read(folder / f"seed={seed}", which).tensors("generator")["w"].item()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    weights.write(tmp_path, ABOUT, networks())
    kept = weights.read(tmp_path, "last")
    assert weights.described(tmp_path) == ("last",)
    assert kept.names == ("generator", "discriminator")
    assert torch.equal(kept.tensors("generator")["0.weight"], torch.ones(2, 3))
    assert kept.about["step"] == 30
    assert kept.damage() == []
    assert json.loads((tmp_path / "last.json").read_text("utf-8"))["networks"]["generator"]["bytes"] > 24


def test_a_network_that_was_not_kept_is_named(tmp_path: Path) -> None:
    weights.write(tmp_path, ABOUT, networks())
    with pytest.raises(ValueError, match="network must be one of generator, discriminator, got 'critic'"):
        weights.read(tmp_path, "last").tensors("critic")


@pytest.mark.parametrize("name", ["generator-0000030.safetensors", "last.json"])
def test_damage_to_any_file_is_named(tmp_path: Path, name: str) -> None:
    weights.write(tmp_path, ABOUT, networks())

    def read(path: Path) -> Mapping[str, Tensor]:
        return weights.read(path.parent, "last").tensors("generator")

    refused, found = read_with_a_flipped_bit(tmp_path / name, read)
    assert found == []
    assert all(f"{name} is damaged" in sentence for sentence in refused)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    weights.write(tmp_path, ABOUT, networks())
    (tmp_path / "discriminator-0000030.safetensors").unlink()
    kept = weights.read(tmp_path, "last")
    assert kept.tensors("generator")
    (why,) = kept.damage()
    assert why.endswith("discriminator-0000030.safetensors is missing, which last.json beside it names")


def test_an_unsealed_description_is_refused(tmp_path: Path) -> None:
    weights.write(tmp_path, ABOUT, networks())
    about = json.loads((tmp_path / "last.json").read_text("utf-8"))
    (tmp_path / "last.json").write_text(json.dumps({**about, "seal": ""}), "utf-8")
    with pytest.raises(DamagedFile, match=r"last\.json is damaged"):
        weights.read(tmp_path, "last")


def test_the_networks_of_the_best_report_are_kept_beside_the_last(tmp_path: Path) -> None:
    own = keeper(tmp_path)
    for step, qualities in enumerate([(0.9, 0.9), (0.2, 0.1), (0.5, 0.1), (0.5, 0.4)]):  # step 0 does not count
        see(own, step, *qualities)
    own.write(3, lambda: stack(3), (4, 8), {"digest": "ab"})
    assert [value(tmp_path, seed, "last") for seed in (4, 8)] == [30.0, 31.0]
    assert [value(tmp_path, seed, "best") for seed in (4, 8)] == [20.0, 31.0]  # of equals the first
    assert weights.read(tmp_path / "seed=4", "best").about["chosen"] == {"rule": "rule", "standing": [1, 0.5]}
    # What is both is there once.
    assert len([*(tmp_path / "seed=8").glob("*.safetensors")]) == 1


def test_a_replica_that_is_not_finite_is_never_best(tmp_path: Path) -> None:
    own = keeper(tmp_path)
    see(own, 0, 0.0, 0.0)
    see(own, 1, 0.1, 0.1)
    see(own, 2, 0.9, 0.9, finite=False)
    own.write(2, lambda: stack(2), (4, 8), {"digest": "ab"})
    assert value(tmp_path, 4, "best") == 10.0


def test_a_keeper_goes_on_from_a_stored_state(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    see(first, 0, 0.0, 0.0)
    see(first, 1, 0.8, 0.2)
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = keeper(tmp_path)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    see(second, 2, 0.5, 0.5)
    second.write(2, lambda: stack(2), (4, 8), {"digest": "ab"})
    assert [value(tmp_path, seed, "best") for seed in (4, 8)] == [10.0, 21.0]


def test_an_earlier_attempt_leaves_nothing_behind(tmp_path: Path) -> None:
    before = keeper(tmp_path)
    see(before, 0, 0.0, 0.0)
    see(before, 1, 0.8, 0.8)
    before.write(1, lambda: stack(1), (4, 8), {"digest": "ab"})
    after = keeper(tmp_path)
    after.write(5, lambda: stack(5), (4, 8), {"digest": "ab"})
    assert sorted(path.name for path in (tmp_path / "seed=4").iterdir()) == [
        "generator-0000005.safetensors",
        "last.json",
    ]


def test_nothing_is_written_where_nothing_is_kept(tmp_path: Path) -> None:
    own = Keeper(None, (4, 8), {})
    see(own, 1, 0.5, 0.5)
    own.write(1, lambda: stack(1), (4, 8), {"digest": "ab"})
    assert [*tmp_path.iterdir()] == []


def test_values_are_kept_in_memory_of_their_own() -> None:
    """The optimizer goes on stepping the stack in place."""
    current = stack(1)
    kept = weights.replica(current, 0)
    current["generator"]["w"].zero_()
    assert kept["generator"]["w"].item() == 10.0
