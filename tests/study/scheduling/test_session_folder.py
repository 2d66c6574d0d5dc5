"""Where Ray keeps its sockets: their paths are limited, and a folder may be another user's."""

import os
from pathlib import Path

import pytest

from study.scheduling import session_folder as module
from study.scheduling.session_folder import LONGEST, session_folder


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.delenv("TMPDIR", raising=False)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder whose path counts as short, wherever the tests run."""
    monkeypatch.setattr(module, "LONGEST", len(str(tmp_path)) + 20)
    return tmp_path


def test_the_longest_folder_has_room_for_the_longest_socket() -> None:
    assert LONGEST + len("/session_2026-11-28_16-18-22_197607_4194304/sockets/plasma_store") in (103, 107)


def test_a_short_folder_of_this_user_is_kept(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(short))
    assert session_folder() == short / "ray"
    assert not (short / "ray").exists(), "Ray makes it"


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_folder_whose_path_is_too_long_is_replaced(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.setenv(name, str(deep))
    assert session_folder() in (Path("/tmp/ray"), Path(f"/tmp/ray-{os.geteuid()}"))


def test_a_folder_of_another_user_is_left_alone(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    (short / "ray").mkdir()
    monkeypatch.setenv("TMPDIR", str(short))
    monkeypatch.setattr(os, "geteuid", lambda: 123456)
    assert session_folder() == short / "ray-123456"


def test_no_folder_at_all_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 3)
    with pytest.raises(ValueError, match=r"^RAY_TMPDIR must be a folder that you can write to, .*none of /tmp/ray, "):
        session_folder()
