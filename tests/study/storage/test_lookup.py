"""Where a launch is found, and what can be a folder of launches."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from study.storage import lookup
from study.storage.store import Store


def test_a_launch_is_found_by_its_folder_and_by_its_id(trained: Callable[..., Store], tmp_path: Path) -> None:
    store = trained(page=False)
    assert lookup.folder_of(store.root, tmp_path) == store.root
    assert lookup.folder_of(store.root.name, tmp_path) == store.root


@pytest.mark.parametrize("launch", ["*", "", "..", "x" * 5_000, "\0", "/nothing", "[a]"])
def test_what_is_no_launch_is_refused_whatever_it_is(
    launch: str, trained: Callable[..., Store], tmp_path: Path
) -> None:
    trained(page=False)
    with pytest.raises(ValueError, match=r"^LAUNCH must be a launch's folder or the id of one in") as refused:
        lookup.folder_of(launch, tmp_path)
    assert len(str(refused.value)) < 600


def test_a_mistyped_id_gets_the_nearest(trained: Callable[..., Store], tmp_path: Path) -> None:
    trained(page=False)
    with pytest.raises(ValueError, match=r"got '20260102-030405-quik': did you mean 20260102-030405-quick\?$"):
        lookup.folder_of("20260102-030405-quik", tmp_path)


def test_the_draft_of_a_launch_is_none(trained: Callable[..., Store], tmp_path: Path) -> None:
    store = trained(page=False)
    shutil.copytree(store.root, store.draft)
    with pytest.raises(ValueError, match="LAUNCH must be"):
        lookup.folder_of(store.draft.name, tmp_path)


@pytest.mark.parametrize("out", ["s3://bucket/runs", "gs://b", "hdfs://host:1/x", "file:///tmp/x", "s3:/bucket"])
def test_an_address_is_no_folder(out: str) -> None:
    for given in (out, Path(out)):
        with pytest.raises(ValueError, match=r"^--out must be a folder of this machine, got the address"):
            lookup.check_local(given)


def test_no_name_is_no_folder() -> None:
    with pytest.raises(ValueError, match=r"^--out must be a folder, got '': the working folder is '\.'$"):
        lookup.check_local("")


def test_a_launch_in_the_working_folder_has_its_parents(
    trained: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = trained(page=False)
    monkeypatch.chdir(store.root)
    assert Store(lookup.folder_of(".", "runs")).out == store.out
    monkeypatch.chdir(store.root.parent)
    assert Store(lookup.folder_of(store.root.name, "runs")).out == store.out
    with pytest.raises(ValueError, match="LAUNCH must be"):
        lookup.folder_of("", "runs")


def test_folders_are_tried_and_left_as_they_were(tmp_path: Path) -> None:
    lookup.check_local(tmp_path)
    lookup.check_writable(tmp_path / "a" / "b")
    lookup.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_is_refused_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got .*/file/x: Not a directory$"):
        lookup.check_writable(tmp_path / "file" / "x")
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got .*: File name too long$"):
        lookup.check_writable(tmp_path / "a" / ("x" * 300))
    refused = OSError(30, "Read-only file system")

    def refuse(*arguments: object, **options: object) -> None:
        raise refused

    monkeypatch.setattr(lookup.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got .*/new: Read-only file system$"):
        lookup.check_writable(tmp_path / "new")
    assert os.listdir(tmp_path) == ["file"]
