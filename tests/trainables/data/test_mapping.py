"""Mapped files: what is read of them, and how far ahead."""

import re
from pathlib import Path

import numpy as np
import pytest

from trainables.data import mapping
from trainables.data.mapping import as_tensor, mapped

SMAPS = Path("/proc/self/smaps")
BYTES = np.arange(24, dtype=np.uint8)


def flags(path: Path) -> list[str]:
    """How the system has mapped a file: ``rr`` if it was told that reads are random."""
    found = re.search(rf"^\w+-\w+ .* {re.escape(str(path))}$.*?^VmFlags: (.*?)$", SMAPS.read_text(), re.M | re.S)
    assert found is not None
    return found[1].split()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "x").write_bytes(b"head" + BYTES.tobytes())
    return tmp_path / "x"


def test_an_array_begins_behind_its_header(file: Path) -> None:
    assert np.array_equal(mapped(file, (4, 6), np.uint8, start=4), BYTES.reshape(4, 6))
    by_columns = mapped(file, (4, 6), np.uint8, start=4, order="F")
    assert np.array_equal(by_columns, BYTES.reshape(4, 6, order="F"))
    assert as_tensor(by_columns).tolist() == by_columns.tolist()


def test_a_file_that_is_too_short_or_empty_is_an_error(file: Path) -> None:
    with pytest.raises(TypeError, match="too small"):
        mapped(file, (5, 6), np.uint8, start=4)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="empty"):
        mapped(file, (1,), np.uint8, start=0)


@pytest.mark.skipif(not SMAPS.exists(), reason="the flags of a map are told by Linux alone")
@pytest.mark.parametrize(
    ("memory", "scattered", "random"), [(30, True, True), (30, False, False), (1_000, True, False)]
)
def test_only_large_files_that_are_read_here_and_there_are_not_read_ahead(
    file: Path, monkeypatch: pytest.MonkeyPatch, memory: int, scattered: bool, random: bool
) -> None:
    monkeypatch.setattr(mapping, "memory", lambda: memory)
    array = mapped(file, (4, 6), np.uint8, start=4, scattered=scattered)
    assert ("rr" in flags(file)) == random
    assert array.sum() == BYTES.sum()
