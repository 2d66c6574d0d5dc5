"""What lies in a folder, whatever its links, names and rights are."""

import os
import socket
from pathlib import Path

import pytest

from trainables.data import walking
from trainables.data.walking import Found, files_below, files_in, folder_of, folders_in, printable


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(root: Path, folder: str) -> list[str]:
    return [found.name for found in files_below(root, folder)]


def test_files_come_before_folders_each_by_name(tmp_path: Path) -> None:
    make(tmp_path, "a/z", "a/b/1", "a/b/c/2", "a/a/3", "b/1")
    assert names(tmp_path, "a") == ["a/z", "a/a/3", "a/b/1", "a/b/c/2"]
    assert folders_in(tmp_path) == ["a", "b"]


def test_hidden_and_system_ones_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a/1", "a/.2", "a/.thumbs/3", "a/@eaDir/1/4", "a/#recycle/5", "$RECYCLE.BIN/6", ".7")
    assert names(tmp_path, "a") == ["a/1"]
    assert folders_in(tmp_path) == ["a"]
    assert list(files_in(tmp_path)) == []


def test_each_real_folder_is_visited_once(tmp_path: Path) -> None:
    make(tmp_path / "root", "a/1", "a/b/2", "c/3")
    make(tmp_path / "outside", "4")
    for place, target in {
        "a/up": "root", "a/self": "root/a", "a/b/c": "root/c", "a/one": "outside", "a/two": "outside", "d": "root/c"
    }.items():  # fmt: skip
        (tmp_path / "root" / place).symlink_to(tmp_path / target)
    (tmp_path / "outside" / "back").symlink_to(tmp_path / "outside")
    assert names(tmp_path / "root", "a") == ["a/1", "a/b/2", "a/one/4"]
    assert folders_in(tmp_path / "root") == ["a", "c"]


def test_what_is_no_file_is_told_apart(tmp_path: Path) -> None:
    make(tmp_path, "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket may be too long
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        assert {found.name: found.kind for found in files_in(tmp_path)} == {
            "file": "file", "pipe": "special", "lost": "lost", "loop": "lost", "null": "special", "socket": "special"
        }  # fmt: skip


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/b/1")
    scan = os.scandir

    def refuse(folder: Path) -> object:
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(walking.os, "scandir", refuse)
    with pytest.raises(ValueError, match=rf"^root must hold folders that can be read, got {tmp_path}/a/b: Permission"):
        names(tmp_path, "a")


def test_names_that_are_no_utf_8_are_written_in_ascii(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"a/caf\xe9"))
    (found,) = files_below(tmp_path, "a")
    assert found == Found(os.fsdecode(b"a/caf\xe9"), "file")
    assert printable(found.name) == r"a/caf\xe9"
    assert printable("café") == "café"


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert folder_of("~/photos") == Path("/home/someone/photos")
    assert folder_of("photos") == Path.cwd() / "photos"
