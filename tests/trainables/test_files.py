"""Files are there whole, or as they were; digests do not depend on the order of keys."""

import os
from pathlib import Path

import pytest

from trainables.files import json_digest, read_sealed, with_floats, write_sealed, written_whole


def test_a_file_takes_its_place_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with written_whole(path) as unfinished:
        unfinished.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [own.name for own in path.parent.iterdir()] == ["file.txt"]


def test_after_an_error_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")

    def fail() -> None:
        with written_whole(path) as unfinished:
            unfinished.write_text("half")
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with written_whole(path) as unfinished:
        left = unfinished
        unfinished.write_text("whole")
    left.write_text("half a file of another process")
    with written_whole(path) as unfinished:
        assert unfinished == left
        unfinished.write_text("again")
    assert path.read_text() == "again"
    assert not left.exists()


def test_of_many_writers_each_has_an_unfinished_file_of_its_own(tmp_path: Path) -> None:
    with written_whole(tmp_path / "file.txt", by_many=True) as unfinished:
        assert str(os.getpid()) in unfinished.name
        unfinished.write_text("whole")
    assert [own.name for own in tmp_path.iterdir()] == ["file.txt"]


def test_a_digest_is_of_values_whatever_the_order_of_their_keys() -> None:
    assert json_digest({"a": 1, "b": [2, 3]}) == json_digest({"b": [2, 3], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": 2})
    assert len(json_digest({}, size=4)) == 8


def test_integers_count_as_floats_where_that_is_asked_for() -> None:
    assert json_digest({"a": -1}) != json_digest({"a": -1.0})
    assert json_digest(with_floats({"a": -1})) == json_digest({"a": -1.0})


def test_a_sealed_file_gives_back_its_content(tmp_path: Path) -> None:
    for content in (b"", b"some bytes"):
        write_sealed(tmp_path / "new" / "file", content)
        assert read_sealed(tmp_path / "new" / "file") == content


@pytest.mark.parametrize("bit", range(0, 8 * 42, 5))
def test_a_bit_that_changes_breaks_the_seal(tmp_path: Path, bit: int) -> None:
    write_sealed(tmp_path / "file", b"some bytes")
    content = bytearray((tmp_path / "file").read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    (tmp_path / "file").write_bytes(content)
    assert read_sealed(tmp_path / "file") is None


@pytest.mark.parametrize("size", [0, 10, 32, 41])
def test_a_sealed_file_that_was_cut_short_is_known(tmp_path: Path, size: int) -> None:
    write_sealed(tmp_path / "file", b"some bytes")
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:size])
    assert read_sealed(tmp_path / "file") is None
