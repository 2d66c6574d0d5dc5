"""A disk that is full while a launch runs: one sentence, and nothing is missing once there is room."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from study.storage.store import Store
from tests.study.cli import made_disturbed as made

pytestmark = [pytest.mark.slow, pytest.mark.ray]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(file: Path) -> None:
    """Leave no byte."""
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(4_096))


def test_a_launch_on_a_full_disk_ends_in_one_sentence_and_is_resumed_once_there_is_room(
    undisturbed: Store, small_disk: Path, tmp_path: Path
) -> None:
    out, ballast = small_disk / "runs", small_disk / "ballast"
    with made.Started(tmp_path / "log", "run", *made.CLIP, "--out", out) as launch:
        launch.wait_for(lambda: made.checkpoints(out))
        fill(ballast)
        assert launch.wait() == 1, launch.said
    assert "Traceback" not in launch.said
    store = made.only_launch(out)
    said = [line for line in launch.said.splitlines() if "No space left on device" in line]
    assert len(said) == 1, launch.said
    assert said[0].startswith("error: ")
    assert str(out) in said[0]
    assert f"study resume {store.root}" in launch.said
    assert len(made.traces(out)) < made.BLOCKS

    ballast.unlink()
    resumed = made.study("resume", store.root, "--out", out, "--tracking-uri", "none")
    assert resumed.returncode == 0, resumed.stderr
    assert made.differences(store, undisturbed) == made.NONE
