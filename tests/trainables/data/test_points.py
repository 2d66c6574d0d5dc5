"""Points of the user's own: a finite set around centers that must be given."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from trainables.data import PointFile, PointSource, in_files, known_classes
from trainables.data import points as module
from trainables.data.walking import locate
from trainables.streams import Streams

CPU = torch.device("cpu")
CENTERS = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
COUNTS = (300, 200, 100)


def cloud() -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(600, 2)) * 0.05 + CENTERS.repeat(COUNTS, axis=0)).astype(np.float32)


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    np.savez(tmp_path / "cloud.npz", points=cloud(), modes=CENTERS)
    return tmp_path / "cloud.npz"


def load(path: Any, **fields: Any) -> PointSource:
    data = PointFile(path=str(path), **fields)
    data.check()
    return data.load(device=CPU, dtype=torch.float32)


def test_the_mixture_is_that_of_the_nearest_centers(npz: Path) -> None:
    truth = load(npz).truth
    assert np.array_equal(truth.centers, CENTERS)
    assert truth.weights.tolist() == [each / 600 for each in COUNTS]
    labels = np.arange(3).repeat(COUNTS)
    apart = cloud().astype(np.float64) - CENTERS[labels]
    assert truth.std == pytest.approx(np.sqrt((apart**2).mean()), rel=1e-12)
    assert truth.std == pytest.approx(0.05, rel=0.05)


def test_all_formats_are_the_same_points(npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", cloud())
    np.save(tmp_path / "m.npy", CENTERS)
    rows = pa.FixedSizeListArray.from_arrays(pa.array(cloud().ravel()), 2)
    pq.write_table(pa.table({"points": rows}), tmp_path / "x.parquet")
    monkeypatch.setattr(module, "_TABLE", 50)  # in many parts
    digests = {load(tmp_path / name, modes=str(tmp_path / "m.npy")).digest for name in ("x.npy", "x.parquet")}
    assert digests == {load(npz).digest}
    np.save(tmp_path / "m.npy", CENTERS[::-1])
    assert load(tmp_path / "x.npy", modes=str(tmp_path / "m.npy")).digest not in digests


def test_a_batch_has_no_point_twice_and_is_a_function_of_the_seed(npz: Path) -> None:
    source = load(npz)
    batch = source.batch(Streams([3, 4]), 7, 500)
    assert batch.samples.shape == (2, 500, 2)
    for row in batch.samples:
        assert len(row.unique(dim=0)) == 500
    alone = source.batch(Streams([4]), 7, 500)
    assert torch.equal(batch.samples[1], alone.samples[0])
    assert not torch.equal(batch.samples[0], source.batch(Streams([3]), 8, 500).samples[0])
    assert alone.labels is not None
    assert torch.equal(torch.cdist(alone.samples[0].double(), torch.from_numpy(CENTERS)).argmin(1), alone.labels[0])


def test_a_sample_for_evaluation_may_be_larger_than_the_set(npz: Path) -> None:
    source = load(npz)
    assert source.reference(1_000).shape == (1_000, 2)
    assert len(source.reference(600).unique(dim=0)) == 600
    found, counts = source.batch(Streams([0]), 0, 1_300).samples[0].unique(dim=0, return_counts=True)
    assert (len(found), counts.min(), counts.max()) == (600, 2, 3)


def test_batches_larger_than_the_set_are_refused(npz: Path) -> None:
    source = load(npz)
    source.check_batch(600)
    source.check_batch(300, 2)
    with pytest.raises(ValueError, match=r"^batch_size must be at most 300, as there are 600 points, got 301$"):
        source.check_batch(301, 2)


def test_a_configuration_says_what_it_is(npz: Path, tmp_path: Path) -> None:
    data = PointFile(path="cloud.npz", modes="m.npy", dim=3)
    assert (data.shape, in_files(data)) == ((3,), True)
    moved = locate(data, "/there")
    assert (moved.path, moved.modes) == ("/there/cloud.npz", "/there/m.npy")
    assert locate(PointFile(path="cloud.npz"), "/there").modes == ""
    assert known_classes(PointFile(path=str(npz))) == 3
    assert known_classes(PointFile(path="nowhere.npz")) is None
    assert PointFile(path=str(npz)).readings() == ("as float32 [600, 2]",)


@pytest.mark.parametrize(
    ("arrays", "fields", "sentence"),
    [
        (
            {"x": cloud()},
            {},
            r"^modes must be given for points, .* got none in .*: no rule can judge points whose modes are not known$",
        ),
        ({"modes": CENTERS, "x": cloud()}, {"dim": 3}, r"^dim must be 2, as the points in .* have, got 3"),
        (
            {"modes": CENTERS, "x": np.zeros((5, 2), int)},
            {},
            r"^points must be an array \[N, dim\] of floats, got int64",
        ),
        ({"modes": CENTERS, "x": np.zeros((5, 2, 2))}, {}, r"got float64 \[5, 2, 2\]"),
        ({"modes": CENTERS, "x": cloud() * np.nan}, {}, r"^points must be finite, got NaN or infinity in"),
        (
            {"modes": np.vstack([CENTERS, [[50, 50]]]), "x": cloud()},
            {},
            r"^modes must each be nearest to some point, got none for mode 3",
        ),
        ({"modes": CENTERS[:, :1], "x": cloud()}, {}, r"^modes must be 1 to 4,096 centers of 2 .* \[3, 1\]"),
        ({"modes": CENTERS[[0, 0]], "x": cloud()}, {}, r"^modes must be finite, distinct centers"),
        ({"modes": CENTERS, "x": CENTERS.repeat(4, 0)}, {}, r"^points must vary around their modes"),
        ({"modes": CENTERS, "x": cloud()}, {"key": "z"}, r"^key must be a field of .* \(modes, x\), got z"),
    ],
)
def test_what_are_no_points_with_modes_is_refused(
    tmp_path: Path, arrays: dict[str, Any], fields: dict[str, Any], sentence: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=sentence):
        load(tmp_path / "x.npz", **fields)


def test_points_that_exceed_the_memory_are_refused(npz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NUMBERS", 1_000)
    with pytest.raises(ValueError, match=r"^points must have at most 1,000 coordinates in all, got 1,200"):
        load(npz)
