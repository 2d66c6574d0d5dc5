"""Files are there whole, or as they were; digests do not depend on the order of keys."""

import os
from pathlib import Path

import pytest

from trainables.files import BLANK, cache_folder, is_whole, json_digest, seal, set_aside, with_floats, written_whole


def test_a_file_takes_its_place_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with written_whole(path) as unfinished:
        unfinished.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [own.name for own in path.parent.iterdir()] == ["file.txt"]


def test_its_bytes_are_on_the_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file.txt", []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_size, path.exists())))
    with written_whole(path) as unfinished:
        unfinished.write_text("whole")
    assert synced == [(5, False)]


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


@pytest.mark.parametrize("before", [0, 1, 3_000_000])
def test_a_sealed_file_knows_each_of_its_bytes(before: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = bytes(before) + BLANK.encode() + b"and more"
    path.write_bytes(content)
    seal(path)
    assert is_whole(path) is True
    written = path.read_bytes()
    assert len(written) == len(content)
    for place in {0, before // 2, before + 20, len(content) - 1}:
        path.write_bytes(written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :])
        assert not is_whole(path)
    path.write_bytes(written[:-1])
    assert is_whole(path) is False


def test_a_file_that_was_never_sealed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"", b"a file of an earlier version"):
        path.write_bytes(content)
        assert is_whole(path) is None


def test_a_file_without_a_blank_cannot_be_sealed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BLANK.encode() + bytes(1 << 17))
    with pytest.raises(ValueError, match="must have a blank for its digest near its end"):
        seal(path)


def test_a_file_that_was_set_aside_makes_room(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in ("one", "two"):
        path.write_text(content)
        assert set_aside(path) == tmp_path / "file.damaged"
    assert [(own.name, own.read_text()) for own in tmp_path.iterdir()] == [("file.damaged", "two")]


def test_the_cache_is_that_of_the_user_or_the_one_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_CACHE", "~/there")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder() == Path("/home/someone/there")
    monkeypatch.delenv("STUDY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder() == Path("/cache/gan-stability-lab")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/someone/.cache/gan-stability-lab")
